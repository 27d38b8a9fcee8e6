// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/deadlines.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace std::chrono_literals;

using troupe::infinite;
using troupe::never;
using troupe::time_point;
using troupe::rules::forced_at;
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
  CHECK(x.end == start + 16s);
}

TEST_CASE("S15 without a deadline nothing is bounded") {
  CHECK(limits_until(start, never) == stop_limits{});
}

TEST_CASE("S15 a deadline that is over leaves no time for anything") {
  for (auto deadline : {start, start - 1s}) {
    auto x = limits_until(start, deadline);
    CHECK(x == stop_limits{start, start, start, start});
  }
}

TEST_CASE("S15 limits only get tighter, each by itself") {
  auto x = limits_until(start, start + 16s);
  CHECK(tighten(x, {}) == x);
  CHECK(tighten({}, x) == x);
  CHECK(tighten(x, forced_at(start + 13s))
        == stop_limits{start + 12s, start + 13s, start + 15s, start + 16s});
  CHECK(tighten(x, limits_until(start, start + 8s))
        == limits_until(start, start + 8s));
}

TEST_CASE("S15 what is split is in order for every deadline") {
  for (troupe::timespan whole = 0ns; whole < 100ns; whole += 1ns) {
    auto x = limits_until(start, start + whole);
    CHECK(start <= x.soft);
    CHECK(x.soft <= x.force);
    CHECK(x.force <= x.cleanup);
    CHECK(x.cleanup <= x.end);
    CHECK(x.end == start + whole);
  }
}
