// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/testing.hpp"

#include "system/caf_compat.hpp"
#include "system/find_pump.hpp"
#include "testing/backend.hpp"
#include "testing/driver.hpp"
#include "troupe/error.hpp"
#include "troupe/lifecycle.hpp"
#include "troupe/outcome.hpp"
#include "troupe/protocol.hpp"
#include "troupe/type_ids.hpp"

#include <caf/actor_registry.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/message.hpp>
#include <caf/message_id.hpp>
#include <caf/message_priority.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/system_messages.hpp>

#include <iostream>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::testing {

// -- system::impl --------------------------------------------------------------

class system::impl {
public:
  explicit impl(system_options options)
    : own_config_(std::make_unique<caf::actor_system_config>()),
      driver_(std::make_shared<driver>(options)) {
    start(*own_config_);
  }

  impl(caf::actor_system_config& config, system_options options)
    : driver_(std::make_shared<driver>(options)) {
    start(config);
  }

  impl(const impl&) = delete;

  impl& operator=(const impl&) = delete;

  ~impl() {
    // As much as possible while all is still in its place, and actors that are
    // kept by nothing but a timer go without further ado.
    driver_->run(driver::last_steps);
    driver_->timers().close();
    driver_->run(driver::last_steps);
    kill_survivors();
    // Nobody waits for actors any more; what goes on outside goes on until the
    // patience is over.
    driver_->close();
    driver_->run(driver::last_steps);
    wait_for_threads();
  }

  caf::actor_system& sys() noexcept {
    return *sys_;
  }

  const std::shared_ptr<driver>& get_driver() noexcept {
    return driver_;
  }

private:
  /// How many times to kill actors of which some start new ones as they die.
  static constexpr std::size_t last_rounds = 16;

  void start(caf::actor_system_config& config) {
    sys_ = make_actor_system(config, driver_);
    driver_->system_started();
  }

  void kill_survivors() {
    for (std::size_t round = 0; round < last_rounds; ++round) {
      auto survivors = driver_->survivors(false);
      // A waiter for the end of an actor need not be the actor itself.
      if (survivors.empty() && sys_->registry().running() > 0)
        survivors = driver_->survivors(true);
      if (survivors.empty())
        return;
      report("killed, for they were still alive at the end: "
             + names_of(survivors));
      for (const auto& survivor : survivors)
        kill(survivor);
      driver_->run(driver::last_steps);
    }
  }

  /// Overtakes what an actor has in its mailbox, as far as CAF lets it, unlike
  /// `anon_send_exit`.
  static void kill(const caf::strong_actor_ptr& whom) {
    const auto urgent = caf::make_message_id(caf::message_priority::high);
    auto content = caf::make_message(
      caf::exit_msg{whom->address(), caf::exit_reason::kill});
    whom->enqueue(compat::make_element(nullptr, urgent, std::move(content)),
                  nullptr);
  }

  void wait_for_threads() {
    auto& registry = sys_->registry();
    if (driver_->wait_for_threads([&] { return registry.running() == 0; }))
      return;
    const auto count = std::to_string(registry.running());
    report(
      count
      + " actors did not end: they are in threads of their own, or in use "
        "elsewhere; a thread that does not end keeps the test from ending");
    sys_->await_actors_before_shutdown(false);
  }

  static void report(std::string_view text) {
    std::cerr << "troupe::testing::system: " << text << '\n';
  }

  std::unique_ptr<caf::actor_system_config> own_config_;
  std::shared_ptr<driver> driver_;
  std::unique_ptr<caf::actor_system> sys_;
};

// -- system --------------------------------------------------------------------

namespace {

void init_meta_objects() {
  static std::once_flag once;
  std::call_once(once, [] {
    caf::core::init_global_meta_objects();
    caf::init_global_meta_objects<caf::id_block::troupe>();
  });
}

} // namespace

system::system(system_options options) {
  init_meta_objects();
  impl_ = std::make_unique<impl>(options);
}

system::system(caf::actor_system_config& config, system_options options) {
  init_meta_objects();
  impl_ = std::make_unique<impl>(config, options);
}

system::~system() = default;

caf::actor_system& system::sys() noexcept {
  return impl_->sys();
}

time_point system::now() const noexcept {
  return impl_->get_driver()->clock().now();
}

wall_time system::wall_now() const noexcept {
  return impl_->get_driver()->clock().wall_now();
}

void system::set_wall_clock(wall_time to) noexcept {
  impl_->get_driver()->clock().set_wall(to);
}

void system::patience(timespan real_time) {
  impl_->get_driver()->patience(real_time);
}

bool system::step() {
  return impl_->get_driver()->step();
}

std::size_t system::run() {
  return impl_->get_driver()->run();
}

void system::advance(timespan length) {
  impl_->get_driver()->advance(length);
}

bool system::run_until(const std::function<bool()>& done, timespan limit) {
  return impl_->get_driver()->run_until(done, deadline_after(now(), limit));
}

bool system::await_mail(caf::scoped_actor& self, timespan limit) {
  auto has_mail = [&self] {
    auto& mailbox = self->mailbox();
    return !mailbox.try_block() || !mailbox.try_unblock();
  };
  return run_until(has_mail, limit);
}

// -- outside_work --------------------------------------------------------------

outside_work::outside_work(system& where) : where_(find_pump(where.sys())) {
  where_->external_begin();
}

outside_work& outside_work::operator=(outside_work&& other) noexcept {
  outside_work tmp{std::move(other)};
  where_.swap(tmp.where_);
  return *this;
}

outside_work::~outside_work() {
  if (where_)
    where_->external_end();
}

} // namespace troupe::testing
