// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// CAF 1.x: a function that is called while the actor system is being made may
// install a scheduler and a clock before CAF makes its own.

#include "system/caf_compat.hpp"

#if TROUPE_CAF_1

#  include "testing/backend.hpp"
#  include "testing/driver.hpp"

#  include <caf/actor_clock.hpp>
#  include <caf/actor_system.hpp>
#  include <caf/actor_system_config.hpp>
#  include <caf/detail/actor_system_access.hpp>
#  include <caf/detail/cleanup_and_release.hpp>
#  include <caf/disposable.hpp>
#  include <caf/resumable.hpp>
#  include <caf/scheduler.hpp>

#  include <utility>

namespace troupe::testing {

namespace {

class virtual_actor_clock final : public caf::actor_clock {
public:
  explicit virtual_actor_clock(std::shared_ptr<driver> drv)
    : driver_(std::move(drv)) {
    // nop
  }

  using caf::actor_clock::schedule;

  time_point now() const noexcept override {
    return driver_->clock().now();
  }

  caf::disposable schedule(time_point due, caf::action what) override {
    driver_->timers().schedule(due, what);
    return std::move(what).as_disposable();
  }

private:
  std::shared_ptr<driver> driver_;
};

class scheduler final : public caf::scheduler {
public:
  explicit scheduler(std::shared_ptr<driver> drv) : driver_(std::move(drv)) {
    // nop
  }

  const std::shared_ptr<driver>& get_driver() const noexcept {
    return driver_;
  }

  void schedule(caf::resumable* what) override {
    driver_->schedule(what);
  }

  void delay(caf::resumable* what) override {
    driver_->schedule(what);
  }

  void start() override {
    // nop
  }

  void stop() override {
    driver_->stop();
  }

private:
  std::shared_ptr<driver> driver_;
};

void set_up(caf::actor_system& sys, caf::actor_system_config&, void* drv_ptr) {
  const auto& drv = *static_cast<std::shared_ptr<driver>*>(drv_ptr);
  drv->attach(sys);
  caf::detail::actor_system_access access{sys};
  access.clock(std::make_unique<virtual_actor_clock>(drv));
  access.scheduler(std::make_unique<scheduler>(drv));
}

} // namespace

std::unique_ptr<caf::actor_system>
make_actor_system(caf::actor_system_config& config,
                  std::shared_ptr<driver> drv) {
  return std::make_unique<caf::actor_system>(config, &set_up, &drv);
}

std::shared_ptr<driver> find_driver(caf::actor_system& sys) noexcept {
  auto* ours = dynamic_cast<scheduler*>(&sys.scheduler());
  return ours != nullptr ? ours->get_driver() : nullptr;
}

resumption resume(caf::resumable& job, caf::actor_system& sys) {
  switch (job.resume(&sys.scheduler(), 1)) {
    case caf::resumable::resume_later:
      return resumption::again;
    case caf::resumable::awaiting_message:
      return resumption::waiting;
    default:
      return resumption::ended;
  }
}

void discard(caf::resumable* job) {
  caf::detail::cleanup_and_release(job);
}

bool run_action(caf::action& what) {
  what.run();
  return false;
}

} // namespace troupe::testing

#endif // TROUPE_CAF_1
