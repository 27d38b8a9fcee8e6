// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cases.hpp"
#include "compare.hpp"
#include "probe.hpp"

#include <vector>

namespace troupe::bench {

void lines(report& out, const settings& how) {
  const std::size_t size = how.quick ? 2'000 : 1'000'000;
  const std::vector all{
    own_probe("troupe", "troupe_log_service", size),
    own_probe("the same by hand, with threads", "hand_log_service", size),
  };
  const auto found = run_in_turn(all, how.quick ? 1 : 5);
  compare(out,
          {.name = grouped(size) + " lines through examples/log_service",
           .unit = "lines/s",
           .target = ratio_at_least(1.0)},
          found[0], all[1], found[1], "rate", "rate");
}

} // namespace troupe::bench
