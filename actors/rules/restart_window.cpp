// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/restart_window.hpp"

#include <algorithm>

namespace troupe::rules {

restart_window::restart_window(int max, timespan within) noexcept
  : max_(static_cast<std::size_t>(std::max(max, 0))), within_(within) {
  // nop
}

bool restart_window::allow(time_point now) {
  if (max_ == 0)
    return false;
  const auto time = unpaused(now);
  if (events_.size() < max_) {
    events_.push_back(time);
    return true;
  }
  // Events come in the order of time, so only the oldest has to be looked at.
  if (counts(events_[next_], time))
    return false;
  events_[next_] = time;
  next_ = (next_ + 1) % max_;
  return true;
}

std::size_t restart_window::recent(time_point now) const noexcept {
  const auto time = unpaused(now);
  return static_cast<std::size_t>(
    std::count_if(events_.begin(), events_.end(),
                  [&](time_point event) { return counts(event, time); }));
}

void restart_window::clear() noexcept {
  events_.clear();
  next_ = 0;
}

void restart_window::pause(time_point now) noexcept {
  if (paused_since_ == never)
    paused_since_ = now;
}

void restart_window::resume(time_point now) noexcept {
  if (paused_since_ == never)
    return;
  lost_ += time_left(now, paused_since_);
  paused_since_ = never;
}

time_point restart_window::unpaused(time_point now) const noexcept {
  return deadline_after(paused_since_ == never ? now : paused_since_, -lost_);
}

bool restart_window::counts(time_point event, time_point now) const noexcept {
  return time_left(now, event) <= within_;
}

} // namespace troupe::rules
