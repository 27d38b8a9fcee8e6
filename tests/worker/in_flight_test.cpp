// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Calls, handlers and children that are still in flight when a worker ends.

#include "troupe/worker.hpp"

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"
#include "troupe/testing.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::journal;
using support::lines;
using support::script;
using support::scripted;
using troupe::errc;
using troupe::outcome_kind;
using troupe::worker_phase;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

/// A call that another thread makes and that returns when the test says so.
class call_away {
public:
  void operator()() {
    began_.release();
    back_.acquire();
  }

  void await_begin() {
    began_.acquire();
  }

  void come_back() {
    back_.release();
  }

private:
  std::binary_semaphore began_{0};
  std::binary_semaphore back_{0};
};

/// A body that makes the call, whatever else happens.
script::body calling(call_away& what) {
  return [&what](scripted& self) -> troupe::task<> {
    auto call = self.offload([&what] { what(); });
    co_await std::move(call);
    self.log().note("back");
  };
}

/// Makes a journal that lives as long as the worker with that script: the
/// thread of a call may be the last to let go of it, later than the test.
journal& lasting_journal(script& what) {
  auto result = std::make_shared<journal>();
  what.after_shutdown = [result](scripted&, const troupe::outcome&) {};
  return *result;
}

/// Nothing ends by itself because its time is over.
const troupe::worker_options patient{.stopping_grace_period = troupe::infinite,
                                     .cleanup_period = 1h,
                                     .force_period = 1h};

/// Short for all but what a test waits for.
const troupe::worker_options impatient{.stopping_grace_period = 10ms,
                                       .cleanup_period = 10ms,
                                       .force_period = 1h};

/// A handler that sleeps, and notes down when it begins and when it goes.
troupe::message_handlers sleeping_handler(scripted& self) {
  return {[&self](int32_t) -> troupe::task<> {
    self.log().note("handler");
    support::farewell last{self.log(), "handler gone"};
    co_await self.sleep_for(1h);
  }};
}

} // namespace

TEST_CASE("L23 no handler begins after a kill") {
  call_away call;
  support::real_system sys;
  script what;
  auto& log = lasting_journal(what);
  what.run = calling(call);
  what.handlers = sleeping_handler;
  auto ref = support::spawn(sys, log, patient, what);
  ref.startup();
  call.await_begin();
  auto hdl = ref.actor();
  caf::anon_send_exit(hdl, caf::exit_reason::kill);
  // The actor has seen the kill when it answers.
  auto late = troupe::ask<void>(ref, troupe::infinite, int32_t{1});
  REQUIRE_FALSE(late);
  CHECK(late.error() == troupe::errc::receiver_gone);
  call.come_back();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::cancelled);
  CHECK(log.lines() == lines{"on_startup", "run", "after_shutdown"});
}

TEST_CASE("L23 a kill takes the handlers that finish() has left alone") {
  call_away call;
  support::real_system sys;
  script what;
  auto& log = lasting_journal(what);
  what.run = calling(call);
  what.handlers = [](scripted& self) -> troupe::message_handlers {
    return {
      [&self](int32_t) -> troupe::task<> {
        support::farewell last{self.log(), "handler gone"};
        co_await self.sleep_for(1h);
      },
      [&self](bool) { self.finish(); },
    };
  };
  auto ref = support::spawn(sys, log, patient, what);
  ref.startup();
  call.await_begin();
  support::tell(ref.actor(), int32_t{1});
  CHECK(troupe::ask<void>(ref, troupe::infinite, true));
  caf::anon_send_exit(ref.actor(), caf::exit_reason::kill);
  call.come_back();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::cancelled);
  CHECK(log.lines()
        == lines{"on_startup", "run", "handler gone", "after_shutdown"});
}

TEST_CASE("L28 a failure is known at once while a call is in flight") {
  call_away call;
  support::real_system sys;
  script what;
  auto& log = lasting_journal(what);
  what.run = calling(call);
  what.handlers = [](scripted&) -> troupe::message_handlers {
    return {[](int32_t) { throw std::runtime_error{"the cause"}; }};
  };
  auto ref = support::spawn(sys, log, patient, what);
  ref.startup();
  call.await_begin();
  auto reply = troupe::ask<void>(ref, troupe::infinite, int32_t{1});
  REQUIRE_FALSE(reply);
  CHECK(ref.phase() == worker_phase::cleaning_up);
  SECTION("and comes with the call") {
    call.come_back();
    auto how = ref.wait_for_shutdown();
    REQUIRE(how);
    CHECK(how->kind() == outcome_kind::failed);
    CHECK_THAT(to_string(*how), ContainsSubstring("the cause"));
  }
  SECTION("and a force hides nothing of it") {
    ref.force_stop();
    call.come_back();
    auto how = ref.wait_for_shutdown();
    REQUIRE(how);
    CHECK(how->kind() == outcome_kind::failed);
    CHECK_THAT(to_string(*how), ContainsSubstring("the cause"));
  }
  CHECK(log.lines()
        == lines{"on_startup", "run", "on_shutdown", "after_shutdown"});
}

TEST_CASE("L18 on_shutdown() is called though a handler's call took too long") {
  call_away call;
  support::real_system sys;
  script what;
  auto& log = lasting_journal(what);
  what.run = [](scripted& self) -> troupe::task<> {
    co_await self.stop_requested();
    throw std::runtime_error{"the cause"};
  };
  what.handlers = [&call](scripted& self) -> troupe::message_handlers {
    return {[&self, &call](int32_t) -> troupe::task<> {
      auto there = self.offload([&call] { call(); });
      co_await std::move(there);
    }};
  };
  auto ref = support::spawn(sys, log, impatient, what);
  ref.startup();
  support::tell(ref.actor(), int32_t{1});
  call.await_begin();
  ref.gracefully_stop();
  CHECK_FALSE(ref.wait_for_shutdown(50ms)); // longer than all its periods
  call.come_back();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::failed);
  CHECK_THAT(to_string(*how), ContainsSubstring("the cause"));
  CHECK(log.lines()
        == lines{"on_startup", "run", "on_shutdown", "after_shutdown"});
}

TEST_CASE("L23 a quit() in a plain handler waits for the call in flight") {
  call_away call;
  support::real_system sys;
  script what;
  auto& log = lasting_journal(what);
  what.run = calling(call);
  what.handlers = [](scripted& self) -> troupe::message_handlers {
    return {[&self](int32_t) { self.self()->quit(); }};
  };
  auto ref = support::spawn(sys, log, patient, what);
  ref.startup();
  call.await_begin();
  support::tell(ref.actor(), int32_t{1});
  CHECK_FALSE(ref.wait_for_shutdown(20ms));
  call.come_back();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::cancelled);
  CHECK_FALSE(how->abandoned());
  CHECK(log.lines() == lines{"on_startup", "run", "after_shutdown"});
}

TEST_CASE("L18 a force while children are joined leaves on_shutdown() due") {
  journal log;
  journal child_log;
  testing_system sys;
  support::scripted_ref child;
  script slow;
  slow.run = support::stubborn();
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    auto starting = self.start<scripted>(
      {.stopping_grace_period = troupe::infinite}, child_log, slow);
    auto started = co_await std::move(starting);
    child = *started;
  };
  auto ref = support::spawn(sys, log, patient, what);
  ref.startup();
  sys.run();
  REQUIRE(ref.phase() == worker_phase::cleaning_up);
  ref.force_stop();
  ref.force_stop(); // once is enough
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  REQUIRE(child.outcome());
  CHECK(child.outcome()->kind() == outcome_kind::forced);
  CHECK(log.lines()
        == lines{"on_startup", "run", "on_shutdown", "after_shutdown"});
}

TEST_CASE("L29 a child that was started in on_shutdown() is joined as well") {
  journal log;
  journal child_log;
  testing_system sys;
  support::scripted_ref child;
  script what;
  what.run = [](scripted&) -> troupe::task<> { co_return; };
  auto sleeps = 0s;
  what.on_shutdown = [&](scripted& self) -> troupe::task<> {
    auto starting = self.start<scripted>({}, child_log, script{});
    auto started = co_await std::move(starting);
    child = *started;
    co_await self.sleep_for(sleeps);
  };
  SECTION("the child is stopped") {
    auto ref = support::spawn(sys, log, {}, what);
    ref.startup();
    auto how = ref.wait_for_shutdown();
    REQUIRE(how);
    CHECK(how->ok());
  }
  SECTION("the clean-up's time is bounded as without it") {
    sleeps = 24h;
    auto ref = support::spawn(
      sys, log, {.stopping_grace_period = 1s, .cleanup_period = 1s}, what);
    ref.startup();
    auto begin = sys.now();
    auto how = ref.wait_for_shutdown();
    REQUIRE(how);
    CHECK(how->kind() == outcome_kind::forced);
    CHECK_THAT(to_string(*how), ContainsSubstring("on_shutdown()"));
    CHECK(sys.now() - begin < 1min);
    sys.run();
  }
  REQUIRE(child.outcome());
  CHECK(child.state() != worker_state::running);
}
