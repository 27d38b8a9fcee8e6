// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/shutdown_all.hpp"

#include "support/real_system.hpp"
#include "support/scripted.hpp"

#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::journal;
using support::lines;
using support::script;
using support::scripted;
using troupe::outcome_kind;
using troupe::worker_phase;
using troupe::worker_state;
using testing_system = troupe::testing::system;

TEST_CASE("L30 shutdown_all stops workers in every state") {
  journal log;
  testing_system sys;
  script slow_start;
  slow_start.on_startup = [](scripted& self) -> troupe::task<> {
    static_cast<void>(co_await self.sleep_for(1h));
  };
  script slow_end;
  slow_end.run = [](scripted& self) -> troupe::task<> {
    co_await self.stop_requested();
    static_cast<void>(co_await self.sleep_for(0s));
    static_cast<void>(co_await self.sleep_for(4s));
  };
  script slow_cleanup;
  slow_cleanup.run = [](scripted&) -> troupe::task<> { co_return; };
  slow_cleanup.on_shutdown = support::sleeping(5s);
  script failing;
  failing.run = support::throwing(42);

  auto init = support::spawn(sys, log, {.name = "init"}, {});
  auto starting = support::spawn(sys, log, {.name = "starting"}, slow_start);
  auto warming = support::spawn(
    sys, log,
    {.name = "warming", .readiness = troupe::readiness::explicit_ready}, {});
  auto running = support::spawn(sys, log, {.name = "running"}, {});
  auto stopping = support::spawn(sys, log, {.name = "stopping"}, slow_end);
  auto cleaning = support::spawn(sys, log, {.name = "cleaning"}, slow_cleanup);
  auto stopped = support::spawn(sys, log, {.name = "stopped"}, {});
  auto failed = support::spawn(sys, log, {.name = "failed"}, failing);
  for (auto* ref :
       {&starting, &warming, &running, &stopping, &cleaning, &stopped, &failed})
    ref->start();
  sys.run();
  stopping.gracefully_stop();
  stopped.shutdown();
  sys.run();
  CHECK(starting.phase() == worker_phase::starting);
  CHECK(warming.phase() == worker_phase::starting);
  CHECK(running.phase() == worker_phase::ready);
  CHECK(stopping.phase() == worker_phase::draining);
  CHECK(cleaning.phase() == worker_phase::cleaning_up);
  CHECK(failed.state() == worker_state::stopped);

  auto begin = sys.now();
  auto report = troupe::shutdown_all(sys, 1h);
  CHECK(report.empty());
  CHECK(sys.now() - begin == 5s);
  CHECK(init.state() == worker_state::init);
  for (auto* ref :
       {&starting, &warming, &running, &stopping, &cleaning, &stopped}) {
    INFO(ref->name());
    CHECK(ref->state() == worker_state::stopped);
    REQUIRE(ref->outcome());
    CHECK(ref->outcome()->ok());
  }
  CHECK(failed.outcome()->kind() == outcome_kind::failed);
  CHECK(log.count("on_shutdown") == 7);
  // What is left can still be started, and a second time finds nothing to do.
  CHECK(troupe::shutdown_all(sys, 1h).empty());
  CHECK_FALSE(init.startup());
  init.shutdown();
}

TEST_CASE("L30 shutdown_all forces what is left when a quarter of the time is, "
          "and names it") {
  journal log;
  testing_system sys;
  script what;
  what.run = [](scripted& self) -> troupe::task<> {
    auto token = self.hold();
    for (;;)
      static_cast<void>(co_await self.sleep_for(1h));
  };
  auto mule = support::spawn(sys, log,
                             {.name = "mule", .stopping_grace_period = 1h},
                             what);
  auto never = support::spawn(
    sys, log, {.name = "never", .stopping_grace_period = troupe::infinite},
    what);
  auto quick = support::spawn(sys, log,
                              {.name = "quick", .stopping_grace_period = 2s},
                              what);
  auto good = support::spawn(sys, log, {.name = "good"}, {});
  for (auto* ref : {&mule, &never, &quick, &good})
    ref->startup();
  auto begin = sys.now();
  auto report = troupe::shutdown_all(sys, 8s);
  CHECK(sys.now() - begin == 6s);
  CHECK(mule.outcome()->kind() == outcome_kind::forced);
  CHECK(mule.outcome()->duration() == 6s);
  CHECK(never.outcome()->kind() == outcome_kind::forced);
  CHECK(quick.outcome()->duration() == 2s);
  CHECK(good.outcome()->ok());
  std::vector<std::string> paths;
  for (auto& x : report)
    paths.push_back(x.path);
  std::sort(paths.begin(), paths.end());
  CHECK(paths == std::vector<std::string>{"/mule", "/never", "/quick"});
}

TEST_CASE("L30 shutdown_all cuts a stop short that is under way") {
  journal log;
  testing_system sys;
  script what;
  SECTION("in run") {
    what.run = support::stubborn();
  }
  SECTION("in on_startup") {
    what.on_startup = support::stubborn();
  }
  SECTION("in on_shutdown") {
    what.on_shutdown = support::stubborn();
  }
  SECTION("in on_shutdown, after an end by itself") {
    what.run = [](scripted&) -> troupe::task<> { co_return; };
    what.on_shutdown = support::stubborn();
  }
  auto ref = support::spawn(sys, log,
                            {.name = "mule", .stopping_grace_period = 1h},
                            what);
  ref.start();
  sys.run();
  ref.gracefully_stop();
  sys.advance(1s);
  auto begin = sys.now();
  auto report = troupe::shutdown_all(sys, 8s);
  CHECK(sys.now() - begin == 6s);
  REQUIRE(ref.outcome());
  CHECK(ref.outcome()->kind() == outcome_kind::forced);
  REQUIRE(report.size() == 1);
  CHECK(report[0].path == "/mule");
  CHECK(report[0].elapsed == 7s);
}

TEST_CASE("L30 shutdown_all returns at its deadline and says who is left") {
  journal log;
  testing_system sys;
  script what;
  what.run = support::stubborn();
  what.on_shutdown = support::stubborn();
  auto ref = support::spawn(
    sys, log,
    {.name = "mule", .stopping_grace_period = 1h, .cleanup_period = 10s}, what);
  ref.startup();
  auto begin = sys.now();
  auto report = troupe::shutdown_all(sys, 8s);
  CHECK(sys.now() - begin == 8s);
  REQUIRE(report.size() == 1);
  CHECK(report[0].path == "/mule");
  CHECK(report[0].state == worker_state::stopping);
  CHECK(report[0].phase == worker_phase::cleaning_up);
  CHECK(report[0].elapsed == 8s);
  CHECK_THAT(to_string(report[0]),
             ContainsSubstring("/mule") && ContainsSubstring("cleaning_up"));
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::forced);
}

TEST_CASE("L30 shutdown_all takes any deadline") {
  journal log;
  testing_system sys;
  script what;
  what.run = support::stubborn();
  auto ref = support::spawn(sys, log, {.name = "mule"}, what);
  ref.startup();
  auto begin = sys.now();
  SECTION("infinite") {
    CHECK(troupe::shutdown_all(sys, troupe::infinite).size() == 1);
    CHECK(sys.now() - begin == 10s);
  }
  SECTION("zero") {
    CHECK(troupe::shutdown_all(sys, 0s).size() == 1);
    CHECK(sys.now() == begin);
  }
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::forced);
  CHECK(sys.now() - begin <= 10s);
}

TEST_CASE("L30 shutdown_all refuses a negative deadline and stops nobody") {
  journal log;
  testing_system sys;
  script what;
  what.run = support::stubborn();
  auto ref = support::spawn(sys, log, {.name = "mule"}, what);
  ref.startup();
  CHECK_THROWS_AS(troupe::shutdown_all(sys, -5s), std::invalid_argument);
  CHECK(ref.state() == worker_state::running);
  ref.force_stop();
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::forced);
}

TEST_CASE("L30 shutdown_all finds workers whose handles are gone, with real "
          "threads as well") {
  constexpr std::size_t count = 100;
  journal log;
  support::real_system sys;
  for (std::size_t i = 0; i < count; ++i)
    support::spawn(sys, log, {}, {}).start();
  CHECK(troupe::shutdown_all(sys, 1h).empty());
  CHECK(log.count("after_shutdown") == count);
}

TEST_CASE("L30 shutdown_all does not name those who were over before") {
  journal log;
  testing_system sys;
  script what;
  what.run = support::stubborn();
  auto ref = support::spawn(sys, log, {.name = "mule"}, what);
  ref.startup();
  ref.force_stop();
  ref.wait_for_shutdown();
  CHECK(troupe::shutdown_all(sys, 1s).empty());
}
