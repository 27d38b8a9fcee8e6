// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How workers begin. How they end stands in worker_end_test.cpp, and how they
// are stopped in stop_test.cpp.

#include "troupe/worker.hpp"

#include "support/real_system.hpp"
#include "support/scripted.hpp"

#include "troupe/call_later.hpp"
#include "troupe/testing.hpp"

#include <caf/event_based_actor.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <latch>
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
using troupe::worker_phase;
using troupe::worker_state;
using testing_system = troupe::testing::system;

// -- L4: the start ---------------------------------------------------------------

TEST_CASE("L4 startup runs on_startup and then run on the worker's actor") {
  journal log;
  support::real_system sys;
  std::thread::id startup_on;
  std::thread::id run_on;
  worker_state in_startup = worker_state::init;
  bool is_self = false;
  troupe::worker_ref<scripted> ref;
  script what;
  what.on_startup = [&](scripted& self) -> troupe::task<> {
    startup_on = std::this_thread::get_id();
    in_startup = self.state();
    is_self = self.self()->address() == ref.actor().address();
    co_return;
  };
  what.run = [&](scripted& self) -> troupe::task<> {
    run_on = std::this_thread::get_id();
    co_await self.stop_requested();
  };
  ref = support::spawn(sys, log, {}, what);
  CHECK_FALSE(ref.startup());
  CHECK(ref.state() == worker_state::running);
  ref.shutdown();
  CHECK(log.lines()
        == lines{"on_startup", "run", "on_shutdown", "after_shutdown"});
  CHECK(in_startup == worker_state::running);
  CHECK(is_self);
  CHECK(startup_on != std::this_thread::get_id());
  CHECK(run_on != std::this_thread::get_id());
}

TEST_CASE("L4 start returns at once") {
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  CHECK_FALSE(ref.start());
  CHECK(ref.state() == worker_state::running);
  CHECK(ref.phase() == worker_phase::starting);
  CHECK(log.lines().empty());
  sys.run();
  CHECK(ref.phase() == worker_phase::ready);
  ref.shutdown();
}

// -- L5: readiness -----------------------------------------------------------------

TEST_CASE("L5 startup returns when on_startup has finished") {
  journal log;
  testing_system sys;
  script what;
  what.on_startup = support::sleeping(3s);
  auto ref = support::spawn(sys, log, {}, what);
  auto begin = sys.now();
  CHECK_FALSE(ref.startup());
  CHECK(sys.now() - begin == 3s);
  CHECK(ref.phase() == worker_phase::ready);
  ref.shutdown();
}

TEST_CASE("L5 with explicit readiness, startup returns when run has called "
          "ready") {
  journal log;
  testing_system sys;
  script what;
  what.on_startup = support::sleeping(1s);
  what.run = [](scripted& self) -> troupe::task<> {
    static_cast<void>(co_await self.sleep_for(2s));
    self.ready();
    self.ready(); // once is enough, twice does no harm
    co_await self.stop_requested();
  };
  auto ref = support::spawn(sys, log,
                            {.readiness = troupe::readiness::explicit_ready},
                            what);
  auto begin = sys.now();
  CHECK_FALSE(ref.start());
  sys.advance(2s);
  CHECK(log.has("run"));
  CHECK(ref.phase() == worker_phase::starting);
  CHECK(ref.state() == worker_state::running);
  CHECK(ref.startup() == errc::already_started);
  sys.advance(1s);
  CHECK(ref.phase() == worker_phase::ready);
  ref.shutdown();

  auto other = support::spawn(sys, log,
                              {.readiness = troupe::readiness::explicit_ready},
                              what);
  begin = sys.now();
  CHECK_FALSE(other.startup());
  CHECK(sys.now() - begin == 3s);
  other.shutdown();
}

TEST_CASE("L5 startup carries the error of a start that failed") {
  journal log;
  testing_system sys;
  auto start = [&](troupe::readiness when, script what) {
    auto ref = support::spawn(sys, log, {.name = "w", .readiness = when},
                              std::move(what));
    caf::error result = ref.startup();
    CHECK(ref.wait_for_shutdown()->kind() == troupe::outcome_kind::failed);
    return result;
  };
  script what;
  SECTION("out of on_startup") {
    what.on_startup = support::throwing(std::runtime_error{"no disk"});
    auto err = start(troupe::readiness::automatic, what);
    CHECK(err == errc::start_failed);
    CHECK_THAT(troupe::text_of(err),
               ContainsSubstring("\"w\"") && ContainsSubstring("no disk"));
  }
  SECTION("run throws before it is ready") {
    what.run = support::throwing(std::runtime_error{"no disk"});
    auto err = start(troupe::readiness::explicit_ready, what);
    CHECK(err == errc::worker_failed);
    CHECK_THAT(troupe::text_of(err), ContainsSubstring("no disk"));
  }
  SECTION("run returns without being ready") {
    what.run = [](scripted&) -> troupe::task<> { co_return; };
    CHECK(start(troupe::readiness::explicit_ready, what)
          == errc::ended_before_ready);
  }
}

TEST_CASE("L5 a stop before the worker is ready is not a failure, but startup "
          "says so") {
  journal log;
  testing_system sys;
  script what;
  what.on_startup = [](scripted& self) -> troupe::task<> {
    static_cast<void>(co_await self.sleep_for(1h));
  };
  auto ref = support::spawn(sys, log, {}, what);
  troupe::call_later(sys, 1s, [ref] { ref.gracefully_stop(); });
  auto begin = sys.now();
  CHECK(ref.startup() == errc::stopped_before_ready);
  CHECK(sys.now() - begin == 1s);
  CHECK(ref.wait_for_shutdown()->ok());
}

// -- L6: the start timeout -----------------------------------------------------------

TEST_CASE("L6 a start that takes too long is a failed start") {
  journal log;
  testing_system sys;
  script what;
  what.on_startup = support::stubborn();
  auto ref = support::spawn(sys, log, {.name = "slow", .start_timeout = 5s},
                            what);
  auto begin = sys.now();
  caf::error err = ref.startup();
  CHECK(sys.now() - begin == 5s);
  CHECK(err == errc::start_timeout);
  CHECK_THAT(troupe::text_of(err), ContainsSubstring("\"slow\""));
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == troupe::outcome_kind::failed);
  CHECK(how->reason() == errc::start_timeout);
  CHECK(ref.state() == worker_state::stopped);
  CHECK(log.lines()
        == lines{"on_startup", "frame destroyed", "after_shutdown"});
}

TEST_CASE("L6 the start timeout holds until run has called ready") {
  journal log;
  testing_system sys;
  script what;
  what.on_startup = support::sleeping(2s);
  what.run = support::stubborn();
  auto ref = support::spawn(sys, log,
                            {.start_timeout = 5s,
                             .readiness = troupe::readiness::explicit_ready},
                            what);
  auto begin = sys.now();
  CHECK(ref.startup() == errc::start_timeout);
  CHECK(sys.now() - begin == 5s);
  // on_startup() succeeded, so what it made is cleaned up.
  CHECK(log.lines()
        == lines{"on_startup", "run", "frame destroyed", "on_shutdown",
                 "after_shutdown"});
}

TEST_CASE("L6 a worker that was ready in time is left alone") {
  journal log;
  testing_system sys;
  script what;
  what.on_startup = support::sleeping(4s);
  auto ref = support::spawn(sys, log, {.start_timeout = 5s}, what);
  CHECK_FALSE(ref.startup());
  sys.advance(1h);
  CHECK(ref.state() == worker_state::running);
  ref.shutdown();
}

TEST_CASE("L6 without a start timeout a start may take for ever") {
  journal log;
  testing_system sys;
  script what;
  what.on_startup = support::sleeping(1000h);
  auto ref = support::spawn(sys, log, {}, what);
  CHECK_FALSE(ref.startup());
  ref.shutdown();
}

// -- L7: once ----------------------------------------------------------------------

TEST_CASE("L7 a second startup is refused, with name and state in the text") {
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {.name = "once"}, {});
  auto refused = [&](const char* state) {
    caf::error err = ref.startup();
    CHECK(err == errc::already_started);
    CHECK_THAT(troupe::text_of(err),
               ContainsSubstring("\"once\"") && ContainsSubstring(state));
    caf::error again = ref.start();
    CHECK(again == errc::already_started);
  };
  CHECK_FALSE(ref.startup());
  refused("running");
  ref.gracefully_stop();
  refused("stopping");
  ref.shutdown();
  refused("stopped");
  CHECK(log.count("on_startup") == 1);
  CHECK(log.count("run") == 1);
}

TEST_CASE("L7 of many startups at once exactly one starts, and nobody hangs") {
  constexpr int threads = 10;
  journal log;
  support::real_system sys;
  for (int round = 0; round < 20; ++round) {
    auto ref = support::spawn(sys, log, {}, {});
    std::latch together{threads};
    std::atomic<int> started = 0;
    std::atomic<int> refused = 0;
    {
      std::vector<std::jthread> callers;
      for (int i = 0; i < threads; ++i)
        callers.emplace_back([&] {
          together.arrive_and_wait();
          caf::error err = ref.startup();
          if (!err)
            ++started;
          else if (err == errc::already_started)
            ++refused;
        });
    }
    CHECK(started == 1);
    CHECK(refused == threads - 1);
    CHECK(ref.shutdown()->ok());
  }
  CHECK(log.count("on_startup") == 20);
}

// -- L8: a failed start ----------------------------------------------------------------

TEST_CASE("L8 when on_startup fails, neither run nor on_shutdown is called") {
  journal log;
  testing_system sys;
  script what;
  std::string text;
  SECTION("at once") {
    what.on_startup = support::throwing(std::runtime_error{"no disk"});
    text = "no disk";
  }
  SECTION("later") {
    what.on_startup = [](scripted& self) -> troupe::task<> {
      static_cast<void>(co_await self.sleep_for(1s));
      throw std::runtime_error("no disk");
    };
    text = "no disk";
  }
  SECTION("with something that is no standard exception") {
    what.on_startup = support::throwing(42);
    text = "unknown type";
  }
  SECTION("before it is a coroutine at all") {
    what.on_startup = [](scripted&) -> troupe::task<> {
      throw std::runtime_error("no disk");
    };
    text = "no disk";
  }
  SECTION("in handlers()") {
    what.handlers = [](scripted&) -> troupe::message_handlers {
      throw std::runtime_error("no disk");
    };
    text = "no disk";
  }
  auto ref = support::spawn(sys, log, {.name = "w"}, what);
  caf::error err = ref.startup();
  CHECK(err == errc::start_failed);
  CHECK_THAT(troupe::text_of(err), ContainsSubstring(text));
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == troupe::outcome_kind::failed);
  CHECK(how->code() == 2);
  CHECK_THAT(troupe::text_of(how->reason()), ContainsSubstring(text));
  CHECK(how->thrown() != nullptr);
  CHECK(ref.state() == worker_state::stopped);
  CHECK_FALSE(log.has("run"));
  CHECK_FALSE(log.has("on_shutdown"));
  CHECK(log.count("after_shutdown") == 1);
}

TEST_CASE("L1 a constructor that waits or asks for the time is told not to") {
  class early : public troupe::worker {
  public:
    explicit early(int what) {
      if (what == 0)
        static_cast<void>(sleep_for(1s));
      else if (what == 1)
        static_cast<void>(now());
      else
        static_cast<void>(self());
    }

    troupe::task<> run() override {
      co_return;
    }
  };
  testing_system sys;
  for (int what : {0, 1, 2})
    CHECK_THROWS_AS(troupe::spawn<early>(sys, {}, what), std::logic_error);
}
