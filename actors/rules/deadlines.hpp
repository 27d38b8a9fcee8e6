// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

namespace troupe::rules {

/// How the one deadline of a stop is split. It is passed down a tree as it is,
/// so that its depth takes nothing away. (S15)
struct stop_limits {
  /// Until then workers stop in their turn and take their grace periods. From
  /// then on only the reserve is left: who was not told to stop is told now.
  time_point soft = never;
  /// Who is not done by then is forced, supervisors as well.
  time_point force = never;
  /// Until then `on_shutdown()` may run.
  time_point cleanup = never;
  /// Who is not gone by then is abandoned.
  time_point end = never;

  friend bool operator==(const stop_limits&, const stop_limits&) = default;
};

/// Splits the time from `now` to `deadline`: a quarter of it is the reserve.
[[nodiscard]] stop_limits limits_until(time_point now,
                                       time_point deadline) noexcept;

/// Limits that force at `when` and bound nothing else.
[[nodiscard]] stop_limits forced_at(time_point when) noexcept;

/// The tighter of both, each by each.
[[nodiscard]] stop_limits tighten(const stop_limits& x,
                                  const stop_limits& y) noexcept;

} // namespace troupe::rules
