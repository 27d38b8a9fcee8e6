// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/idle_waits.hpp"

#include "troupe/detail/sleep.hpp"
#include "worker/worker_core.hpp"

#include <algorithm>

namespace troupe::detail {

// -- idle_waits ----------------------------------------------------------------

void idle_waits::add(idle_wait& x) noexcept {
  x.previous_idle_ = nullptr;
  x.next_idle_ = first_;
  if (first_ != nullptr)
    first_->previous_idle_ = &x;
  first_ = &x;
}

void idle_waits::remove(idle_wait& x) noexcept {
  if (x.previous_idle_ != nullptr)
    x.previous_idle_->next_idle_ = x.next_idle_;
  else
    first_ = x.next_idle_;
  if (x.next_idle_ != nullptr)
    x.next_idle_->previous_idle_ = x.previous_idle_;
  x.previous_idle_ = &x;
}

void idle_waits::wake_all() noexcept {
  sleep_wake_due_ = true;
  // A coroutine woken here is resumed later, so the list stays as it is.
  for (auto* i = first_; i != nullptr; i = i->next_idle_)
    i->stop_asked();
}

bool idle_waits::must_pause(worker_core& core, bool got_message) noexcept {
  nones_ = got_message ? 0 : static_cast<std::uint16_t>(nones_ + 1);
  if (nones_ <= 1)
    return turn_over(core);
  note_pause();
  return true;
}

bool idle_waits::turn_over(worker_core& core) noexcept {
  if (++unpaused_ < next_look_)
    return false;
  if (unpaused_ < rules::turn_steps && !core.out_of_time()) {
    next_look_ = static_cast<std::uint16_t>(
      std::min(rules::next_look(unpaused_), rules::turn_steps));
    return false;
  }
  note_pause();
  return true;
}

// -- idle_wait -----------------------------------------------------------------

idle_wait::~idle_wait() {
  delist();
}

void idle_wait::enlist() noexcept {
  if (previous_idle_ == this)
    core_->idle().add(*this);
}

void idle_wait::delist() noexcept {
  if (previous_idle_ != this)
    core_->idle().remove(*this);
}

// -- sleep_awaiter -------------------------------------------------------------

sleep_awaiter::alarm::alarm(sleep_awaiter& x) noexcept
  : timer(
      [](timer& self) noexcept { static_cast<alarm&>(self).sleeper.post(); }),
    sleeper(x) {
  // nop
}

sleep_awaiter::sleep_awaiter(worker_core& core, time_point until) noexcept
  : idle_wait(core), until_(until), alarm_(*this) {
  // nop
}

sleep_awaiter::~sleep_awaiter() {
  get_core().rt().time().cancel(alarm_);
}

bool sleep_awaiter::await_ready() {
  auto& core = get_core();
  if (core.frozen())
    return false;
  if (core.idle().take_sleep_wake()) {
    woken_ = true;
    return true;
  }
  // A sleep of no length does not stop a loop from being polite.
  return false;
}

void sleep_awaiter::go_to_sleep() {
  if (get_core().frozen())
    return; // Nobody will resume it.
  enlist();
  if (until_ == no_wait)
    post_last();
  else
    get_core().rt().time().arm(alarm_, until_);
}

void sleep_awaiter::stop_asked() noexcept {
  // The alarm or the stop decides what the sleep returns: the first to come. A
  // sleep that only yields has no alarm.
  get_core().rt().time().cancel(alarm_);
  if (post() || until_ == no_wait) {
    woken_ = true;
    get_core().idle().clear_sleep_wake();
  }
}

// -- stop_awaiter --------------------------------------------------------------

bool stop_awaiter::await_ready() const noexcept {
  auto& core = get_core();
  return core.stop_asked() && !core.frozen();
}

void stop_awaiter::stop_asked() noexcept {
  post();
}

} // namespace troupe::detail
