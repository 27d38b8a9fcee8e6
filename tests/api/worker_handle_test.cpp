// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/worker_handle.hpp"

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"

#include "troupe/call_later.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/shutdown_all.hpp"
#include "troupe/testing.hpp"

#include <caf/event_based_actor.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <latch>
#include <memory>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <vector>

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

class collector : public troupe::queue_consumer<int32_t> {
public:
  troupe::task<> run() override {
    while (auto x = co_await get_message())
      got.push_back(*x);
  }

  std::vector<int32_t> got;
};

} // namespace

// -- L15: many at once ---------------------------------------------------------------

TEST_CASE("L15 ten threads that call shutdown share one stop and all get the "
          "outcome") {
  constexpr int threads = 10;
  journal log;
  std::binary_semaphore began{0};
  support::real_system sys{4};
  script what;
  auto expected = outcome_kind::normal;
  troupe::timespan grace = 1h;
  SECTION("of a worker that honours it") {
    what.run = [&](scripted& self) -> troupe::task<> {
      began.release();
      co_await self.stop_requested();
    };
  }
  SECTION("of a worker that fails") {
    expected = outcome_kind::failed;
    what.run = [&](scripted& self) -> troupe::task<> {
      began.release();
      co_await self.stop_requested();
      throw 42;
    };
  }
  SECTION("of a worker that ignores it") {
    expected = outcome_kind::forced;
    grace = 5ms;
    what.run = [&](scripted& self) -> troupe::task<> {
      began.release();
      for (;;)
        static_cast<void>(co_await self.sleep_for(1h));
    };
  }
  constexpr int rounds = 20;
  for (int round = 0; round < rounds; ++round) {
    auto ref = support::spawn(sys, log, {.stopping_grace_period = grace}, what);
    ref.startup();
    began.acquire();
    std::latch together{threads};
    std::atomic<int> right = 0;
    {
      std::vector<std::jthread> callers;
      for (int i = 0; i < threads; ++i)
        callers.emplace_back([&, mine = ref] {
          together.arrive_and_wait();
          auto how = mine.shutdown();
          if (how && how->kind() == expected && is_final(mine.state()))
            ++right;
        });
    }
    CHECK(right == threads);
  }
  CHECK(log.count("on_shutdown") == rounds);
  CHECK(log.count("after_shutdown") == rounds);
}

// -- L20: waiting ----------------------------------------------------------------------

TEST_CASE("L20 giving up waiting never touches the worker") {
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  ref.startup();
  auto begin = sys.now();
  auto how = ref.wait_for_shutdown(5s);
  CHECK_FALSE(how);
  CHECK(how.error() == errc::timed_out);
  CHECK(sys.now() - begin == 5s);
  CHECK_FALSE(ref.wait_for_shutdown(0s));
  CHECK(ref.state() == worker_state::running);
  CHECK(ref.phase() == worker_phase::ready);
  sys.advance(1h);
  CHECK(ref.state() == worker_state::running);
  CHECK(log.lines() == lines{"on_startup", "run"});
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("L20 waiting in init gives nothing, at once") {
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  auto begin = sys.now();
  auto how = ref.wait_for_shutdown();
  CHECK_FALSE(how);
  CHECK(how.error() == errc::not_started);
  CHECK(sys.now() == begin);
  CHECK(ref.state() == worker_state::init);
}

TEST_CASE("L20 waiting for what is over gives the outcome, at once") {
  journal log;
  testing_system sys;
  script what;
  what.run = support::throwing(42);
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  for (int i = 0; i < 3; ++i)
    CHECK(ref.wait_for_shutdown(0s)->kind() == outcome_kind::failed);
}

TEST_CASE("L20 one who gives up takes nobody along") {
  journal log;
  std::binary_semaphore waits{0};
  support::real_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  ref.startup();
  std::optional<troupe::outcome> got;
  std::jthread patient{[&] {
    waits.release();
    got = ref.wait_for_shutdown();
  }};
  waits.acquire();
  CHECK_FALSE(ref.wait_for_shutdown(1ms));
  ref.gracefully_stop();
  patient.join();
  REQUIRE(got);
  CHECK(got->ok());
}

// -- L22: what a handle knows -------------------------------------------------------------

TEST_CASE("L22 a handle can be read while the worker is stuck") {
  journal log;
  std::binary_semaphore stuck{0};
  std::binary_semaphore go_on{0};
  support::real_system sys{1}; // the only thread is the stuck one
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    auto token = self.hold();
    stuck.release();
    go_on.acquire();
    co_await self.stop_requested();
  };
  auto ref = support::spawn(sys, log, {.name = "busy"}, what);
  ref.start();
  stuck.acquire();
  CHECK(ref.state() == worker_state::running);
  CHECK(ref.phase() == worker_phase::ready);
  CHECK(ref.name() == "busy");
  CHECK(ref.path() == "/busy");
  CHECK(ref.incarnation() == 1);
  CHECK_FALSE(ref.outcome());
  auto status = ref.status();
  CHECK(status.holds == 1);
  CHECK(status.uptime > 0s);
  CHECK_FALSE(status.ended);
  CHECK_THAT(to_string(status), ContainsSubstring("/busy: running, ready"));
  ref.gracefully_stop();
  CHECK(ref.state() == worker_state::stopping);
  CHECK(ref.phase() == worker_phase::draining);
  go_on.release();
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("L22 a handle tells the phases of a life") {
  journal log;
  testing_system sys;
  std::vector<worker_phase> phases;
  troupe::worker_handle ref;
  auto look = [&] { phases.push_back(ref.phase()); };
  script what;
  what.on_startup = [&](scripted&) -> troupe::task<> {
    look();
    co_return;
  };
  what.run = [&](scripted& self) -> troupe::task<> {
    look();
    co_await self.stop_requested();
    look();
  };
  what.on_shutdown = what.on_startup;
  what.after_shutdown = [&](scripted&, const troupe::outcome&) { look(); };
  ref = support::spawn(sys, log, {}, what);
  look();
  ref.startup();
  ref.shutdown();
  CHECK(phases
        == std::vector{worker_phase::created, worker_phase::starting,
                       worker_phase::ready, worker_phase::draining,
                       worker_phase::cleaning_up, worker_phase::done});
}

TEST_CASE("L22 a handle can be read after the end") {
  testing_system sys;
  auto ref = troupe::spawn<collector>(sys, {.name = "all"});
  ref.startup();
  ref.send(1);
  ref.send(2);
  ref.drain();
  ref.wait_for_shutdown();
  auto end = sys.now();
  sys.advance(1h);
  CHECK(ref.name() == "all");
  CHECK(ref.state() == worker_state::stopped);
  CHECK(ref.queue().sent == 2);
  CHECK(ref.queue().handled == 2);
  CHECK(ref.status().ended);
  CHECK(ref.status().uptime == ref.outcome()->duration());
  CHECK(ref.status().uptime <= end.time_since_epoch());
  CHECK(ref.actor() == nullptr);
  CHECK_FALSE(ref.send(3));
}

TEST_CASE("L22 handles used after their actor system is gone give errors") {
  journal log;
  troupe::worker_ref<collector> unstarted;
  troupe::worker_ref<collector> stopped;
  auto use_all = [&] {
    for (auto& ref : {unstarted, stopped}) {
      CHECK_FALSE(ref.name().empty());
      CHECK_FALSE(ref.path().empty());
      CHECK(ref.actor() == nullptr);
      ref.gracefully_stop();
      ref.drain();
      ref.force_stop();
      CHECK_FALSE(ref.send(1));
      CHECK(ref.startup());
      CHECK(ref.start());
      static_cast<void>(ref.status());
      static_cast<void>(ref.queue());
    }
    CHECK(unstarted.startup() == errc::system_gone);
    CHECK(unstarted.start() == errc::system_gone);
    // No longer to be reached, and so it is over.
    CHECK(unstarted.shutdown()->kind() == outcome_kind::cancelled);
    CHECK(unstarted.wait_for_shutdown(1s)->kind() == outcome_kind::cancelled);
    CHECK(stopped.state() == worker_state::stopped);
    CHECK(stopped.startup() == errc::already_started);
    CHECK(stopped.shutdown()->ok());
    CHECK(stopped.wait_for_shutdown()->ok());
    REQUIRE(stopped.worker() != nullptr);
    CHECK(stopped.worker()->got == std::vector<int32_t>{1});
    unstarted = {};
    stopped = {};
  };
  auto make = [&](caf::actor_system& sys) {
    unstarted = troupe::spawn<collector>(sys, {.name = "unstarted"});
    unstarted.send(1);
    stopped = troupe::spawn<collector>(sys, {.name = "stopped"});
    stopped.startup();
    stopped.send(1);
    stopped.drain();
    stopped.wait_for_shutdown();
  };
  SECTION("real time") {
    {
      support::real_system sys;
      make(sys);
    }
    use_all();
  }
  SECTION("virtual time") {
    {
      testing_system sys;
      make(sys);
    }
    use_all();
  }
}

TEST_CASE("L22 a handle to nothing gives errors") {
  troupe::worker_ref<collector> ref;
  CHECK_FALSE(ref);
  CHECK(ref.startup() == errc::invalid_argument);
  CHECK(ref.start() == errc::invalid_argument);
  CHECK(ref.shutdown().error() == errc::invalid_argument);
  CHECK(ref.wait_for_shutdown().error() == errc::invalid_argument);
  CHECK_FALSE(ref.send(1));
  CHECK(ref.worker() == nullptr);
  CHECK(ref.name().empty());
  ref.gracefully_stop();
  ref.force_stop();
  CHECK(ref.actor() == nullptr);
  CHECK(ref.queue_size() == 0);
}

TEST_CASE("L22 handles are values: copied, moved, compared, converted") {
  journal log;
  testing_system sys;
  auto one = support::spawn(sys, log, {.name = "one"}, {});
  auto two = support::spawn(sys, log, {.name = "two"}, {});
  auto same = one;
  CHECK(same == one);
  CHECK(one != two);
  auto moved = std::move(same);
  CHECK(moved == one);
  troupe::worker_ref<troupe::worker> base = one;
  CHECK(base.name() == "one");
  troupe::worker_handle any = two;
  CHECK(any.name() == "two");
  moved = two;
  CHECK(moved.name() == "two");
}

// -- L24: all handles gone ----------------------------------------------------------------

TEST_CASE("L24 when all handles are gone, an unstarted worker is destroyed") {
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  auto copy = ref;
  ref = {};
  sys.run();
  CHECK(log.lines().empty());
  copy = {};
  sys.run();
  CHECK(log.lines() == lines{"destroyed"});
}

TEST_CASE("L24 a started worker goes on without a handle") {
  journal log;
  testing_system sys;
  script what;
  what.on_startup = support::sleeping(1s);
  what.run = [](scripted& self) -> troupe::task<> {
    static_cast<void>(co_await self.sleep_for(1h));
    self.log().note("worked");
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.start();
  ref = {};
  sys.advance(2h);
  CHECK(log.lines()
        == lines{"on_startup", "run", "worked", "on_shutdown", "after_shutdown",
                 "destroyed"});
}

TEST_CASE("L24 an object lives as long as a handle does") {
  journal log;
  {
    testing_system sys;
    auto ref = support::spawn(sys, log, {}, {});
    ref.startup();
    ref.shutdown();
    sys.run();
    CHECK_FALSE(log.has("destroyed"));
    auto copy = ref;
    ref = {};
    CHECK_FALSE(log.has("destroyed"));
    copy = {};
    CHECK(log.count("destroyed") == 1);
  }
  CHECK(log.count("destroyed") == 1);
}

// -- L31: would_block ------------------------------------------------------------------------

TEST_CASE("L31 a blocking call inside a troupe actor is refused at once, and "
          "stops nothing") {
  journal log;
  journal other_log;
  testing_system sys;
  auto other = support::spawn(sys, other_log, {.name = "other"}, {});
  other.startup();
  auto unstarted = support::spawn(sys, other_log, {.name = "unstarted"}, {});
  int checked = 0;
  auto check = [&](scripted& self) {
    auto refused = [](const caf::error& err) {
      CHECK(err == errc::would_block);
      CHECK_THAT(troupe::text_of(err), ContainsSubstring("co_await"));
    };
    refused(unstarted.startup());
    refused(other.startup());
    refused(other.shutdown().error());
    refused(other.wait_for_shutdown().error());
    refused(other.wait_for_shutdown(0s).error());
    CHECK_THROWS_AS(troupe::shutdown_all(self.self()->home_system(), 1s),
                    std::logic_error);
    ++checked;
  };
  auto body = [&](scripted& self) -> troupe::task<> {
    check(self);
    co_return;
  };
  script what;
  what.on_startup = body;
  what.run = [&](scripted& self) -> troupe::task<> {
    check(self);
    co_await self.stop_requested();
  };
  what.on_shutdown = body;
  what.after_shutdown = [&](scripted& self, const troupe::outcome&) {
    check(self);
  };
  what.handlers = [&](scripted& self) -> troupe::message_handlers {
    return {[&](int32_t) { check(self); }};
  };
  auto ref = support::spawn(sys, log, {}, what);
  CHECK_FALSE(ref.startup());
  support::tell(ref.actor(), int32_t{1});
  sys.run();
  CHECK(ref.shutdown()->ok());
  CHECK(checked == 5);
  // What was refused has not happened.
  CHECK(other.state() == worker_state::running);
  CHECK(unstarted.state() == worker_state::init);
  other.shutdown();
}

TEST_CASE("L31 it is refused with real threads as well, also to oneself") {
  journal log;
  support::real_system sys{1};
  troupe::worker_handle me;
  caf::error own;
  caf::error own_wait;
  script what;
  what.run = [&](scripted&) -> troupe::task<> {
    own = me.shutdown().error();
    own_wait = me.wait_for_shutdown().error();
    co_return;
  };
  me = support::spawn(sys, log, {}, what);
  me.startup();
  CHECK(me.wait_for_shutdown()->ok());
  CHECK(own == errc::would_block);
  CHECK(own_wait == errc::would_block);
}

TEST_CASE("L31 inside an actor one awaits instead") {
  journal log;
  journal other_log;
  testing_system sys;
  script slow;
  slow.on_startup = support::sleeping(2s);
  slow.run = support::sleeping(3s);
  auto other = support::spawn(sys, other_log, {}, slow);
  caf::error ready;
  troupe::outcome over;
  troupe::timespan took{};
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    auto begin = self.now();
    other.start();
    ready = co_await other.started();
    CHECK(self.now() - begin == 2s);
    over = co_await other.stopped();
    took = self.now() - begin;
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK_FALSE(ready);
  CHECK(over.ok());
  CHECK(took == 5s);
}

TEST_CASE("L31 a callback of call_later may block") {
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  std::atomic<bool> ok = false;
  troupe::call_later(sys, 1s, [ref, &ok] {
    if (!ref.startup())
      ok = ref.shutdown().has_value();
  });
  sys.advance(2s);
  CHECK(ok);
}

TEST_CASE("L22 a handle that points to no worker says so") {
  const troupe::worker_handle nobody;
  CHECK(nobody.state() == worker_state::nobody);
  CHECK(nobody.phase() == worker_phase::nobody);
  CHECK(to_string(nobody.state()) == "nobody");
  CHECK(to_string(nobody.phase()) == "nobody");
  CHECK_FALSE(is_final(nobody.state()));
  CHECK(nobody.path().empty());
  CHECK(nobody.incarnation() == 0);
  CHECK_FALSE(nobody.outcome());
  CHECK(nobody.status().state == worker_state::nobody);
  CHECK(to_string(nobody.status()) == "nobody");
  CHECK(nobody.status_tree().self.state == worker_state::nobody);
  CHECK(to_string(nobody.status_tree(1s)) == "nobody\n");
}

TEST_CASE("L22 a handle that points to no worker can be awaited") {
  journal log;
  testing_system sys;
  caf::error ready;
  troupe::outcome over;
  script what;
  what.run = [&](scripted&) -> troupe::task<> {
    troupe::worker_handle nobody;
    ready = co_await nobody.started();
    over = co_await nobody.stopped();
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ready == errc::invalid_argument);
  CHECK(over.reason() == errc::invalid_argument);
}

TEST_CASE("L20 a wait may be as long as a duration can say") {
  journal log;
  testing_system sys;
  script what;
  what.run = support::sleeping(1s);
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  CHECK(ref.wait_for_shutdown(std::chrono::hours{3'000'000}));
}
