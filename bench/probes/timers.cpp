// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "probes/probes.hpp"

#include "report.hpp"
#include "timer_crowds.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace troupe::bench {

figures raw_timers(std::size_t size) {
  figures result;
  inside_actor([&](caf::event_based_actor* self) {
    caf_timer_crowd all{self, size};
    result["arm"] = all.arm_all();
    result["pair"] = all.arm_and_cancel(1'000);
  });
  return result;
}

figures troupe_timers(std::size_t size) {
  timer_crowd all{size, delays::kind::all_the_same};
  figures result;
  result["arm"] = all.arm_all();
  std::vector<double> pairs(10);
  std::ranges::generate(pairs,
                        [&] { return all.arm_and_cancel(pairs_at_a_time); });
  result["pair"] = median(pairs);
  return result;
}

} // namespace troupe::bench
