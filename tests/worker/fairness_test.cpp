// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Busy workers and others that wait for a thread. The tests count the steps of
// the busy worker before another one has its turn; they measure no time.

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "troupe/event.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include "rules/fair_share.hpp"
#include "system/find_pump.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <latch>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

using support::scene;
using troupe::task;
using troupe::rules::turn_length;
using testing_system = troupe::testing::system;

namespace {

/// Takes as long as a turn.
void toil() {
  const auto end = std::chrono::steady_clock::now() + turn_length;
  while (std::chrono::steady_clock::now() < end) {
    // nop
  }
}

/// Counts what somebody does, and how much of it before another worker runs,
/// which is started on the way.
class race {
public:
  explicit race(caf::actor_system& sys)
    : other_(
        troupe::spawn<scene>(sys, {.name = "other"}, [this](scene&) -> task<> {
          reached_ = done_.load();
          has_turn_.count_down();
          co_return;
        })) {
    // nop
  }

  void step() {
    if (++done_ == begin)
      other_.start();
  }

  /// Whether the other one has had its turn.
  [[nodiscard]] bool over() const {
    return has_turn_.try_wait();
  }

  /// How many steps were begun between the start of the other one and its turn.
  [[nodiscard]] int lead() const {
    has_turn_.wait();
    return reached_ - begin;
  }

  static constexpr int begin = 10;

private:
  std::atomic<int> done_ = 0;
  std::atomic<int> reached_ = 0;
  std::latch has_turn_{1};
  troupe::worker_ref<scene> other_;
};

/// The most steps in a turn: the first look at the clock is after the second
/// one.
constexpr int most_in_a_turn = 4;

constexpr int many = 200;

/// Answers numbers, and takes its time for each.
class clerk : public troupe::worker {
public:
  explicit clerk(std::function<void()> work) : work_(std::move(work)) {
    // nop
  }

  troupe::message_handlers handlers() override {
    return {[this](std::int32_t) { work_(); }};
  }

  task<> run() override {
    co_await stop_requested();
  }

private:
  std::function<void()> work_;
};

} // namespace

TEST_CASE("L35 a full queue leaves its thread when its time is over") {
  support::real_system sys{1};
  race both{sys};
  auto busy = troupe::spawn<troupe::queue_worker<int>>(sys, {}, [&](int) {
    both.step();
    toil();
  });
  for (int i = 0; i < many; ++i)
    busy.send(i);
  busy.start();
  CHECK(both.lead() <= most_in_a_turn);
  busy.shutdown();
}

TEST_CASE("L35 so do messages to handlers") {
  support::real_system sys{1};
  race both{sys};
  auto watchdog = GENERATE(troupe::timespan{troupe::infinite},
                           troupe::timespan{1h});
  auto busy = troupe::spawn<clerk>(sys, {.watchdog = watchdog}, [&] {
    both.step();
    toil();
  });
  for (int i = 0; i < many; ++i)
    support::tell(busy.actor(), std::int32_t{i});
  busy.start();
  CHECK(both.lead() <= most_in_a_turn);
  busy.shutdown();
}

TEST_CASE("L35 so do coroutines that yield") {
  support::real_system sys{1};
  race both{sys};
  auto sleeps = GENERATE(false, true);
  auto busy = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    for (int i = 0; i < many && w.is_running(); ++i) {
      both.step();
      toil();
      if (sleeps)
        static_cast<void>(co_await w.sleep_for(0s));
      else
        co_await w.yield();
    }
  });
  busy.start();
  CHECK(both.lead() <= most_in_a_turn);
  busy.shutdown();
}

TEST_CASE("L35 so do many coroutines of one worker") {
  support::real_system sys{1};
  race both{sys};
  auto busy = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    troupe::event go;
    auto part = [&]() -> task<> {
      co_await go;
      both.step();
      toil();
    };
    std::vector<task<>> parts;
    for (int i = 0; i < many; ++i)
      parts.push_back(part());
    auto all = w.when_all(std::move(parts));
    auto open = [&]() -> task<> {
      go.set();
      co_return;
    };
    auto both_of_them = w.when_all(std::move(all), open());
    co_await std::move(both_of_them);
  });
  busy.start();
  CHECK(both.lead() <= most_in_a_turn);
  static_cast<void>(busy.wait_for_shutdown());
}

TEST_CASE("L35 the time of a test bounds a turn as well") {
  testing_system sys;
  auto& clock = troupe::testing::find_pump(sys)->clock();
  race both{sys};
  auto takes_time = GENERATE(true, false);
  auto busy = troupe::spawn<troupe::queue_worker<int>>(sys, {}, [&](int) {
    both.step();
    if (takes_time)
      clock.advance_by(turn_length);
  });
  for (int i = 0; i < 1000; ++i)
    busy.send(i);
  busy.start();
  REQUIRE(sys.run_until([&] { return both.over(); }));
  // Without time that passes, only the number of steps bounds it.
  const auto lead = both.lead();
  if (takes_time)
    CHECK(lead <= most_in_a_turn);
  else
    CHECK(lead > 100);
  busy.shutdown();
}

TEST_CASE("L35 who is busy still gets all of its messages") {
  support::real_system sys{2};
  std::atomic<int> sum = 0;
  auto busy = troupe::spawn<troupe::queue_worker<int>>(sys, {}, [&](int x) {
    if (x % 100 == 0)
      toil();
    sum += x;
  });
  busy.startup();
  auto expected = 0;
  for (int i = 0; i < 5000; ++i) {
    busy.send(i);
    expected += i;
  }
  busy.drain();
  static_cast<void>(busy.wait_for_shutdown());
  CHECK(sum == expected);
}
