// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// What a worker costs: start, memory, stop, restart.

#include "cases.hpp"
#include "compare.hpp"
#include "peers.hpp"
#include "probe.hpp"

#include <optional>
#include <string>
#include <vector>

namespace troupe::bench {

void workers(report& out, const settings& how) {
  const std::size_t size = how.quick ? 1'000 : 100'000;
  const std::size_t few = how.quick ? 100 : 10'000;
  const std::vector all{
    own_probe("troupe", "troupe_workers", size),
    own_probe("raw CAF, by hand", "raw_workers", size),
    own_probe("raw CAF, as much by hand", "careful_workers", size),
    otp("workers", size),
    asio(size),
    own_probe("a thread each, " + grouped(few) + " of them", "thread_workers",
              few),
    with_mimalloc(own_probe("troupe", "troupe_workers", size)),
    with_mimalloc(own_probe("raw CAF, by hand", "raw_workers", size)),
  };
  const auto found = run_in_turn(all, how.quick ? 1 : 9);
  struct wanted {
    const char* figure;
    const char* name;
    const char* unit;
    std::vector<std::optional<target>> targets; // one for each peer
  };
  const std::vector<wanted> rows{
    {"start",
     "start of one of ",
     "ns",
     {ratio_at_most(2.5), {}, ratio_at_most(0.5), {}, {}, {}, {}}},
    {"bytes",
     "resident, each of ",
     "bytes",
     {ratio_at_most(1.5), {}, {}, {}, {}, {}, {}}},
    {"stop",
     "graceful stop of one of ",
     "ns",
     {ratio_at_most(1.5), {}, ratio_at_most(1.0), {}, {}, {}, {}}},
  };
  for (const auto& x : rows)
    for (std::size_t i = 1; i < all.size(); ++i)
      compare(out,
              {.name = x.name + grouped(size) + " workers",
               .unit = x.unit,
               .target = all[i].missing.empty() ? x.targets[i - 1]
                                                : std::nullopt},
              found[0], all[i], found[i], x.figure, x.figure);
}

void restarts(report& out, const settings& how) {
  const std::size_t size = how.quick ? 20 : 2'000;
  const std::vector all{own_probe("troupe", "troupe_crash", size),
                        otp("crash", size)};
  const auto found = run_in_turn(all, how.quick ? 1 : 5);
  compare(out,
          {.name = "crash until the next life is ready, p50",
           .unit = "ns",
           .target = all[1].missing.empty() ? std::optional{ratio_at_most(0.5)}
                                            : std::nullopt},
          found[0], all[1], found[1], "crash", "crash");
}

void stops(report& out, const settings& how) {
  const std::size_t size = how.quick ? 20 : 2'000;
  const std::vector all{
    own_probe("troupe", "troupe_stop", size),
    own_probe("raw CAF, a message there and back", "raw_round_trip", size),
    fluid("stop", how.quick ? 1 : 10),
  };
  const auto found = run_in_turn(all, how.quick ? 1 : 5);
  const row what{.name = "stop of a sleeping worker from a thread, p50",
                 .unit = "ns"};
  auto first = what;
  first.target = ratio_at_most(1.5);
  compare(out, first, found[0], all[1], found[1], "stop", "round_trip");
  compare(out, what, found[0], all[2], found[2], "stop", "stop");
}

} // namespace troupe::bench
