// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/sleep.hpp"

#include "worker/worker_core.hpp"

namespace troupe {

// -- idle_wait -----------------------------------------------------------------

idle_wait::~idle_wait() {
  delist();
}

void idle_wait::enlist() noexcept {
  if (previous_idle_ == this)
    core_->enlist(*this);
}

void idle_wait::delist() noexcept {
  if (previous_idle_ != this)
    core_->delist(*this);
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
  if (core.take_sleep_wake()) {
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
    get_core().note_sleep_woken();
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

} // namespace troupe
