// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/restart_window.hpp"

#include <catch2/catch_test_macros.hpp>

#include <deque>
#include <limits>
#include <random>

using namespace troupe;
using namespace troupe::rules;
using namespace std::chrono_literals;

namespace {

constexpr time_point t0{1'000h};

} // namespace

TEST_CASE("S4 one more than max within the window is too many") {
  restart_window window{3, 5s};
  CHECK(window.allow(t0));
  CHECK(window.allow(t0 + 1s));
  CHECK(window.allow(t0 + 2s));
  CHECK_FALSE(window.allow(t0 + 3s));
}

TEST_CASE("S4 the boundary of the window is inclusive") {
  restart_window window{1, 5s};
  CHECK(window.allow(t0));
  CHECK(window.recent(t0 + 5s) == 1);
  CHECK(window.recent(t0 + 5s + 1ns) == 0);
  CHECK_FALSE(window.allow(t0 + 5s));
  CHECK(window.allow(t0 + 5s + 1ns));
}

TEST_CASE("S4 what was refused does not count") {
  restart_window window{1, 5s};
  CHECK(window.allow(t0));
  CHECK_FALSE(window.allow(t0 + 4s));
  CHECK(window.allow(t0 + 6s));
}

TEST_CASE("S4 with max 0 the first one is too many") {
  restart_window none{0, 5s};
  CHECK_FALSE(none.allow(t0));
  CHECK(none.recent(t0) == 0);
  restart_window negative{-1, 5s};
  CHECK_FALSE(negative.allow(t0));
}

TEST_CASE("S4 the window slides") {
  restart_window window{2, 10s};
  CHECK(window.allow(t0));
  CHECK(window.allow(t0 + 6s));
  CHECK(window.allow(t0 + 11s));
  CHECK(window.recent(t0 + 11s) == 2);
  CHECK_FALSE(window.allow(t0 + 16s));
  CHECK(window.allow(t0 + 17s));
  CHECK(window.recent(t0 + 17s) == 2);
  CHECK(window.recent(t0 + 60s) == 0);
}

TEST_CASE("S4 an infinite window never forgets") {
  restart_window window{2, infinite};
  CHECK(window.allow(time_point{}));
  CHECK(window.allow(time_point{} + 24h));
  CHECK_FALSE(window.allow(time_point{} + 24h * 36'500));
}

TEST_CASE("S4 an unlimited window does not grow with what has happened") {
  constexpr auto most = std::numeric_limits<int>::max();
  restart_window window{most, 5s};
  auto now = t0;
  for (int i = 0; i < 100'000; ++i, now += 1s)
    REQUIRE(window.allow(now));
  CHECK(window.recent(now - 1s) == 6);
  CHECK(window.capacity() <= 16);
  restart_window forever{most, infinite};
  for (int i = 0; i < 100'000; ++i)
    REQUIRE(forever.allow(t0 + 1s * i));
  CHECK(forever.recent(t0 + 24h) == 100'000);
  CHECK(forever.capacity() == 0);
}

TEST_CASE("S20 a window that was cleared is as good as new") {
  restart_window window{2, 10s};
  for (int i = 0; i < 3; ++i)
    CHECK(window.allow(t0 + 11s * i));
  window.clear();
  CHECK(window.recent(t0 + 22s) == 0);
  CHECK(window.allow(t0 + 23s));
  CHECK(window.allow(t0 + 28s));
  CHECK_FALSE(window.allow(t0 + 33s));
  CHECK(window.allow(t0 + 34s));
}

TEST_CASE("S27 a window does not age while it is paused") {
  restart_window window{1, 5s};
  CHECK(window.allow(t0));
  window.pause(t0 + 2s);
  CHECK(window.recent(t0 + 1h) == 1);
  CHECK_FALSE(window.allow(t0 + 1h));
  window.resume(t0 + 1h);
  // Two seconds old, and three to go.
  CHECK_FALSE(window.allow(t0 + 1h + 3s));
  CHECK(window.allow(t0 + 1h + 3s + 1ns));
}

TEST_CASE("S27 what happens in a pause happens at its beginning") {
  restart_window window{2, 5s};
  window.pause(t0);
  CHECK(window.allow(t0 + 1min));
  CHECK(window.allow(t0 + 2min));
  CHECK_FALSE(window.allow(t0 + 3min));
  window.resume(t0 + 4min);
  CHECK(window.recent(t0 + 4min + 5s) == 2);
  CHECK(window.recent(t0 + 4min + 5s + 1ns) == 0);
}

TEST_CASE("S27 to pause or resume twice is to do it once") {
  restart_window window{1, 5s};
  window.resume(t0);
  CHECK(window.allow(t0));
  window.pause(t0 + 1s);
  window.pause(t0 + 4s);
  window.resume(t0 + 10s);
  window.resume(t0 + 20s);
  CHECK(window.recent(t0 + 14s) == 1);
  CHECK(window.recent(t0 + 14s + 1ns) == 0);
}

TEST_CASE("S27 pauses add up") {
  restart_window window{1, 5s};
  CHECK(window.allow(t0));
  for (int i = 0; i < 4; ++i) {
    const auto begin = t0 + 10s * i + 1s;
    window.pause(begin);
    window.resume(begin + 9s);
  }
  CHECK(window.recent(t0 + 41s) == 1);
  CHECK(window.recent(t0 + 41s + 1ns) == 0);
}

TEST_CASE("S4 a window allows what a plain list of all events allows") {
  std::mt19937_64 random{4};
  for (int round = 0; round < 500; ++round) {
    const auto max = static_cast<int>(random() % 5);
    const auto within = timespan{1 + random() % 20};
    restart_window window{max, within};
    std::deque<time_point> all;
    auto now = t0;
    for (int i = 0; i < 60; ++i) {
      now += timespan{random() % 8};
      auto count = 0;
      for (auto x : all)
        count += now - x <= within ? 1 : 0;
      INFO("round " << round << ", event " << i);
      REQUIRE(window.recent(now) == static_cast<std::size_t>(count));
      REQUIRE(window.allow(now) == (count < max));
      if (count < max)
        all.push_back(now);
    }
  }
}
