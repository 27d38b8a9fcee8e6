// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <chrono>

namespace troupe::rules {

/// How the one deadline of a stop is split. It is passed down a tree as it is,
/// so that its depth takes nothing away. (S15)
struct stop_limits {
  /// Until then workers stop in their turn and take their grace periods. From
  /// then on only the reserve is left: workers not yet told to stop are told
  /// now.
  time_point soft = never;
  /// Workers that are not done by then are forced, supervisors as well.
  time_point force = never;
  /// Until then `on_shutdown()` may run.
  time_point cleanup = never;
  /// A worker that is still there then is abandoned. That is before the end, so
  /// that its supervisors have time to end as well.
  time_point abandon = never;
  /// By then the tree is over.
  time_point end = never;

  friend bool operator==(const stop_limits&, const stop_limits&) = default;
};

/// Splits the time from `now` to `deadline`: a quarter of it is the reserve.
[[nodiscard]] stop_limits limits_until(time_point now,
                                       time_point deadline) noexcept;

/// The least time that a forced worker has to be taken apart, even where a
/// deadline leaves less: that takes a turn on its own thread. So a worker is
/// abandoned only if it sits in code that does not return, never merely because
/// a deadline leaves no time. (S15)
inline constexpr timespan least_to_go = std::chrono::milliseconds{100};

/// Returns when a worker that is forced `now` is abandoned: after its own force
/// period, but not later than `limits` say, unless that were sooner than
/// `least_to_go`.
[[nodiscard]] time_point abandon_at(time_point now, timespan force_period,
                                    const stop_limits& limits) noexcept;

/// Returns until when to wait for a stop within `limits`: until their end. If
/// the deadline is short, longer: a worker that is forced last has
/// `least_to_go`, and its supervisors have as long again.
[[nodiscard]] time_point all_gone_by(const stop_limits& limits) noexcept;

/// Limits that force at `when` and bound nothing else.
[[nodiscard]] stop_limits forced_at(time_point when) noexcept;

/// The tighter of both, each by each.
[[nodiscard]] stop_limits tighten(const stop_limits& x,
                                  const stop_limits& y) noexcept;

} // namespace troupe::rules
