// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/heartbeat.hpp"

#include <algorithm>

namespace troupe::rules {

time_point first_beat(time_point now, timespan heartbeat, first_call first,
                      std::optional<time_point> planned) noexcept {
  const auto latest = deadline_after(now, heartbeat);
  if (planned)
    return std::min(*planned, latest);
  return first == first_call::at_once ? now : latest;
}

time_point next_beat(time_point due, time_point end, timespan heartbeat,
                     pace measured) noexcept {
  if (measured == pace::fixed_delay || heartbeat == timespan::zero())
    return deadline_after(end, heartbeat);
  due = deadline_after(due, heartbeat);
  // Keeps the beat: leaves out those that have passed.
  if (const auto late = end - due; late > timespan::zero())
    due += (late / heartbeat) * heartbeat;
  return due;
}

} // namespace troupe::rules
