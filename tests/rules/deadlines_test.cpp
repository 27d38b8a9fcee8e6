// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/deadlines.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

using namespace std::chrono_literals;

using troupe::infinite;
using troupe::never;
using troupe::time_point;
using troupe::rules::abandon_at;
using troupe::rules::all_gone_by;
using troupe::rules::forced_at;
using troupe::rules::least_to_go;
using troupe::rules::limits_until;
using troupe::rules::stop_limits;
using troupe::rules::tighten;

namespace {

constexpr time_point start{1h};

} // namespace

TEST_CASE("S15 a quarter of the deadline is the reserve") {
  auto x = limits_until(start, start + 16s);
  CHECK(x.soft == start + 12s);
  CHECK(x.force == start + 14s);
  CHECK(x.cleanup == start + 15s);
  CHECK(x.abandon == start + 15500ms);
  CHECK(x.end == start + 16s);
}

TEST_CASE("S15 without a deadline nothing is bounded") {
  CHECK(limits_until(start, never) == stop_limits{});
}

TEST_CASE("S15 a deadline that is over leaves no time for anything") {
  for (auto deadline : {start, start - 1s}) {
    auto x = limits_until(start, deadline);
    CHECK(x == stop_limits{start, start, start, start, start});
  }
}

TEST_CASE("S15 limits only get tighter, each by itself") {
  auto x = limits_until(start, start + 16s);
  CHECK(tighten(x, {}) == x);
  CHECK(tighten({}, x) == x);
  CHECK(tighten(x, forced_at(start + 13s))
        == stop_limits{start + 12s, start + 13s, start + 15s, start + 15500ms,
                       start + 16s});
  CHECK(tighten(x, limits_until(start, start + 8s))
        == limits_until(start, start + 8s));
}

TEST_CASE("S15 what is split is in order for every deadline") {
  for (troupe::timespan whole = 0ns; whole < 100ns; whole += 1ns) {
    auto x = limits_until(start, start + whole);
    CHECK(start <= x.soft);
    CHECK(x.soft <= x.force);
    CHECK(x.force <= x.cleanup);
    CHECK(x.cleanup <= x.abandon);
    CHECK(x.abandon <= x.end);
    CHECK(x.end == start + whole);
  }
}

TEST_CASE("S15 L17 who is forced has a moment to go, whatever the deadline") {
  struct row {
    troupe::timespan limit; // of the stop, counted from the force
    troupe::timespan force_period;
    troupe::timespan abandoned; // the same
  };
  const row rows[] = {
    {0s, 1s, least_to_go},
    {-1s, 1s, least_to_go},
    {1ms, 1s, least_to_go},
    {500ms, 1s, 500ms},
    {5s, 1s, 1s},
    // What a worker was told itself holds.
    {0s, 10ms, 10ms},
    {0s, 0s, 0s},
  };
  for (auto& x : rows) {
    const stop_limits limits{start, start, start, start + x.limit, never};
    CHECK(abandon_at(start, x.force_period, limits) == start + x.abandoned);
  }
  CHECK(abandon_at(start, 1s, {}) == start + 1s);
  CHECK(abandon_at(start, infinite, {}) == never);
  CHECK(abandon_at(start, infinite, limits_until(start, start))
        == start + least_to_go);
}

TEST_CASE("S15 who is abandoned is abandoned before the wait for it is over") {
  for (auto whole : {0ms, 1ms, 100ms, 800ms, 1000ms, 1600ms, 3200ms, 25000ms}) {
    CAPTURE(whole);
    const auto x = limits_until(start, start + whole);
    const auto over = all_gone_by(x);
    CHECK(over >= x.end);
    // Forced because the time to stop, or that of the clean-up, is over.
    for (auto forced : {x.soft, x.force, x.cleanup}) {
      const auto abandoned = abandon_at(forced, infinite, x);
      CHECK(abandoned < over);
      CHECK(abandoned + std::min<troupe::timespan>(whole / 32, least_to_go)
            <= over);
    }
  }
  CHECK(all_gone_by({}) == never);
  CHECK(all_gone_by(forced_at(start)) == never);
  CHECK(all_gone_by(limits_until(start, start)) == start + 2 * least_to_go);
  CHECK(all_gone_by(limits_until(start, start + 8s)) == start + 8s);
}
