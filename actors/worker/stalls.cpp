// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How a core notices that the worker's code does not return.

#include "worker/worker_core.hpp"

#include <caf/deep_to_string.hpp>

#include <utility>

namespace troupe::detail {

/// Watches the actor of a core, and lives as long as that.
class worker_core::guard_dog final : public watchdog {
public:
  explicit guard_dog(worker_core& core) noexcept
    : watchdog(core.rt().time(), core.config_->watchdog), core_(core) {
    // nop
  }

  void retain() noexcept override {
    core_.retain();
  }

  void release() noexcept override {
    core_.release();
  }

protected:
  void stalled(timespan length) noexcept override {
    core_.stalled(length);
  }

private:
  worker_core& core_;
};

void worker_core::watch() {
  if (config_->watchdog == infinite)
    return;
  if (!fixed_)
    fixed_ = std::make_unique<fixed_part>();
  fixed_->dog = std::make_unique<guard_dog>(*this);
  watch_steps();
}

void worker_core::step_begins() noexcept {
  if (auto* dog = get_watchdog())
    dog->next_step();
}

/// The worker's code has not returned in time. On the clock's thread.
void worker_core::stalled(timespan length) {
  {
    held guard{mtx_};
    if (life_.machine.at() == rules::stage::abandoned)
      return; // which was reported
    tell(guard);
    if (rt().events().wanted())
      publish(event_kind::stalled, {}, length);
  }
  if (rt().logs(compat::log_warning))
    rt().log(compat::log_warning,
             path_ + " [" + std::to_string(incarnation())
               + "] stalled: its code has not returned for "
               + caf::deep_to_string(length));
  if (config_->on_hang == on_hang::restart)
    give_up_hung(length);
}

/// Abandons the worker without waiting for the periods of a force.
void worker_core::give_up_hung(timespan length) {
  auto from = rules::stage::created;
  auto to = from;
  {
    held guard{mtx_};
    from = life_.machine.at();
    if (rules::is_final(from))
      return;
    life_.make_end().hung_for = length;
    failure none;
    apply(guard, life_.machine.feed(rules::event::force), none);
    apply(guard, life_.machine.feed(rules::event::deadline), none);
    arm(guard, never);
    to = life_.machine.at();
  }
  log_transition(from, to);
  if (to == rules::stage::abandoned)
    leave_behind();
}

} // namespace troupe::detail
