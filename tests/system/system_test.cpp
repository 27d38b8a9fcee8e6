// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Workers and the actor system as a whole: going down, settings.

#include "troupe/config.hpp"

#include "support/leaks.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"

#include "troupe/testing.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_registry.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <caf/settings.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cstdlib>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using support::journal;
using support::lines;
using support::script;
using support::scripted;
using troupe::errc;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

/// Sets an environment variable for the length of a scope.
class environment {
public:
  environment(const char* name, const char* value) : name_(name) {
    ::setenv(name, value, 1);
  }

  environment(const environment&) = delete;

  environment& operator=(const environment&) = delete;

  ~environment() {
    ::unsetenv(name_);
  }

private:
  const char* name_;
};

/// How long a worker that ignores its stop takes to end, with its on_shutdown.
struct limits {
  troupe::timespan grace{};
  troupe::timespan cleanup{};
};

limits measure(caf::actor_system_config& config,
               troupe::worker_options options = {}) {
  journal log;
  testing_system sys{config};
  troupe::time_point cleaning;
  script what;
  what.run = support::stubborn();
  what.on_shutdown = [&](scripted& self) -> troupe::task<> {
    cleaning = self.now();
    for (;;)
      static_cast<void>(co_await self.sleep_for(1h));
  };
  auto ref = support::spawn(sys, log, std::move(options), what);
  ref.startup();
  auto begin = sys.now();
  ref.shutdown();
  return {cleaning - begin, sys.now() - cleaning};
}

} // namespace

// -- L30: the system goes down ------------------------------------------------------

TEST_CASE("L30 workers in init never keep the actor system waiting") {
  journal log;
  std::vector<support::scripted_ref> refs;
  auto make = [&](caf::actor_system& sys) {
    for (int i = 0; i < 3; ++i)
      refs.push_back(support::spawn(sys, log, {}, {}));
  };
  SECTION("real time") {
    support::real_system sys;
    make(sys);
  }
  SECTION("virtual time") {
    testing_system sys;
    make(sys);
  }
  for (auto& ref : refs)
    CHECK(ref.startup() == errc::system_gone);
  CHECK(log.lines().empty());
  refs.clear();
  CHECK(log.lines() == lines{"destroyed", "destroyed", "destroyed"});
}

TEST_CASE("L30 an unstarted worker that only the actor system knows does not "
          "keep it from going") {
  journal log;
  support::scripted_ref kept;
  auto leave_in = [&](caf::actor_system& sys) {
    auto ref = support::spawn(sys, log, {}, {});
    auto actor = caf::actor_cast<caf::strong_actor_ptr>(ref.actor());
    // As CAF does for each actor that another node gets to know.
    SECTION("under its number") {
      sys.registry().put(ref.actor().id(), actor);
    }
    SECTION("under a name") {
      sys.registry().put("somebody", actor);
    }
    SECTION("under its number, and it was ended") {
      sys.registry().put(ref.actor().id(), actor);
      caf::anon_send_exit(ref.actor(), caf::exit_reason::user_shutdown);
    }
    SECTION("under its number, and somebody has a handle") {
      sys.registry().put(ref.actor().id(), actor);
      kept = ref;
    }
    SECTION("in the object of another one") {
      script what;
      what.run = [ref](scripted&) -> troupe::task<> { co_return; };
      auto outer = support::spawn(sys, log, {}, what);
      sys.registry().put(ref.actor().id(), actor);
      sys.registry().put(outer.actor().id(),
                         caf::actor_cast<caf::strong_actor_ptr>(outer.actor()));
    }
  };
  SECTION("real time") {
    support::real_system sys;
    leave_in(sys);
  }
  SECTION("virtual time") {
    testing_system sys;
    leave_in(sys);
  }
  kept = {};
  CHECK_FALSE(log.lines().empty());
  for (const auto& line : log.lines())
    CHECK(line == "destroyed");
}

TEST_CASE("L30 workers that run do keep it waiting") {
  journal log;
  {
    support::real_system sys;
    script what;
    what.run = [](scripted& self) -> troupe::task<> {
      static_cast<void>(co_await self.sleep_for(20ms));
      self.log().note("worked");
    };
    what.on_shutdown = [](scripted& self) -> troupe::task<> {
      static_cast<void>(co_await self.sleep_for(20ms));
      self.log().note("cleaned up");
    };
    support::spawn(sys, log, {}, what).startup();
  }
  log.note("system gone");
  CHECK(log.lines()
        == lines{"on_startup", "run", "worked", "on_shutdown", "cleaned up",
                 "after_shutdown", "destroyed", "system gone"});
}

TEST_CASE(
  "L30 a start in the instant in which the system goes down leaves nobody "
  "waiting") {
  for (int round = 0; round < 50; ++round) {
    // A worker that loses this race is left where it stands, on purpose.
    support::leaks_allowed here;
    journal log;
    script what;
    what.run = [](scripted&) -> troupe::task<> { co_return; };
    auto sys = std::make_unique<support::real_system>();
    auto ref = support::spawn(*sys, log, {}, what);
    // The system goes where it was made: CAF's logger insists on it.
    std::latch together{2};
    caf::error err;
    std::jthread other{[&] {
      together.arrive_and_wait();
      for (int i = 0; i < round * 20; ++i)
        std::this_thread::yield();
      err = ref.start();
    }};
    together.arrive_and_wait();
    sys.reset();
    other.join();
    if (err) {
      CHECK(err == errc::system_gone);
      CHECK(log.lines().empty());
    } else {
      // Nobody who waits for it is left waiting. CAF 0.18 leaves the actor
      // where it stands, CAF 1.x takes it down.
      auto how = ref.wait_for_shutdown();
      REQUIRE(how);
      CAPTURE(to_string(*how));
      CHECK(
        (how->ok() || how->abandoned() || how->reason() == errc::system_gone));
      CHECK(is_final(ref.state()));
    }
  }
}

TEST_CASE("L30 a program that uses no worker pays for none") {
  testing_system sys;
  CHECK(sys.run() == 0);
}

// -- L3: settings ---------------------------------------------------------------------

TEST_CASE("L3 settings of the configuration are the defaults of options") {
  troupe::config config;
  config.set("troupe.stopping-grace-period", troupe::timespan{3s});
  config.set("troupe.cleanup-period", troupe::timespan{2s});
  auto plain = measure(config);
  CHECK(plain.grace == 3s);
  CHECK(plain.cleanup == 2s);
  auto given = measure(config,
                       {.stopping_grace_period = 7s, .cleanup_period = 4s});
  CHECK(given.grace == 7s);
  CHECK(given.cleanup == 4s);
}

TEST_CASE("L3 a configuration that knows nothing of troupe will do") {
  caf::actor_system_config config;
  CHECK(measure(config).grace == 10s);
  caf::actor_system_config other;
  // What a configuration file leaves behind.
  caf::put(other.content, "troupe.stopping-grace-period", "3s");
  CHECK(measure(other).grace == 3s);
}

TEST_CASE("L3 settings come from the command line") {
  std::string program = "test";
  std::string option = "--troupe.stopping-grace-period=1500ms";
  char* argv[] = {program.data(), option.data(), nullptr};
  troupe::config config;
  REQUIRE_FALSE(config.parse(2, argv));
  CHECK(measure(config).grace == 1500ms);
}

TEST_CASE("L3 settings come from the environment") {
  environment grace{"TROUPE_STOPPING_GRACE_PERIOD", "4s"};
  environment cleanup{"TROUPE_CLEANUP_PERIOD", "1500ms"};
  caf::actor_system_config config;
  auto plain = measure(config);
  CHECK(plain.grace == 4s);
  CHECK(plain.cleanup == 1500ms);
  CHECK(measure(config, {.stopping_grace_period = 7s}).grace == 7s);
}

TEST_CASE("L3 a setting that is a plain number is in seconds") {
  caf::actor_system_config config;
  for (auto [text, grace] :
       std::vector<std::pair<const char*, troupe::timespan>>{
         {"3", 3s}, {"0.5", 500ms}, {"0", 0s}}) {
    CAPTURE(text);
    environment variable{"TROUPE_STOPPING_GRACE_PERIOD", text};
    CHECK(measure(config).grace == grace);
  }
  caf::put(config.content, "troupe.stopping-grace-period", int64_t{2});
  CHECK(measure(config).grace == 2s);
}

TEST_CASE("L3 the environment is read once for each actor system") {
  journal log;
  script what;
  what.run = support::stubborn();
  auto grace_of = [&](testing_system& sys) {
    auto ref = support::spawn(sys, log, {}, what);
    ref.startup();
    const auto begin = sys.now();
    ref.shutdown();
    return sys.now() - begin;
  };
  testing_system sys;
  {
    environment grace{"TROUPE_STOPPING_GRACE_PERIOD", "4s"};
    CHECK(grace_of(sys) == 4s);
  }
  CHECK(grace_of(sys) == 4s);
  environment later{"TROUPE_STOPPING_GRACE_PERIOD", "6s"};
  CHECK(grace_of(sys) == 4s);
  testing_system other;
  CHECK(grace_of(other) == 6s);
}

TEST_CASE("L3 a setting that is no duration is an error that names it") {
  auto spawn_with = [](caf::actor_system_config& config) {
    journal log;
    testing_system sys{config};
    static_cast<void>(support::spawn(sys, log, {}, {}));
  };
  SECTION("in the environment") {
    caf::actor_system_config config;
    for (auto* value : {"-3s", "-3", "soon", "3 s", ""}) {
      CAPTURE(value);
      environment grace{"TROUPE_STOPPING_GRACE_PERIOD", value};
      CHECK_THROWS_MATCHES(
        spawn_with(config), std::invalid_argument,
        MessageMatches(ContainsSubstring("TROUPE_STOPPING_GRACE_PERIOD")));
    }
  }
  SECTION("in the configuration") {
    for (auto* value : {"-3s", "soon"}) {
      CAPTURE(value);
      caf::actor_system_config config;
      caf::put(config.content, "troupe.cleanup-period", std::string{value});
      CHECK_THROWS_MATCHES(spawn_with(config), std::invalid_argument,
                           MessageMatches(
                             ContainsSubstring("troupe.cleanup-period")));
    }
  }
}

TEST_CASE("A6 a number of threads that is none is an error that names it") {
  auto spawn_with = [](caf::actor_system_config& config) {
    journal log;
    testing_system sys{config};
    static_cast<void>(support::spawn(sys, log, {}, {}));
  };
  SECTION("in the environment") {
    caf::actor_system_config config;
    for (auto* value : {"0", "-1", "many", "1.5", "2s", ""}) {
      CAPTURE(value);
      environment threads{"TROUPE_OFFLOAD_THREADS", value};
      CHECK_THROWS_MATCHES(spawn_with(config), std::invalid_argument,
                           MessageMatches(
                             ContainsSubstring("TROUPE_OFFLOAD_THREADS")));
    }
    environment threads{"TROUPE_OFFLOAD_THREADS", "3"};
    CHECK_NOTHROW(spawn_with(config));
  }
  SECTION("in the configuration") {
    for (auto* value : {"0", "-1", "many"}) {
      CAPTURE(value);
      caf::actor_system_config config;
      caf::put(config.content, "troupe.offload-threads", std::string{value});
      CHECK_THROWS_MATCHES(spawn_with(config), std::invalid_argument,
                           MessageMatches(
                             ContainsSubstring("troupe.offload-threads")));
    }
  }
  SECTION("on the command line") {
    std::string program = "test";
    std::string option = "--troupe.offload-threads=3";
    char* argv[] = {program.data(), option.data(), nullptr};
    troupe::config config;
    REQUIRE_FALSE(config.parse(2, argv));
    CHECK_NOTHROW(spawn_with(config));
  }
}

TEST_CASE("L40 a place for complaints that is none is an error that names it") {
  auto spawn_with = [](caf::actor_system_config& config) {
    journal log;
    testing_system sys{config};
    static_cast<void>(support::spawn(sys, log, {}, {}));
  };
  caf::actor_system_config config;
  for (auto* value : {"stderr", "none"}) {
    environment where{"TROUPE_COMPLAIN", value};
    CHECK_NOTHROW(spawn_with(config));
  }
  environment where{"TROUPE_COMPLAIN", "aloud"};
  CHECK_THROWS_MATCHES(spawn_with(config), std::invalid_argument,
                       MessageMatches(ContainsSubstring(
                         "TROUPE_COMPLAIN is \"aloud\", which is "
                         "not stderr or none")));
}
