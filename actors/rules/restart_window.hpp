// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <cstddef>
#include <vector>

namespace troupe::rules {

/// Counts events within the last `within` and tells which one is too many: the
/// one that would be number `max + 1`. An event exactly `within` ago still
/// counts. (S4)
///
/// It can be paused: ages are measured in time that was not paused. (S27)
///
/// Only what was allowed is remembered, `max` points in time at most, and none
/// before the first event.
class restart_window {
public:
  /// @param max A negative number means 0.
  restart_window(int max, timespan within) noexcept;

  /// An event that asks to be allowed.
  /// @returns `false` if it is one too many.
  [[nodiscard]] bool allow(time_point now);

  /// How many events that were allowed count at `now`.
  [[nodiscard]] std::size_t recent(time_point now) const noexcept;

  /// Forgets all events.
  void clear() noexcept;

  /// Stops the ageing. Without effect if it is paused already.
  void pause(time_point now) noexcept;

  /// Goes on with it. Without effect if it is not paused.
  void resume(time_point now) noexcept;

private:
  /// What the time would be had there been no pauses.
  [[nodiscard]] time_point unpaused(time_point now) const noexcept;

  [[nodiscard]] bool counts(time_point event, time_point now) const noexcept;

  std::size_t max_;
  timespan within_;
  /// How long it was paused, of all pauses that are over.
  timespan lost_{0};
  /// Since when it is paused, or `never`.
  time_point paused_since_ = never;
  /// A ring once it holds `max_` events.
  std::vector<time_point> events_;
  /// Where the next event goes then: the place of the oldest one.
  std::size_t next_ = 0;
};

} // namespace troupe::rules
