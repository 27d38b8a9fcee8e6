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
  const auto time = unpaused(now);
  forget_old(time);
  if (size_ == max_)
    return false;
  if (within_ != infinite) {
    if (size_ == events_.size())
      grow();
    events_[place_of(size_)] = time;
  }
  ++size_;
  return true;
}

std::size_t restart_window::recent(time_point now) const noexcept {
  if (within_ == infinite)
    return size_;
  const auto time = unpaused(now);
  std::size_t old = 0;
  while (old < size_ && !counts(events_[place_of(old)], time))
    ++old;
  return size_ - old;
}

/// Events come in the order of time, so the old ones are in front.
void restart_window::forget_old(time_point time) noexcept {
  if (within_ == infinite)
    return;
  for (; size_ != 0 && !counts(events_[first_], time); --size_)
    first_ = place_of(1);
}

/// Makes room for one more at least, and never for more than count.
void restart_window::grow() {
  std::rotate(events_.begin(),
              events_.begin() + static_cast<std::ptrdiff_t>(first_),
              events_.end());
  first_ = 0;
  events_.resize(std::min(max_, std::max<std::size_t>(1, 2 * size_)));
}

void restart_window::clear() noexcept {
  first_ = 0;
  size_ = 0;
  events_.clear();
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
