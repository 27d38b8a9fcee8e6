// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// What takes minutes: a million workers, how their cost grows, and long bursts.

#include "cases.hpp"
#include "compare.hpp"
#include "peers.hpp"
#include "probe.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace troupe::bench {

namespace {

void a_million(report& out, const settings& how) {
  const std::size_t few = how.quick ? 1'000 : 10'000;
  const std::size_t many = how.quick ? 10'000 : 1'000'000;
  std::vector all{
    own_probe("troupe", "troupe_workers", few),
    own_probe("troupe", "troupe_workers", many),
    own_probe("raw CAF", "raw_workers", few),
    own_probe("raw CAF", "raw_workers", many),
    own_probe("troupe", "troupe_sleepers", many),
    own_probe("an idle actor system of CAF", "raw_idle", 1),
  };
  if (!how.quick)
    all[0].times = all[2].times = 7;
  const auto found = run_in_turn(all, how.quick ? 1 : 5);
  const auto sleepers = grouped(many) + " sleeping workers";
  out.add({.name = sleepers + ": start and stop",
           .unit = "s",
           .troupe = median(found[4].at("work_seconds")),
           .target = value_at_most(10)});
  out.add({.name = sleepers + ": processor time in 5 s idle",
           .unit = "s",
           .troupe = median(found[4].at("idle_cpu_seconds")),
           .peer = peer{all[5].label, median(found[5].at("idle_cpu_seconds"))},
           .target = ratio_at_most(1.2)});
  for (const std::string figure : {"start", "bytes", "stop"}) {
    const auto growth = [&](std::size_t i) {
      return median(found[i + 1].at(figure)) / median(found[i].at(figure));
    };
    out.add({.name = "growth of " + figure + ", " + grouped(few) + " to "
                     + grouped(many),
             .unit = "times",
             .troupe = growth(0),
             .peer = peer{"raw CAF, by hand", growth(2)},
             .target = ratio_at_most(1.2)});
  }
}

void many_restarts(report& out, const settings& how) {
  const std::size_t size = how.quick ? 1'000 : 100'000;
  std::vector all{own_probe("troupe", "troupe_restarts", size),
                  otp("restarts", size)};
  all[1].label
    = "Erlang/OTP, which goes through those of the last second at each";
  const auto found = run_in_turn(all, how.quick ? 1 : 3);
  compare(out,
          {.name = "one of " + grouped(size) + " restarts in a row",
           .unit = "ns"},
          found[0], all[1], found[1], "restart", "restart");
}

void burst(report& out, const settings& how) {
  const std::size_t size = how.quick ? 100'000 : 10'000'000;
  const std::vector all{
    own_probe("troupe", "troupe_burst", size),
    own_probe("raw event_based_actor", "raw_burst", size),
  };
  const auto found = run_in_turn(all, how.quick ? 1 : 3);
  const auto name = grouped(size) + " messages into 1,000 queues";
  compare(out, {.name = name, .unit = "messages/s"}, found[0], all[1], found[1],
          "rate", "rate");
  compare(out, {.name = name + ": memory, peak", .unit = "MB"}, found[0],
          all[1], found[1], "peak", "peak");
}

} // namespace

void scale(report& out, const settings& how) {
  a_million(out, how);
  many_restarts(out, how);
  burst(out, how);
}

} // namespace troupe::bench
