// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/sleep.hpp"

#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "troupe/call_later.hpp"
#include "troupe/event.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include "system/find_pump.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::scene;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

/// How a sleep ended, and when, counted from the start of the system.
struct ending {
  bool passed;
  troupe::timespan at;

  friend bool operator==(const ending&, const ending&) = default;
};

std::size_t pending_timers(testing_system& sys) {
  return troupe::testing::find_pump(sys)->clock().pending();
}

} // namespace

TEST_CASE("A1 a sleep gives true when its time has passed") {
  testing_system sys;
  auto begin = sys.now();
  std::vector<ending> got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto first = co_await w.sleep_for(10min);
    got.push_back({first, w.now() - begin});
    auto second = co_await w.sleep_until(begin + 1h);
    got.push_back({second, w.now() - begin});
  });
  ref.startup();
  ref.wait_for_shutdown();
  CHECK(got == std::vector<ending>{{true, 10min}, {true, 1h}});
}

TEST_CASE("A1 a sleep of no or negative length gives true, and is a pause") {
  testing_system sys;
  auto begin = sys.now();
  std::vector<bool> got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    got.push_back(co_await w.sleep_for(0s));
    got.push_back(co_await w.sleep_for(-5s));
    got.push_back(co_await w.sleep_until(begin - 1h));
    got.push_back(co_await w.sleep_until(troupe::time_point::min()));
  });
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == std::vector<bool>{true, true, true, true});
  CHECK(sys.now() == begin);
}

TEST_CASE("A1 a sleep of no length arms no timer") {
  testing_system sys;
  auto begin = sys.now();
  std::vector<std::size_t> armed;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto look = [&]() -> task<> {
      armed.push_back(pending_timers(sys));
      co_return;
    };
    auto first = w.when_all(w.sleep_for(0s), look());
    co_await std::move(first);
    auto second = w.when_all(w.sleep_for(-1h), look());
    co_await std::move(second);
    auto third = w.when_all(w.sleep_until(begin), look());
    co_await std::move(third);
  });
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(armed == std::vector<std::size_t>{0, 0, 0});
}

TEST_CASE(
  "A1 a loop of sleeps of no length lets others run and sees the stop") {
  std::latch begun{1};
  support::real_system sys{1};
  std::vector<bool> got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    begun.count_down();
    auto passed = true;
    while (passed)
      passed = co_await w.sleep_for(0s);
    for (int i = 0; i < 3; ++i)
      got.push_back(co_await w.sleep_for(0s));
  });
  ref.startup();
  begun.wait();
  // The only thread of the scheduler is shared with this one.
  auto other = troupe::spawn<scene>(sys, {},
                                    [](scene&) -> task<> { co_return; });
  other.startup();
  CHECK(other.wait_for_shutdown()->ok());
  CHECK(ref.shutdown()->ok());
  CHECK(got == std::vector<bool>{true, true, true});
}

TEST_CASE("A1 a stop reaches a sleep of no length beside a long one") {
  testing_system sys;
  std::optional<std::tuple<bool, bool>> got;
  troupe::worker_ref<scene> ref;
  ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto loop = [&]() -> task<bool> {
      for (int i = 0; i < 1000; ++i) {
        if (i == 500)
          ref.gracefully_stop();
        auto passed = co_await w.sleep_for(0s);
        if (!passed)
          co_return true;
      }
      co_return false;
    };
    got = co_await w.when_all(w.sleep_for(1h), loop());
  });
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == std::tuple{false, true});
}

TEST_CASE(
  "A1 a worker that ignores the stop in sleeps of no length is forced") {
  support::real_system sys{1};
  auto ref = troupe::spawn<scene>(
    sys, {.stopping_grace_period = 5ms, .force_period = troupe::infinite},
    [](scene& w) -> task<> {
      for (;;)
        static_cast<void>(co_await w.sleep_for(0s));
    });
  ref.startup();
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(how->kind() == troupe::outcome_kind::forced);
  CHECK_FALSE(how->abandoned());
}

TEST_CASE("A1 a stop wakes the sleep in progress once") {
  testing_system sys;
  auto begin = sys.now();
  std::vector<ending> got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    for (auto length : {1h, 1h}) {
      static_cast<void>(length);
      auto passed = co_await w.sleep_for(5s);
      got.push_back({passed, w.now() - begin});
    }
  });
  ref.startup();
  sys.advance(2s);
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == std::vector<ending>{{false, 2s}, {true, 7s}});
}

TEST_CASE("A1 a stop wakes the first sleep that begins after it, once") {
  testing_system sys;
  auto begin = sys.now();
  std::vector<ending> got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    co_await w.stop_requested();
    for (int i = 0; i < 3; ++i) {
      auto passed = co_await w.sleep_for(1s);
      got.push_back({passed, w.now() - begin});
    }
  });
  ref.startup();
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == std::vector<ending>{{false, 0s}, {true, 1s}, {true, 2s}});
}

TEST_CASE("A1 a second stop wakes no second sleep") {
  testing_system sys;
  std::vector<bool> got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    got.push_back(co_await w.sleep_for(1h));
    got.push_back(co_await w.sleep_for(5s));
  });
  ref.startup();
  ref.gracefully_stop();
  sys.advance(1s);
  ref.gracefully_stop();
  CHECK(ref.shutdown()->ok());
  CHECK(got == std::vector<bool>{false, true});
}

TEST_CASE("A1 a stop wakes a sleep without end") {
  testing_system sys;
  std::vector<bool> got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    got.push_back(co_await w.sleep_for(troupe::infinite));
    got.push_back(co_await w.sleep_for(1s));
  });
  ref.startup();
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == std::vector<bool>{false, true});
}

TEST_CASE("A1 a stop wakes all sleeps of a worker that are in progress") {
  testing_system sys;
  auto begin = sys.now();
  std::optional<std::tuple<bool, bool>> got;
  troupe::timespan took{};
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    got = co_await w.when_all(w.sleep_for(1h), w.sleep_for(2h));
    took = w.now() - begin;
  });
  ref.startup();
  sys.advance(3s);
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == std::tuple{false, false});
  CHECK(took == 3s);
}

TEST_CASE("A1 a stop in the instant in which a sleep ends wakes exactly one") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    testing_system sys{{.seed = seed}};
    std::vector<bool> got;
    auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
      for (int i = 0; i < 3; ++i)
        got.push_back(co_await w.sleep_for(3s));
    });
    if (seed % 2 == 0)
      troupe::call_later(sys, 3s, [ref] { ref.gracefully_stop(); });
    ref.startup();
    if (seed % 2 != 0)
      troupe::call_later(sys, 3s, [ref] { ref.gracefully_stop(); });
    CHECK(ref.wait_for_shutdown()->ok());
    REQUIRE(got.size() == 3);
    CHECK(std::count(got.begin(), got.end(), false) == 1);
    CHECK(got[2]);
  }
}

TEST_CASE(
  "A1 a worker that ignores the stop does not spin until it is forced") {
  testing_system sys;
  int rounds = 0;
  auto ref = troupe::spawn<scene>(sys, {.stopping_grace_period = 10s},
                                  [&](scene& w) -> task<> {
                                    for (;;) {
                                      ++rounds;
                                      co_await w.sleep_for(1s);
                                    }
                                  });
  ref.startup();
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(how->kind() == troupe::outcome_kind::forced);
  CHECK(rounds >= 10);
  CHECK(rounds <= 12);
}

TEST_CASE("A1 sleeps in on_shutdown() are ordinary") {
  testing_system sys;
  std::vector<bool> got;
  auto ref = troupe::spawn<scene>(
    sys, {}, [](scene& w) -> task<> { co_await w.stop_requested(); },
    [&](scene& w) -> task<> { got.push_back(co_await w.sleep_for(1s)); });
  ref.startup();
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(how->ok());
  CHECK(got == std::vector<bool>{true});
}

TEST_CASE("A1 a force destroys a sleep and takes its timer back") {
  testing_system sys;
  auto before = pending_timers(sys);
  bool resumed = false;
  bool destroyed = false;
  struct guard {
    bool& flag;
    ~guard() {
      flag = true;
    }
  };
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    guard g{destroyed};
    co_await w.sleep_for(1h);
    resumed = true;
  });
  ref.startup();
  sys.run();
  CHECK(pending_timers(sys) > before);
  ref.force_stop();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == troupe::outcome_kind::forced);
  CHECK(destroyed);
  CHECK_FALSE(resumed);
  CHECK(pending_timers(sys) == before);
}

TEST_CASE("A1 a stop that wakes a sleep takes its timer back") {
  testing_system sys;
  auto before = pending_timers(sys);
  std::size_t while_waiting = 0;
  auto ref = troupe::spawn<scene>(sys,
                                  {.stopping_grace_period = troupe::infinite},
                                  [&](scene& w) -> task<> {
                                    co_await w.sleep_for(1h);
                                    while_waiting = pending_timers(sys);
                                  });
  ref.startup();
  sys.run();
  CHECK(pending_timers(sys) == before + 1);
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(while_waiting == before);
}

// -- stop_requested ------------------------------------------------------------

TEST_CASE("A3 stop_requested() returns when a stop is asked for") {
  testing_system sys;
  auto begin = sys.now();
  std::optional<troupe::timespan> at;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    co_await w.stop_requested();
    at = w.now() - begin;
  });
  ref.startup();
  sys.advance(42s);
  CHECK_FALSE(at);
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(at == 42s);
}

TEST_CASE("A3 stop_requested() returns at once, each time, after a stop") {
  testing_system sys;
  int passed = 0;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    for (int i = 0; i < 3; ++i) {
      co_await w.stop_requested();
      ++passed;
    }
  });
  ref.startup();
  ref.gracefully_stop();
  auto begin = sys.now();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(passed == 3);
  CHECK(sys.now() == begin);
}

TEST_CASE("A3 a force destroys the wait for a stop, nothing resumes") {
  testing_system sys;
  bool resumed = false;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    co_await w.stop_requested();
    resumed = true;
  });
  ref.startup();
  ref.force_stop();
  CHECK(ref.wait_for_shutdown()->kind() == troupe::outcome_kind::forced);
  CHECK_FALSE(resumed);
}
