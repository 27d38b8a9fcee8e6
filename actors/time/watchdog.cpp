// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "time/watchdog.hpp"

#include <utility>

namespace troupe::detail {

watchdog::turn watchdog::begin_turn() noexcept {
  std::unique_lock guard{mtx_};
  busy_ = true;
  begin_step();
  return ++turn_;
}

void watchdog::next_step() noexcept {
  std::unique_lock guard{mtx_};
  if (busy_)
    begin_step();
}

void watchdog::end_turn(turn x) noexcept {
  std::unique_lock guard{mtx_};
  if (x != turn_)
    return;
  busy_ = false;
  if (std::exchange(armed_, false))
    time_.unschedule(*this);
}

/// @pre the lock is held
void watchdog::begin_step() noexcept {
  step_began_ = time_.now();
  if (armed_)
    return;
  try {
    time_.schedule(*this, deadline_after(step_began_, limit_));
    armed_ = true;
  } catch (...) {
    return; // The clock has no thread: nobody watches this step.
  }
}

void watchdog::run() noexcept {
  std::unique_lock guard{mtx_};
  if (!armed_)
    return; // The turn is over.
  const auto now = time_.now();
  if (const auto due = deadline_after(step_began_, limit_); due > now) {
    try {
      time_.schedule(*this, due);
    } catch (...) {
      armed_ = false;
    }
    return;
  }
  // The next step arms it anew.
  armed_ = false;
  const auto length = now - step_began_;
  guard.unlock();
  stalled(length);
}

} // namespace troupe::detail
