// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/deadlines.hpp"

#include <algorithm>

namespace troupe::rules {

stop_limits limits_until(time_point now, time_point deadline) noexcept {
  if (deadline == never)
    return {};
  const auto whole = std::max(deadline - now, timespan::zero());
  const auto end = now + whole;
  // Half of the reserve is for workers that are told last: they stop by
  // themselves. A quarter is for clean-up, an eighth for code that has to
  // return, and an eighth for the supervisors of workers whose code did not.
  return {end - whole / 4, end - whole / 8, end - whole / 16, end - whole / 32,
          end};
}

time_point abandon_at(time_point now, timespan force_period,
                      const stop_limits& limits) noexcept {
  const auto latest = std::max(limits.abandon,
                               deadline_after(now, least_to_go));
  return std::min(deadline_after(now, force_period), latest);
}

time_point all_gone_by(const stop_limits& limits) noexcept {
  if (limits.end == never)
    return never;
  const auto forced_last = limits.cleanup != never ? limits.cleanup
                                                   : limits.force;
  return std::max(limits.end, deadline_after(forced_last, 2 * least_to_go));
}

stop_limits forced_at(time_point when) noexcept {
  return {when, when, never, never, never};
}

stop_limits tighten(const stop_limits& x, const stop_limits& y) noexcept {
  return {std::min(x.soft, y.soft), std::min(x.force, y.force),
          std::min(x.cleanup, y.cleanup), std::min(x.abandon, y.abandon),
          std::min(x.end, y.end)};
}

} // namespace troupe::rules
