// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// CAF 0.18: the scheduler is a module of the actor system, and the clock a part
// of the scheduler. A module that is there already is left alone by CAF.

#include "system/caf_compat.hpp"

#if !TROUPE_CAF_1

#  include "testing/backend.hpp"
#  include "testing/driver.hpp"

#  include <caf/actor_clock.hpp>
#  include <caf/actor_system.hpp>
#  include <caf/actor_system_config.hpp>
#  include <caf/scheduler/abstract_coordinator.hpp>
#  include <caf/scoped_execution_unit.hpp>

#  include <utility>

namespace troupe::testing {

namespace {

class virtual_actor_clock final : public caf::actor_clock {
public:
  explicit virtual_actor_clock(driver& drv) : driver_(drv) {
    // nop
  }

  time_point now() const noexcept override {
    return driver_.clock().now();
  }

  caf::disposable schedule_periodically(time_point first_run, caf::action what,
                                        duration_type period) override {
    driver_.timers().schedule(first_run, what, period);
    return std::move(what).as_disposable();
  }

private:
  driver& driver_;
};

class coordinator final : public caf::scheduler::abstract_coordinator {
public:
  using super = caf::scheduler::abstract_coordinator;

  coordinator(caf::actor_system& sys, std::shared_ptr<driver> drv)
    : super(sys), driver_(std::move(drv)), clock_(*driver_) {
    driver_->attach(sys);
  }

  const std::shared_ptr<driver>& get_driver() const noexcept {
    return driver_;
  }

  void enqueue(caf::resumable* what) override {
    driver_->schedule(what);
  }

  caf::actor_clock& clock() noexcept override {
    return clock_;
  }

protected:
  void stop() override {
    driver_->run();
    stop_actors();
    driver_->stop();
  }

private:
  std::shared_ptr<driver> driver_;
  virtual_actor_clock clock_;
};

} // namespace

std::unique_ptr<caf::actor_system>
make_actor_system(caf::actor_system_config& config,
                  std::shared_ptr<driver> drv) {
  struct only_for_now {
    caf::actor_system_config& config;

    ~only_for_now() {
      config.module_factories.pop_back();
    }
  };
  config.module_factories.emplace_back(
    [drv = std::move(drv)](caf::actor_system& sys) {
      return new coordinator{sys, drv};
    });
  const only_for_now guard{config};
  return std::make_unique<caf::actor_system>(config);
}

std::shared_ptr<driver> find_driver(caf::actor_system& sys) noexcept {
  auto* ours = dynamic_cast<coordinator*>(&sys.scheduler());
  return ours != nullptr ? ours->get_driver() : nullptr;
}

resumption resume(caf::resumable& job, caf::actor_system& sys) {
  switch (job.resume(sys.dummy_execution_unit(), 1)) {
    case caf::resumable::resume_later:
      return resumption::again;
    case caf::resumable::awaiting_message:
      return resumption::waiting;
    default:
      return resumption::ended;
  }
}

void discard(caf::resumable* job) {
  coordinator::cleanup_and_release(job);
}

bool run_action(caf::action& what) {
  return what.run() == caf::action::transition::success;
}

} // namespace troupe::testing

#endif // !TROUPE_CAF_1
