// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/backoff.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <initializer_list>
#include <limits>

using namespace troupe;
using namespace troupe::rules;
using namespace std::chrono_literals;

namespace {

constexpr time_point t0{1'000h};

constexpr restart_backoff steady = {
  .initial = 1s,
  .max = 30s,
  .factor = 2.0,
  .jitter = 0.0,
  .reset_after = 1min,
};

constexpr auto huge = std::numeric_limits<std::uint32_t>::max();

/// A child that has failed so many times in a row.
backoff worn(int failures) {
  backoff result{steady};
  for (int i = 0; i < failures; ++i)
    (void) result.next(0);
  return result;
}

} // namespace

TEST_CASE("S11 the n-th delay is initial * factor^n, and never beyond max") {
  const timespan delays[] = {1s, 2s, 4s, 8s, 16s, 30s, 30s};
  std::uint32_t n = 0;
  for (auto x : delays) {
    INFO(n);
    CHECK(backoff_delay(steady, n++, 0) == x);
  }
}

TEST_CASE("S11 jitter spreads a delay around what it would be") {
  auto options = steady;
  options.jitter = 0.25;
  CHECK(backoff_delay(options, 1, -1) == 1500ms);
  CHECK(backoff_delay(options, 1, 0) == 2s);
  CHECK(backoff_delay(options, 1, 1) == 2500ms);
}

TEST_CASE("S11 the cap is applied last") {
  auto options = steady;
  options.jitter = 0.5;
  // 16 s * 1.5 = 24 s; 32 s * 1.5 is too much; 32 s * 0.5 is not.
  CHECK(backoff_delay(options, 4, 1) == 24s);
  CHECK(backoff_delay(options, 5, 1) == 30s);
  CHECK(backoff_delay(options, 5, -1) == 16s);
}

TEST_CASE("S11 no n and no factor is too much for a delay") {
  for (auto factor : {2.0, 1e9, 1e300, std::numeric_limits<double>::max()})
    for (auto n : {1u, 64u, 1024u, 1'000'000u, huge}) {
      auto options = steady;
      options.factor = factor;
      options.jitter = 1.0;
      INFO("factor " << factor << ", n " << n);
      CHECK(backoff_delay(options, n, -1) == 0s);
      CHECK(backoff_delay(options, n, 0) <= 30s);
      CHECK(backoff_delay(options, n, 1) <= 30s);
      CHECK(backoff_delay(options, n, 1) > 0s);
    }
  auto options = steady;
  options.max = infinite;
  CHECK(backoff_delay(options, huge, 0) == infinite);
  options.factor = 1.0;
  CHECK(backoff_delay(options, huge, 0) == 1s);
}

TEST_CASE("S11 a delay is never negative") {
  auto options = steady;
  options.jitter = 5.0;
  CHECK(backoff_delay(options, 3, -1) == 0s);
}

TEST_CASE("S11 each restart waits longer") {
  backoff x{steady};
  CHECK(x.on());
  CHECK(x.count() == 0);
  CHECK(x.next(0) == 1s);
  CHECK(x.next(0) == 2s);
  CHECK(x.next(0) == 4s);
  CHECK(x.count() == 3);
}

TEST_CASE("S11 without a first delay there is no backoff") {
  CHECK_FALSE(backoff{restart_backoff{}}.on());
  CHECK(backoff_delay({}, 3, 1) == 0s);
}

TEST_CASE("S11 a backoff begins anew after reset_after of being ready") {
  auto x = worn(3);
  x.ready(t0);
  x.ended(t0 + 1min - 1ns);
  CHECK(x.next(0) == 8s);
  x.ready(t0);
  x.ended(t0 + 1min);
  CHECK(x.next(0) == 1s);
}

TEST_CASE("S11 time in which a child was not ready does not count") {
  auto x = worn(3);
  x.ended(t0);
  x.ready(t0 + 1h);
  x.ended(t0 + 1h);
  // Its next start fails after a long time.
  x.ended(t0 + 10h);
  CHECK(x.next(0) == 8s);
}

TEST_CASE("S11 a backoff begins anew when the child says that it is well") {
  auto x = worn(3);
  x.mark_healthy();
  CHECK(x.next(0) == 1s);
}
