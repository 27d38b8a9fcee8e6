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
/// Only what was allowed and may still count is remembered, `max` points in
/// time at most, and none before the first event. With an infinite window it is
/// a number: `max` may be as large as an int.
class restart_window {
public:
  /// @param max A negative number means 0.
  restart_window(int max, timespan within) noexcept;

  /// An event that asks to be allowed.
  /// @returns `false` if it is one too many.
  [[nodiscard]] bool allow(time_point now);

  /// How many events that were allowed count at `now`.
  [[nodiscard]] std::size_t recent(time_point now) const noexcept;

  /// For how many points in time there is room at present.
  [[nodiscard]] std::size_t capacity() const noexcept {
    return events_.size();
  }

  /// Forgets all events.
  void clear() noexcept;

  /// Stops the ageing. Without effect if it is paused already.
  void pause(time_point now) noexcept;

  /// Goes on with it. Without effect if it is not paused.
  void resume(time_point now) noexcept;

private:
  /// The time without the pauses.
  [[nodiscard]] time_point unpaused(time_point now) const noexcept;

  [[nodiscard]] bool counts(time_point event, time_point now) const noexcept;

  /// The `i`th of the events, from the oldest on.
  [[nodiscard]] std::size_t place_of(std::size_t i) const noexcept {
    return (first_ + i) % events_.size();
  }

  void forget_old(time_point time) noexcept;

  void grow();

  std::size_t max_;
  timespan within_;
  /// How long it was paused, of all pauses that are over.
  timespan lost_{0};
  /// Since when it is paused, or `never`.
  time_point paused_since_ = never;
  /// A ring; empty if the window is infinite.
  std::vector<time_point> events_;
  /// The place of the oldest event.
  std::size_t first_ = 0;
  /// How many events there are.
  std::size_t size_ = 0;
};

} // namespace troupe::rules
