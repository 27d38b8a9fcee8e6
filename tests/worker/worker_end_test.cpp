// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How workers end, and which hooks are called then.

#include "troupe/worker.hpp"

#include "support/real_system.hpp"
#include "support/scripted.hpp"

#include "troupe/testing.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <semaphore>
#include <stdexcept>
#include <thread>

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

/// Something that was thrown and can be recognized.
struct oddity {
  int value;
};

/// What a finished worker must look like from everywhere.
troupe::outcome expect_end(const support::scripted_ref& ref,
                           worker_state state) {
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(ref.state() == state);
  CHECK(ref.phase() == worker_phase::done);
  REQUIRE(ref.outcome());
  CHECK(ref.outcome()->kind() == how->kind());
  CHECK(ref.status().ended);
  CHECK(ref.status().last_outcome.kind() == how->kind());
  return *how;
}

} // namespace

// -- L12, L13: run() returns -------------------------------------------------------

TEST_CASE("L12 run returns after a stop: on_shutdown, then stopped, normal") {
  journal log;
  testing_system sys;
  worker_state in_shutdown = worker_state::init;
  script what;
  what.on_shutdown = [&](scripted& self) -> troupe::task<> {
    in_shutdown = self.state();
    co_return;
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  ref.gracefully_stop();
  auto how = expect_end(ref, worker_state::stopped);
  CHECK(how.kind() == outcome_kind::normal);
  CHECK(how.code() == 0);
  CHECK(how.ok());
  CHECK_FALSE(how.reason());
  CHECK(how.thrown() == nullptr);
  CHECK(in_shutdown == worker_state::stopping);
  CHECK(log.lines()
        == lines{"on_startup", "run", "on_shutdown", "after_shutdown"});
}

TEST_CASE("L13 run returns by itself: the same, without stopping in between") {
  journal log;
  testing_system sys;
  worker_state in_shutdown = worker_state::init;
  script what;
  what.run = [](scripted& self) -> troupe::task<> {
    static_cast<void>(co_await self.sleep_for(7s));
  };
  what.on_shutdown = [&](scripted& self) -> troupe::task<> {
    in_shutdown = self.state();
    co_return;
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  auto how = expect_end(ref, worker_state::stopped);
  CHECK(how.kind() == outcome_kind::normal);
  CHECK(how.duration() == 7s);
  CHECK(in_shutdown == worker_state::running);
  CHECK(log.lines()
        == lines{"on_startup", "run", "on_shutdown", "after_shutdown"});
}

TEST_CASE("L13 a run that is over at once is still ready first") {
  journal log;
  testing_system sys;
  script what;
  what.run = [](scripted&) -> troupe::task<> { co_return; };
  auto ref = support::spawn(sys, log, {}, what);
  CHECK_FALSE(ref.startup());
  CHECK(expect_end(ref, worker_state::stopped).ok());
}

// -- L14: run() throws -------------------------------------------------------------

TEST_CASE("L14 a failure is never lost") {
  journal log;
  testing_system sys;
  script what;
  bool asked_to_stop = false;
  SECTION("at once") {
    what.run = support::throwing(oddity{7});
  }
  SECTION("after a while") {
    what.run = [](scripted& self) -> troupe::task<> {
      static_cast<void>(co_await self.sleep_for(1s));
      throw oddity{7};
    };
  }
  SECTION("after a stop was asked for") {
    asked_to_stop = true;
    what.run = [](scripted& self) -> troupe::task<> {
      co_await self.stop_requested();
      throw oddity{7};
    };
  }
  auto ref = support::spawn(sys, log, {}, what);
  CHECK_FALSE(ref.startup());
  if (asked_to_stop)
    ref.gracefully_stop();
  for (int i = 0; i < 3; ++i) {
    auto how = expect_end(ref, worker_state::stopped);
    CHECK(how.kind() == outcome_kind::failed);
    CHECK(how.code() == 2);
    CHECK(how.reason() == errc::worker_failed);
    REQUIRE(how.thrown());
    try {
      how.rethrow();
      FAIL("nothing was thrown");
    } catch (const oddity& x) {
      CHECK(x.value == 7);
    }
    // Not even by asking again for what is over.
    CHECK(ref.shutdown()->kind() == outcome_kind::failed);
    ref.gracefully_stop();
    ref.force_stop();
    sys.run();
  }
  CHECK(log.count("on_shutdown") == 1);
  CHECK(log.count("after_shutdown") == 1);
}

TEST_CASE("L14 a failure keeps its text") {
  journal log;
  testing_system sys;
  auto text_after = [&](script::body run) {
    script what;
    what.run = std::move(run);
    auto ref = support::spawn(sys, log, {.name = "w"}, what);
    ref.startup();
    return troupe::text_of(ref.wait_for_shutdown()->reason());
  };
  CHECK_THAT(text_after(support::throwing(std::runtime_error{"boom"})),
             ContainsSubstring("boom") && ContainsSubstring("\"w\""));
  CHECK_THAT(text_after(support::throwing(std::string{"plain text"})),
             ContainsSubstring("plain text"));
  CHECK_THAT(text_after(support::throwing("a literal")),
             ContainsSubstring("a literal"));
  CHECK_THAT(text_after(support::throwing(42)),
             ContainsSubstring("unknown type"));
  // Before it is a coroutine at all.
  CHECK_THAT(text_after([](scripted&) -> troupe::task<> {
               throw std::runtime_error("early");
             }),
             ContainsSubstring("early"));
}

// -- L18: on_shutdown() ---------------------------------------------------------------

TEST_CASE(
  "L18 on_shutdown runs once after a normal end, a failure and a force") {
  journal log;
  testing_system sys;
  script what;
  bool force = false;
  auto kind = outcome_kind::normal;
  SECTION("normal") {
    // nop
  }
  SECTION("failed") {
    what.run = support::throwing(42);
    kind = outcome_kind::failed;
  }
  SECTION("forced") {
    what.run = support::stubborn();
    kind = outcome_kind::forced;
  }
  SECTION("forced at once") {
    force = true;
    kind = outcome_kind::forced;
  }
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  if (force)
    ref.force_stop();
  CHECK(ref.shutdown()->kind() == kind);
  sys.advance(1h);
  CHECK(log.count("on_shutdown") == 1);
  CHECK(log.lines().back() == "after_shutdown");
}

TEST_CASE("L18 on_shutdown has the rest of the grace period") {
  journal log;
  testing_system sys;
  script what;
  what.run = [](scripted& self) -> troupe::task<> {
    co_await self.stop_requested();
    static_cast<void>(co_await self.sleep_for(0s)); // takes the stop's wake-up
    static_cast<void>(co_await self.sleep_for(4s));
  };
  what.on_shutdown = support::stubborn();
  auto ref = support::spawn(sys, log, {.stopping_grace_period = 10s}, what);
  ref.startup();
  auto begin = sys.now();
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(sys.now() - begin == 10s);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK(ref.state() == worker_state::force_stopped);
  CHECK(log.has("frame destroyed"));
}

TEST_CASE("L18 on_shutdown has at least the cleanup period") {
  journal log;
  testing_system sys;
  script what;
  what.on_shutdown = support::stubborn();
  auto measure = [&](troupe::worker_options options, script::body run) {
    what.run = std::move(run);
    auto ref = support::spawn(sys, log, std::move(options), what);
    ref.startup();
    auto begin = sys.now();
    CHECK(ref.shutdown()->kind() == outcome_kind::forced);
    return sys.now() - begin;
  };
  auto late = [](scripted& self) -> troupe::task<> {
    co_await self.stop_requested();
    static_cast<void>(co_await self.sleep_for(0s));
    static_cast<void>(co_await self.sleep_for(9800ms));
  };
  CHECK(measure({}, late) == 10800ms);
  CHECK(measure({.cleanup_period = 5s}, late) == 14800ms);
  // After a force there is no rest.
  CHECK(measure({}, support::stubborn()) == 11s);
  CHECK(measure({.cleanup_period = 5s}, support::stubborn()) == 15s);
}

TEST_CASE("L18 after a force there is the cleanup period and no more") {
  journal log;
  testing_system sys;
  script what;
  what.on_shutdown = support::stubborn();
  auto ref = support::spawn(sys, log, {.cleanup_period = 3s}, what);
  ref.startup();
  auto begin = sys.now();
  ref.force_stop();
  REQUIRE(ref.wait_for_shutdown(1h));
  CHECK(sys.now() - begin == 3s);
}

TEST_CASE("L18 without a stop the grace period of on_shutdown begins when run "
          "ends") {
  journal log;
  testing_system sys;
  script what;
  what.run = support::sleeping(30s);
  what.on_shutdown = support::stubborn();
  auto ref = support::spawn(sys, log, {.stopping_grace_period = 6s}, what);
  ref.startup();
  auto begin = sys.now();
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::forced);
  CHECK(sys.now() - begin == 36s);
}

TEST_CASE("L18 an on_shutdown in time is not cut short") {
  journal log;
  testing_system sys;
  script what;
  what.on_shutdown = support::sleeping(9s);
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  auto begin = sys.now();
  CHECK(ref.shutdown()->ok());
  CHECK(sys.now() - begin == 9s);
}

TEST_CASE("L18 a failure in on_shutdown is added and hides nothing") {
  journal log;
  testing_system sys;
  script what;
  what.on_shutdown = support::throwing(std::runtime_error{"second"});
  SECTION("after a normal end it is the failure") {
    auto ref = support::spawn(sys, log, {}, what);
    ref.startup();
    auto how = ref.shutdown();
    REQUIRE(how);
    CHECK(how->kind() == outcome_kind::failed);
    CHECK_THAT(troupe::text_of(how->reason()), ContainsSubstring("second"));
    CHECK_THROWS_AS(how->rethrow(), std::runtime_error);
  }
  SECTION("after a failure it comes second") {
    what.run = support::throwing(oddity{1});
    auto ref = support::spawn(sys, log, {}, what);
    ref.startup();
    auto how = ref.wait_for_shutdown();
    REQUIRE(how);
    CHECK(how->kind() == outcome_kind::failed);
    CHECK_THAT(troupe::text_of(how->reason()), !ContainsSubstring("second"));
    CHECK_THAT(troupe::text_of(how->cleanup_error()),
               ContainsSubstring("second"));
    CHECK_THAT(to_string(*how), ContainsSubstring("second"));
    CHECK_THROWS_AS(how->rethrow(), oddity);
  }
  SECTION("after a force it comes second as well") {
    what.run = support::stubborn();
    auto ref = support::spawn(sys, log, {}, what);
    ref.startup();
    auto how = ref.shutdown();
    REQUIRE(how);
    CHECK(how->kind() == outcome_kind::forced);
    CHECK(ref.state() == worker_state::force_stopped);
    CHECK(how->reason() == errc::forced);
    CHECK_THAT(troupe::text_of(how->cleanup_error()),
               ContainsSubstring("second"));
  }
  SECTION("whatever it is that was thrown, and before it is a coroutine") {
    what.on_shutdown = [](scripted&) -> troupe::task<> { throw 42; };
    auto ref = support::spawn(sys, log, {}, what);
    ref.startup();
    auto how = ref.shutdown();
    REQUIRE(how);
    CHECK(how->kind() == outcome_kind::failed);
    CHECK_THROWS_AS(how->rethrow(), int);
  }
  CHECK(log.count("on_shutdown") == 1);
  CHECK(log.count("after_shutdown") == 1);
}

TEST_CASE("L18 a failure in on_shutdown that is forced is not hidden either") {
  journal log;
  testing_system sys;
  script what;
  what.run = support::throwing(oddity{1});
  what.on_shutdown = support::stubborn();
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::failed);
  CHECK(ref.state() == worker_state::stopped);
  CHECK(how->reason() == errc::worker_failed);
  CHECK(how->cleanup_error() == errc::forced);
  // It says nothing of on_shutdown(), which may not have had its turn.
  CHECK_THAT(to_string(*how), ContainsSubstring("; and then worker ")
                                && !ContainsSubstring("on_shutdown() failed"));
}

// -- L19: after_shutdown() --------------------------------------------------------------

TEST_CASE("L19 the final state is set, then after_shutdown is called, then "
          "waiters are released") {
  journal log;
  std::binary_semaphore entered{0};
  std::binary_semaphore leave{0};
  support::real_system sys;
  worker_state seen = worker_state::init;
  auto kind = outcome_kind::cancelled;
  script what;
  what.run = support::throwing(42);
  what.after_shutdown = [&](scripted& self, const troupe::outcome& how) {
    seen = self.state();
    kind = how.kind();
    entered.release();
    leave.acquire();
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  entered.acquire();
  CHECK(seen == worker_state::stopped);
  CHECK(kind == outcome_kind::failed);
  CHECK(ref.state() == worker_state::stopped);
  CHECK(ref.outcome());
  // The object is still in use, and so nobody gets it.
  CHECK(ref.worker() == nullptr);
  auto how = ref.wait_for_shutdown(1ms);
  CHECK_FALSE(how);
  CHECK(how.error() == errc::timed_out);
  leave.release();
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::failed);
  CHECK(ref.worker() != nullptr);
}

TEST_CASE("L19 after_shutdown is the last call on the worker") {
  journal log;
  testing_system sys;
  script what;
  what.after_shutdown = [](scripted& self, const troupe::outcome& how) {
    self.log().note("end " + to_string(self.state()) + " "
                    + to_string(how.kind()));
  };
  auto kill = false;
  auto expected = "end stopped normal";
  SECTION("normal") {
    // nop
  }
  SECTION("forced") {
    what.run = support::stubborn();
    expected = "end force_stopped forced";
  }
  SECTION("start failed") {
    what.on_startup = support::throwing(1);
    expected = "end stopped failed";
  }
  SECTION("killed") {
    kill = true;
    expected = "end stopped cancelled";
  }
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  if (kill)
    caf::anon_send_exit(ref.actor(), caf::exit_reason::kill);
  ref.shutdown();
  sys.run();
  CHECK(log.count("after_shutdown") == 1);
  CHECK(log.lines().back() == expected);
}

TEST_CASE("L19 after_shutdown is not called for a worker never started") {
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  SECTION("dropped") {
    ref = {};
  }
  SECTION("killed") {
    caf::anon_send_exit(ref.actor(), caf::exit_reason::kill);
    sys.run();
    CHECK(ref.state() == worker_state::stopped);
    ref = {};
  }
  sys.run();
  CHECK(log.lines() == lines{"destroyed"});
}

TEST_CASE("L19 what after_shutdown throws changes nothing") {
  journal log;
  testing_system sys;
  script what;
  SECTION("a standard exception") {
    what.after_shutdown = [](scripted&, const troupe::outcome&) {
      throw std::runtime_error("too late");
    };
  }
  SECTION("anything else") {
    what.after_shutdown = [](scripted&, const troupe::outcome&) { throw 42; };
  }
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  CHECK(ref.shutdown()->ok());
  expect_end(ref, worker_state::stopped);
}
