// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How workers are stopped and forced. Those that do not come back even then:
// abandoned_test.cpp.

#include "troupe/worker.hpp"

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"

#include "troupe/queue_consumer.hpp"
#include "troupe/testing.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/response_promise.hpp>

#include <catch2/catch_test_macros.hpp>

#include <latch>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

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

/// Sleeps through the wake-up of a stop and then for `length`.
script::body drowsy(troupe::timespan length) {
  return [length](scripted& self) -> troupe::task<> {
    co_await self.stop_requested();
    static_cast<void>(co_await self.sleep_for(0s));
    static_cast<void>(co_await self.sleep_for(length));
    self.log().note("slept");
  };
}

class collector : public troupe::queue_consumer<int32_t> {
public:
  troupe::task<> run() override {
    while (auto x = co_await get_message())
      got.push_back(*x);
  }

  std::vector<int32_t> got;
};

} // namespace

// -- L9: a graceful stop -----------------------------------------------------------

TEST_CASE("L9 a graceful stop returns at once, with the worker stopping") {
  journal log;
  testing_system sys;
  script what;
  what.run = drowsy(5s);
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  auto begin = sys.now();
  ref.gracefully_stop();
  CHECK(sys.now() == begin);
  CHECK(ref.state() == worker_state::stopping);
  CHECK(ref.phase() == worker_phase::draining);
  CHECK_FALSE(ref.outcome());
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(sys.now() - begin == 5s);
  CHECK(log.has("slept"));
}

TEST_CASE("L9 stopping twice is stopping once: the grace period goes on") {
  journal log;
  testing_system sys;
  script what;
  what.run = support::stubborn();
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  auto begin = sys.now();
  ref.gracefully_stop();
  sys.advance(9s);
  ref.gracefully_stop();
  ref.drain();
  CHECK(ref.shutdown()->kind() == outcome_kind::forced);
  CHECK(sys.now() - begin == 10s);
}

TEST_CASE("L9 a stop has no effect in init") {
  journal log;
  testing_system sys;
  script what;
  what.on_shutdown = support::sleeping(8s);
  auto ref = support::spawn(sys, log, {}, what);
  ref.gracefully_stop();
  ref.drain();
  ref.force_stop();
  sys.run();
  CHECK(ref.state() == worker_state::init);
  CHECK_FALSE(ref.outcome());
  CHECK_FALSE(ref.startup());
  sys.advance(1h);
  CHECK(ref.state() == worker_state::running);
  // Not even on what a later stop may take.
  auto begin = sys.now();
  CHECK(ref.shutdown()->ok());
  CHECK(sys.now() - begin == 8s);
}

TEST_CASE("L9 a stop has no effect on what is stopped") {
  journal log;
  testing_system sys;
  script what;
  auto forced = false;
  SECTION("normally") {
    // nop
  }
  SECTION("by force") {
    what.run = support::stubborn();
    forced = true;
  }
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  ref.shutdown();
  auto before = log.lines();
  auto state = ref.state();
  ref.gracefully_stop();
  ref.force_stop();
  sys.advance(1h);
  CHECK(ref.state() == state);
  CHECK(ref.outcome()->kind()
        == (forced ? outcome_kind::forced : outcome_kind::normal));
  CHECK(log.lines() == before);
}

TEST_CASE("L9 a stop overtakes the messages that wait for the handlers") {
  constexpr int backlog = 20'000;
  journal log;
  testing_system sys;
  int handled = 0;
  script what;
  what.handlers = [&](scripted&) -> troupe::message_handlers {
    return {[&handled](int32_t) { ++handled; }};
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  auto hdl = ref.actor();
  for (int32_t i = 0; i < backlog; ++i)
    support::tell(hdl, i);
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(handled < backlog / 10);
}

TEST_CASE("L9 a stop overtakes messages that wait even when they came first") {
  // What CAF 1.x has fetched from the mailbox nothing overtakes there.
  constexpr int backlog = 20'000;
  constexpr int half_way = backlog / 2;
  journal log;
  testing_system sys;
  int handled = 0;
  troupe::worker_handle ref;
  script what;
  what.handlers = [&](scripted&) -> troupe::message_handlers {
    return {[&](int32_t) {
      if (++handled == half_way)
        ref.gracefully_stop();
    }};
  };
  ref = support::spawn(sys, log, {}, what);
  ref.startup();
  for (int32_t i = 0; i < backlog; ++i)
    support::tell(ref.actor(), i);
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(handled < half_way + 1'000);
}

TEST_CASE("L9 a stop overtakes the messages in a queue") {
  testing_system sys;
  auto ref = troupe::spawn<collector>(sys);
  ref.startup();
  for (int32_t i = 0; i < 20'000; ++i)
    ref.send(i);
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.worker()->got.size() < 2'000);
}

TEST_CASE("L9 a stop in the same instant as the end is no stop at all") {
  // Whichever of them comes first, the end is normal and there is one of it.
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    journal log;
    testing_system sys{{.seed = seed}};
    script what;
    what.run = support::sleeping(5s);
    auto ref = support::spawn(sys, log, {}, what);
    script other;
    other.run = [ref](scripted& self) -> troupe::task<> {
      static_cast<void>(co_await self.sleep_for(5s));
      ref.gracefully_stop();
    };
    journal other_log;
    auto stopper = support::spawn(sys, other_log, {}, other);
    ref.startup();
    stopper.startup();
    CHECK(ref.wait_for_shutdown()->ok());
    CHECK(stopper.wait_for_shutdown()->ok());
    CHECK(log.lines()
          == lines{"on_startup", "run", "on_shutdown", "after_shutdown"});
  }
}

// -- L10: what it wakes --------------------------------------------------------------

TEST_CASE("L10 a stop wakes one sleep, once") {
  journal log;
  testing_system sys;
  std::vector<bool> slept;
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    slept.push_back(co_await self.sleep_for(1h));
    slept.push_back(co_await self.sleep_for(2s));
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  auto begin = sys.now();
  CHECK(ref.shutdown()->ok());
  CHECK(slept == std::vector<bool>{false, true});
  CHECK(sys.now() - begin == 2s);
}

TEST_CASE("L10 a stop interrupts neither a request nor an offloaded call") {
  journal log;
  testing_system sys;
  script what;
  SECTION("a request") {
    auto slow = sys.sys().spawn([](caf::event_based_actor* self) {
      return caf::behavior{[self](int32_t x) {
        auto promise = self->make_response_promise<int32_t>();
        self->run_delayed(3s, [promise, x]() mutable { promise.deliver(x); });
        return promise;
      }};
    });
    what.run = [slow](scripted& self) -> troupe::task<> {
      auto question = self.ask<int32_t>(slow, 1h, int32_t{42});
      auto answer = co_await std::move(question);
      self.log().note(answer ? std::to_string(*answer) : "none");
    };
    auto ref = support::spawn(sys, log, {}, what);
    ref.startup();
    auto begin = sys.now();
    CHECK(ref.shutdown()->ok());
    CHECK(sys.now() - begin == 3s);
  }
  SECTION("an offloaded call") {
    std::binary_semaphore go_on{0};
    what.run = [&go_on](scripted& self) -> troupe::task<> {
      auto call = self.offload([&go_on] {
        go_on.acquire();
        return 42;
      });
      self.log().note(std::to_string(co_await std::move(call)));
    };
    auto ref = support::spawn(sys, log, {}, what);
    ref.startup();
    ref.gracefully_stop();
    CHECK(ref.state() == worker_state::stopping);
    go_on.release();
    CHECK(ref.wait_for_shutdown()->ok());
  }
  CHECK(log.has("42"));
}

// -- L11: a stop while on_startup() runs ------------------------------------------------

TEST_CASE("L11 a stop while on_startup runs lets it finish and skips run") {
  journal log;
  testing_system sys;
  bool slept = true;
  script what;
  what.on_startup = [&](scripted& self) -> troupe::task<> {
    slept = co_await self.sleep_for(1h);
    static_cast<void>(co_await self.sleep_for(2s));
    self.log().note("on_startup done");
  };
  auto readiness = troupe::readiness::automatic;
  SECTION("ready by itself") {
    // nop
  }
  SECTION("ready when it says so") {
    readiness = troupe::readiness::explicit_ready;
  }
  auto ref = support::spawn(sys, log, {.readiness = readiness}, what);
  ref.start();
  sys.run();
  auto begin = sys.now();
  ref.gracefully_stop();
  CHECK(ref.state() == worker_state::stopping);
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::normal);
  CHECK(sys.now() - begin == 2s);
  CHECK_FALSE(slept);
  CHECK(ref.state() == worker_state::stopped);
  CHECK(
    log.lines()
    == lines{"on_startup", "on_startup done", "on_shutdown", "after_shutdown"});
}

TEST_CASE("L11 an on_startup that does not mind the stop is forced") {
  journal log;
  testing_system sys;
  script what;
  what.on_startup = support::stubborn();
  auto ref = support::spawn(sys, log, {}, what);
  ref.start();
  sys.run();
  auto begin = sys.now();
  CHECK(ref.shutdown()->kind() == outcome_kind::forced);
  CHECK(sys.now() - begin == 10s);
  CHECK(log.lines()
        == lines{"on_startup", "frame destroyed", "after_shutdown"});
}

TEST_CASE("L11 an on_startup that fails after the stop is a failure") {
  journal log;
  testing_system sys;
  script what;
  what.on_startup = [](scripted& self) -> troupe::task<> {
    static_cast<void>(co_await self.sleep_for(1h));
    throw 42;
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.start();
  sys.run();
  auto how = ref.shutdown();
  CHECK(how->kind() == outcome_kind::failed);
  CHECK(how->reason() == errc::start_failed);
  CHECK(log.lines() == lines{"on_startup", "after_shutdown"});
}

// -- L15, L16: shutdown and force --------------------------------------------------------

TEST_CASE("L15 shutdown waits for a worker that stops in time") {
  journal log;
  testing_system sys;
  script what;
  what.run = drowsy(9s);
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  auto begin = sys.now();
  CHECK(ref.shutdown()->kind() == outcome_kind::normal);
  CHECK(sys.now() - begin == 9s);
}

TEST_CASE("L15 shutdown has no effect in init") {
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  auto how = ref.shutdown();
  CHECK_FALSE(how);
  CHECK(how.error() == errc::not_started);
  CHECK(ref.state() == worker_state::init);
  CHECK_FALSE(ref.startup());
  sys.advance(1h);
  CHECK(ref.state() == worker_state::running);
  ref.shutdown();
}

TEST_CASE("L16 after the grace period the coroutine is destroyed where it "
          "waits") {
  journal log;
  testing_system sys;
  script what;
  what.run = [](scripted& self) -> troupe::task<> {
    support::farewell outer{self.log(), "outer gone"};
    support::farewell inner{self.log(), "inner gone"};
    co_await self.stop_requested();
    static_cast<void>(co_await self.sleep_for(0s));
    self.log().note("begins");
    static_cast<void>(co_await self.sleep_for(10s + 1ns));
    self.log().note("resumed");
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  auto begin = sys.now();
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(sys.now() - begin == 10s);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK(how->code() == 1);
  CHECK(how->reason() == errc::forced);
  CHECK_FALSE(how->abandoned());
  CHECK(ref.state() == worker_state::force_stopped);
  CHECK(ref.phase() == worker_phase::done);
  sys.advance(1h);
  CHECK(log.lines()
        == lines{"on_startup", "run", "begins", "inner gone", "outer gone",
                 "on_shutdown", "after_shutdown"});
  CHECK(ref.worker() != nullptr);
}

TEST_CASE("L16 force_stop does not wait for the grace period") {
  journal log;
  testing_system sys;
  script what;
  what.run = support::stubborn();
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  auto begin = sys.now();
  SECTION("from running") {
    // nop
  }
  SECTION("from stopping") {
    ref.gracefully_stop();
    sys.run();
  }
  ref.force_stop();
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::forced);
  CHECK(sys.now() == begin);
}

TEST_CASE("L16 a force ends handlers and all that run has begun") {
  journal log;
  testing_system sys;
  script what;
  what.run = [](scripted& self) -> troupe::task<> {
    auto part = [](scripted& who, std::string name) -> troupe::task<> {
      support::farewell last{who.log(), name + " gone"};
      for (;;)
        static_cast<void>(co_await who.sleep_for(1h));
    };
    auto one = part(self, "one");
    auto two = part(self, "two");
    co_await self.when_all(std::move(one), std::move(two));
  };
  what.handlers = [](scripted& self) -> troupe::message_handlers {
    return {[&self](int32_t) -> troupe::task<> {
      support::farewell last{self.log(), "handler gone"};
      for (;;)
        static_cast<void>(co_await self.sleep_for(1h));
    }};
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  support::tell(ref.actor(), int32_t{1});
  sys.run();
  CHECK(ref.shutdown()->kind() == outcome_kind::forced);
  for (auto* part : {"one gone", "two gone", "handler gone"})
    CHECK(log.count(part) == 1);
  CHECK(log.count("on_shutdown") == 1);
}

TEST_CASE("L3 a grace period of zero forces at once") {
  journal log;
  testing_system sys;
  script what;
  what.run = [](scripted& self) -> troupe::task<> {
    co_await self.stop_requested();
    static_cast<void>(co_await self.sleep_for(0s));
    static_cast<void>(co_await self.sleep_for(1ns));
    self.log().note("resumed");
  };
  auto ref = support::spawn(sys, log, {.stopping_grace_period = 0s}, what);
  ref.startup();
  auto begin = sys.now();
  auto how = ref.shutdown();
  CHECK(how->kind() == outcome_kind::forced);
  CHECK(sys.now() == begin);
  CHECK_FALSE(log.has("resumed"));
  CHECK(log.count("on_shutdown") == 1);
}

TEST_CASE("L3 an infinite grace period never forces") {
  journal log;
  testing_system sys;
  script what;
  what.run = drowsy(100'000h);
  auto ref = support::spawn(sys, log,
                            {.stopping_grace_period = troupe::infinite}, what);
  ref.startup();
  auto begin = sys.now();
  CHECK(ref.shutdown()->kind() == outcome_kind::normal);
  CHECK(sys.now() - begin == 100'000h);
  CHECK(log.has("slept"));
}

TEST_CASE("L15 a shutdown in the instant of the start finds it or does not") {
  journal log;
  support::real_system sys;
  for (int round = 0; round < 200; ++round) {
    auto ref = support::spawn(sys, log, {}, {});
    std::latch together{2};
    std::jthread other{[&] {
      together.arrive_and_wait();
      for (int i = 0; i < round % 20; ++i)
        std::this_thread::yield();
      ref.start();
    }};
    together.arrive_and_wait();
    auto how = ref.shutdown();
    other.join();
    if (!how) {
      CHECK(how.error() == errc::not_started);
      how = ref.shutdown();
    }
    REQUIRE(how);
    CHECK(how->ok());
  }
}
