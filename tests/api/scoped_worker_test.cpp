// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/scoped_worker.hpp"

#include "support/real_system.hpp"
#include "support/scripted.hpp"

#include "troupe/queue_consumer.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::journal;
using support::lines;
using support::script;
using support::scripted;
using troupe::errc;
using troupe::outcome_kind;
using troupe::worker_state;
using scoped = troupe::scoped_worker<scripted>;
using testing_system = troupe::testing::system;

namespace {

struct oddity {
  int value;
};

class summer : public troupe::queue_consumer<int32_t> {
public:
  explicit summer(std::unique_ptr<int> start) : sum(*start) {
    // nop
  }

  troupe::task<> run() override {
    while (auto x = co_await get_message())
      sum += *x;
  }

  int sum;
};

class idle : public troupe::worker {
public:
  troupe::task<> run() override {
    co_await stop_requested();
  }
};

class unborn : public troupe::worker {
public:
  explicit unborn(int) {
    throw oddity{3};
  }

  troupe::task<> run() override {
    co_return;
  }
};

} // namespace

TEST_CASE(
  "L25 entering the scope starts the worker, leaving it shuts it down") {
  journal log;
  testing_system sys;
  support::scripted_ref ref;
  {
    scoped worker{sys, {.name = "inner"}, log, script{}};
    ref = worker.ref();
    CHECK(worker.state() == worker_state::running);
    CHECK(worker->name() == "inner");
    CHECK(log.lines() == lines{"on_startup", "run"});
  }
  CHECK(ref.state() == worker_state::stopped);
  CHECK(ref.outcome()->ok());
  CHECK(log.lines()
        == lines{"on_startup", "run", "on_shutdown", "after_shutdown"});
}

TEST_CASE("L25 without options it takes a system and nothing else") {
  testing_system sys;
  troupe::scoped_worker<idle> worker{sys};
  CHECK(worker.state() == worker_state::running);
  CHECK(worker.shutdown().ok());
}

TEST_CASE("L25 what was queued is finished, and the worker can be read") {
  support::real_system sys;
  // Many times, since the end of the input may come before run() has begun.
  for (int round = 0; round < 200; ++round) {
    troupe::scoped_worker<summer> worker{sys, {}, std::make_unique<int>(1000)};
    for (int32_t i = 1; i <= 10; ++i)
      CHECK(worker.send(i));
    worker.drain();
    CHECK_FALSE(worker.send(1));
    auto done = worker.shutdown();
    CHECK(done.ok());
    REQUIRE(done.has_worker());
    CHECK(done.worker().sum == 1055);
    CHECK(worker.queue_size() == 0);
    // Idempotent.
    CHECK(worker.shutdown().ok());
    CHECK(worker.shutdown().worker().sum == 1055);
  }
}

TEST_CASE("L25 the result outlives the scope") {
  testing_system sys;
  auto done = [&] {
    troupe::scoped_worker<summer> worker{sys, {}, std::make_unique<int>(7)};
    return worker.shutdown();
  }();
  CHECK(done.worker().sum == 7);
}

TEST_CASE("L25 a worker that does not start throws, with the cause") {
  journal log;
  testing_system sys;
  script what;
  SECTION("on_startup throws") {
    what.on_startup = support::throwing(std::runtime_error{"no disk"});
    try {
      scoped worker{sys, {.name = "w"}, log, what};
      FAIL("it started");
    } catch (const troupe::start_error& x) {
      CHECK(x.cause() == errc::start_failed);
      CHECK_THAT(x.what(),
                 ContainsSubstring("no disk") && ContainsSubstring("\"w\""));
      CHECK_THROWS_AS(std::rethrow_exception(x.thrown()), std::runtime_error);
    }
    CHECK(log.lines().back() == "destroyed");
  }
  SECTION("it is too late") {
    what.on_startup = support::stubborn();
    CHECK_THROWS_AS((scoped{sys, {.start_timeout = 1s}, log, what}),
                    troupe::start_error);
    CHECK(log.has("frame destroyed"));
  }
  SECTION("its run ends before it is ready") {
    what.run = support::throwing(oddity{5});
    try {
      scoped worker{
        sys, {.readiness = troupe::readiness::explicit_ready}, log, what};
      FAIL("it started");
    } catch (const troupe::start_error& x) {
      CHECK_THROWS_AS(std::rethrow_exception(x.thrown()), oddity);
    }
  }
  SECTION("its constructor throws") {
    CHECK_THROWS_AS((troupe::scoped_worker<unborn>{sys, {}, 1}), oddity);
  }
  SECTION("its options are wrong") {
    CHECK_THROWS_AS((scoped{sys, {.start_timeout = -1s}, log, what}),
                    std::invalid_argument);
  }
}

TEST_CASE("L25 an exception in the scope shuts the worker down and goes on") {
  journal log;
  testing_system sys;
  auto scene = [&] {
    scoped worker{sys, {}, log, script{}};
    throw oddity{1};
  };
  CHECK_THROWS_AS(scene(), oddity);
  CHECK(log.lines()
        == lines{"on_startup", "run", "on_shutdown", "after_shutdown",
                 "destroyed"});
}

TEST_CASE("L25 the destructor forces what does not stop, and never throws") {
  journal log;
  testing_system sys;
  script what;
  what.run = support::stubborn();
  what.on_shutdown = support::throwing(42);
  auto begin = sys.now();
  {
    scoped worker{sys, {.stopping_grace_period = 3s}, log, what};
  }
  CHECK(sys.now() - begin == 3s);
  CHECK(log.lines()
        == lines{"on_startup", "run", "frame destroyed", "on_shutdown",
                 "after_shutdown", "destroyed"});
}

TEST_CASE("L26 a worker that failed in the scope says so, and rethrow throws "
          "the original exception") {
  journal log;
  testing_system sys;
  script what;
  what.run = [](scripted& self) -> troupe::task<> {
    static_cast<void>(co_await self.sleep_for(1s));
    throw oddity{11};
  };
  scoped worker{sys, {}, log, what};
  sys.advance(2s);
  CHECK(worker.state() == worker_state::stopped);
  auto done = worker.shutdown();
  CHECK(done.kind() == outcome_kind::failed);
  CHECK(done.has_worker());
  try {
    done.rethrow();
    FAIL("nothing was thrown");
  } catch (const oddity& x) {
    CHECK(x.value == 11);
  }
}

TEST_CASE("L26 rethrow throws nothing after a normal end, and a text after a "
          "force") {
  journal log;
  testing_system sys;
  {
    scoped worker{sys, {}, log, script{}};
    CHECK_NOTHROW(worker.shutdown().rethrow());
  }
  script what;
  what.run = support::stubborn();
  scoped worker{sys, {.name = "mule"}, log, what};
  auto done = worker.shutdown();
  CHECK(done.kind() == outcome_kind::forced);
  CHECK_THROWS_WITH(done.rethrow(), ContainsSubstring("\"mule\""));
}
