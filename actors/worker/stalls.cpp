// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How a core notices that the worker's code does not return.

#include "rules/complaints.hpp"
#include "worker/news.hpp"
#include "worker/worker_core.hpp"

#include <caf/deep_to_string.hpp>

#include <string>
#include <utility>

namespace troupe::detail {

/// Watches the actor of a core, and lives as long as that.
class worker_core::guard_dog final : public watchdog {
public:
  explicit guard_dog(worker_core& core) noexcept
    : watchdog(core.rt().time(), core.config().watchdog), core_(core) {
    // nop
  }

  void retain() noexcept override {
    core_.retain();
  }

  void release() noexcept override {
    core_.release();
  }

protected:
  void stalled(timespan length) noexcept override;

private:
  void give_up(timespan length);

  worker_core& core_;
};

void worker_core::watch() {
  if (config().watchdog == infinite)
    return;
  if (!fixed_)
    fixed_ = std::make_unique<core_fittings>();
  fixed_->dog = std::make_unique<guard_dog>(*this);
  watch_steps();
}

void worker_core::step_begins() noexcept {
  if (auto* dog = get_watchdog())
    dog->next_step();
}

/// The worker's code has not returned in time. On the clock's thread.
[[gnu::cold]] void worker_core::guard_dog::stalled(timespan length) noexcept {
  {
    held guard{core_.mtx_};
    if (core_.life_.machine.at() == rules::stage::abandoned)
      return; // which was reported
    core_.tell(guard);
    if (core_.rt().events().wanted())
      core_.publish(event_kind::stalled, {}, length);
  }
  const auto is_last = core_.config().on_hang == on_hang::restart;
  core_.rt().complain(compat::log_warning,
                      core_.path() + " [" + std::to_string(core_.incarnation())
                        + "] stalled: its code has not returned for "
                        + caf::deep_to_string(length)
                        + (is_last ? ", and it is abandoned" : "")
                        + std::string{rules::about_code_that_hangs});
  if (is_last)
    give_up(length);
}

/// Abandons the worker without waiting for the periods of a force.
[[gnu::cold]] void worker_core::guard_dog::give_up(timespan length) {
  auto from = rules::stage::created;
  auto to = from;
  {
    held guard{core_.mtx_};
    from = core_.life_.machine.at();
    if (rules::is_final(from))
      return;
    core_.life_.make_end().hung_for = length;
    failure none;
    core_.apply(guard, core_.life_.machine.feed(rules::event::force), none);
    core_.apply(guard, core_.life_.machine.feed(rules::event::deadline), none);
    core_.arm(guard, never);
    to = core_.life_.machine.at();
  }
  log_transition(core_, from, to);
  if (to == rules::stage::abandoned)
    core_.leave_behind();
}

} // namespace troupe::detail
