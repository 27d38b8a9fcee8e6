// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "time/timing_wheel.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <random>
#include <vector>

using troupe::never;
using troupe::time_point;
using troupe::timespan;
using troupe::detail::tick;
using troupe::detail::tick_never;
using troupe::detail::timer_hook;
using troupe::detail::timing_wheel;

namespace {

constexpr auto no_limit = std::numeric_limits<std::size_t>::max();

/// Numbers of all magnitudes: most code for wheels goes wrong at one of them.
tick any_length(std::mt19937_64& random) {
  const auto bits = random() % 64;
  return random() >> (63 - bits);
}

/// Fires all that is due at `now`.
std::vector<timer_hook*> drain(timing_wheel& wheel, tick now,
                               std::size_t chunk = no_limit) {
  std::vector<timer_hook*> result;
  for (;;) {
    auto budget = chunk;
    if (!wheel.advance(now, budget))
      continue;
    auto* x = wheel.pop();
    if (x == nullptr)
      return result;
    result.push_back(x);
  }
}

/// As the member function, with a budget that nobody looks at afterwards.
bool advance(timing_wheel& wheel, tick now, std::size_t budget) {
  return wheel.advance(now, budget);
}

} // namespace

TEST_CASE("ticks are in the order of time points") {
  using troupe::detail::to_tick;
  using troupe::detail::to_time_point;
  const std::array points{time_point::min(),   time_point{timespan{-1}},
                          time_point{},        time_point{timespan{1}},
                          never - timespan{1}, never};
  REQUIRE(std::is_sorted(points.begin(), points.end()));
  for (std::size_t i = 0; i < points.size(); ++i) {
    CHECK(to_time_point(to_tick(points[i])) == points[i]);
    if (i > 0)
      CHECK(to_tick(points[i - 1]) < to_tick(points[i]));
  }
  CHECK(to_tick(time_point::min()) == 0);
  CHECK(to_tick(never) == tick_never);
}

TEST_CASE("an empty wheel has nothing to do") {
  timing_wheel wheel{7};
  CHECK(wheel.size() == 0);
  CHECK(wheel.bound() == tick_never);
  CHECK(wheel.first() == tick_never);
  CHECK(advance(wheel, tick_never, 0));
  CHECK(wheel.pop() == nullptr);
  CHECK(wheel.pop_any() == nullptr);
}

TEST_CASE("the bound of a wheel without cancelled timers is exact") {
  // A thread that sleeps until the bound must not find that it is too early, at
  // whatever levels the timers are.
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    std::mt19937_64 random{seed};
    const auto start = any_length(random);
    timing_wheel wheel{start};
    std::deque<timer_hook> hooks(1 + random() % 50);
    std::map<tick, std::size_t> due;
    for (auto& x : hooks) {
      auto when = start + std::min(any_length(random), tick_never - 1 - start);
      wheel.insert(x, when);
      ++due[when];
    }
    while (!due.empty()) {
      const auto first = due.begin()->first;
      INFO("seed " << seed << ", first " << first);
      if (first == start)
        REQUIRE((wheel.bound() == start || wheel.bound() == 0));
      else
        REQUIRE(wheel.bound() == first);
      REQUIRE(wheel.first() == first);
      if (first > start)
        REQUIRE(drain(wheel, first - 1).empty());
      REQUIRE(drain(wheel, first).size() == due.begin()->second);
      due.erase(due.begin());
    }
    REQUIRE(wheel.bound() == tick_never);
  }
}

TEST_CASE("a bound that a cancelled timer left behind is met once") {
  timing_wheel wheel{0};
  timer_hook early;
  timer_hook late;
  wheel.insert(early, 1'000'000);
  wheel.insert(late, 1'000'300);
  wheel.remove(early);
  CHECK(wheel.bound() == 1'000'000);
  CHECK(drain(wheel, 1'000'000).empty());
  CHECK(wheel.bound() == 1'000'300);
}

TEST_CASE("the last timer of a slot takes the bound with it") {
  timing_wheel wheel{0};
  timer_hook x;
  wheel.insert(x, 1'000'000);
  wheel.remove(x);
  CHECK(wheel.bound() == tick_never);
  CHECK(wheel.first() == tick_never);
  CHECK(wheel.size() == 0);
}

TEST_CASE("the first due time is exact whatever has been cancelled") {
  timing_wheel wheel{0};
  std::array<timer_hook, 4> x;
  wheel.insert(x[0], 1'000'000);
  wheel.insert(x[1], 1'000'000);
  wheel.insert(x[2], 1'000'200);
  wheel.insert(x[3], 1'000'100);
  wheel.remove(x[0]);
  CHECK(wheel.first() == 1'000'000);
  wheel.remove(x[1]);
  CHECK(wheel.first() == 1'000'100);
  wheel.insert(x[0], 1'000'050);
  CHECK(wheel.first() == 1'000'050);
  wheel.remove(x[0]);
  wheel.remove(x[3]);
  CHECK(wheel.first() == 1'000'200);
}

TEST_CASE("what joins a slot that is being dealt keeps its turn") {
  timing_wheel wheel{0};
  std::array<timer_hook, 5> x;
  wheel.insert(x[0], 1'000'007);
  wheel.insert(x[1], 1'000'000);
  wheel.insert(x[2], 1'000'007);
  REQUIRE_FALSE(advance(wheel, 1'000'000, 1));
  CHECK(wheel.bound() == 0);
  CHECK(wheel.first() == 1'000'000);
  CHECK(wheel.pop() == nullptr);
  wheel.insert(x[3], 1'000'007);
  wheel.insert(x[4], 5);
  const std::vector first{&x[1], &x[4]};
  CHECK(drain(wheel, 1'000'000, 1) == first);
  const std::vector second{&x[0], &x[2], &x[3]};
  CHECK(drain(wheel, 1'000'007, 1) == second);
}

TEST_CASE("moving a timer takes one from the budget") {
  timing_wheel wheel{0};
  std::array<timer_hook, 3> x;
  wheel.insert(x[0], 1'000'000);
  wheel.insert(x[1], 1'000'001);
  wheel.insert(x[2], 1'000'000);
  std::size_t budget = 2;
  CHECK_FALSE(wheel.advance(1'000'000, budget));
  CHECK(budget == 0);
  budget = 10;
  CHECK(wheel.advance(1'000'000, budget));
  CHECK(budget == 9);
  CHECK(wheel.advance(1'000'000, budget));
  CHECK(budget == 9);
}

TEST_CASE("a timer can be removed wherever it is") {
  timing_wheel wheel{0};
  std::array<timer_hook, 3> x;
  for (auto& hook : x)
    wheel.insert(hook, 1'000'000);
  SECTION("in a slot") {
    // nop
  }
  SECTION("waiting to be dealt") {
    REQUIRE_FALSE(advance(wheel, 1'000'000, 0));
  }
  SECTION("some dealt, some not") {
    REQUIRE_FALSE(advance(wheel, 1'000'000, 1));
  }
  SECTION("expired") {
    REQUIRE(advance(wheel, 1'000'000, no_limit));
  }
  for (auto& hook : x) {
    wheel.remove(hook);
    CHECK(hook.place == timer_hook::unlinked);
  }
  CHECK(wheel.size() == 0);
  CHECK(advance(wheel, 2'000'000, no_limit));
  CHECK(wheel.pop() == nullptr);
  CHECK(wheel.bound() == tick_never);
}

TEST_CASE("a wheel behaves as a sorted list does") {
  // Timers of all magnitudes are put in and taken out at all times, also in the
  // middle of the dealing, while the wheel goes on in steps of all magnitudes.
  constexpr std::uint64_t seeds = 3'000;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    std::mt19937_64 random{seed};
    auto now = seed % 4 == 0 ? random() / 2 : any_length(random) / 2;
    const auto crowded = seed % 3 == 0;
    timing_wheel wheel{now};
    std::deque<timer_hook> hooks(1 + random() % 100);
    std::multimap<tick, timer_hook*> model;
    const auto find = [&](timer_hook& x) {
      return std::find_if(model.begin(), model.end(), [&](const auto& entry) {
        return entry.second == &x;
      });
    };
    const auto some_due = [&] {
      auto length = crowded ? random() % 200 : any_length(random);
      // A tie now and then.
      if (!model.empty() && random() % 4 == 0)
        length = std::max(model.begin()->first, now) - now;
      return now + std::min(length, tick_never - 1 - now);
    };
    INFO("seed " << seed);
    for (int step = 0; step < 300; ++step) {
      auto& x = hooks[random() % hooks.size()];
      const auto linked = x.place != timer_hook::unlinked;
      REQUIRE(linked == (find(x) != model.end()));
      switch (random() % 8) {
        case 0:
        case 1:
        case 2:
          if (!linked) {
            const auto due = some_due();
            wheel.insert(x, due);
            model.emplace(due, &x);
          }
          break;
        case 3:
          if (linked) {
            model.erase(find(x));
            wheel.remove(x);
          }
          break;
        case 4:
          // Time goes on only when what is due has been fired.
          if (model.empty() || model.begin()->first > now)
            now += std::min(crowded ? random() % 100 : any_length(random),
                            tick_never - 1 - now);
          break;
        case 5:
        case 6: {
          if (!advance(wheel, now, random() % 4)) {
            REQUIRE(wheel.pop() == nullptr);
            break;
          }
          auto* popped = wheel.pop();
          if (model.empty() || model.begin()->first > now) {
            REQUIRE(popped == nullptr);
          } else {
            REQUIRE(popped == model.begin()->second);
            REQUIRE(popped->tick == model.begin()->first);
            model.erase(model.begin());
          }
          break;
        }
        default:
          if (model.empty()) {
            REQUIRE(wheel.bound() == tick_never);
            REQUIRE(wheel.first() == tick_never);
          } else {
            REQUIRE(wheel.bound() <= model.begin()->first);
            REQUIRE(wheel.first() == model.begin()->first);
          }
          break;
      }
      REQUIRE(wheel.size() == model.size());
    }
    if (seed % 2 == 0) {
      for (auto* x : drain(wheel, tick_never)) {
        REQUIRE(x == model.begin()->second);
        model.erase(model.begin());
      }
    } else {
      while (auto* x = wheel.pop_any())
        model.erase(find(*x));
    }
    REQUIRE(model.empty());
    REQUIRE(wheel.size() == 0);
    REQUIRE(wheel.bound() == tick_never);
  }
}

TEST_CASE("cancelled timers delay a wheel once on each level at most") {
  // The worst case: a timer far away, and on each level one before it that is
  // cancelled and leaves its bound behind.
  timing_wheel wheel{0};
  timer_hook far;
  constexpr auto due = tick_never - 1;
  wheel.insert(far, due);
  timer_hook decoy;
  std::size_t stops = 0;
  for (auto shift = 60U; shift > 0; shift -= 6) {
    const auto slot_start = (tick_never >> shift) << shift;
    wheel.insert(decoy, slot_start);
    wheel.remove(decoy);
    REQUIRE(wheel.bound() == slot_start);
    REQUIRE(drain(wheel, slot_start).empty());
    REQUIRE(wheel.bound() > slot_start);
    ++stops;
  }
  CHECK(stops == 10);
  CHECK(wheel.bound() == due);
  CHECK(drain(wheel, due).size() == 1);
}
