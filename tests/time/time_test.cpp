// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/time.hpp"

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <type_traits>

using namespace std::chrono_literals;

using troupe::deadline_after;
using troupe::infinite;
using troupe::never;
using troupe::time_left;
using troupe::time_point;
using troupe::timespan;
using troupe::to_timespan;

namespace {

constexpr time_point at(timespan since_epoch) {
  return time_point{since_epoch};
}

template <class Rep, class Period = std::ratio<1>>
constexpr timespan span(Rep count) {
  return to_timespan(std::chrono::duration<Rep, Period>{count});
}

} // namespace

TEST_CASE("a time point is what the monotonic clock gives") {
  STATIC_REQUIRE(
    std::is_convertible_v<std::chrono::steady_clock::time_point, time_point>);
}

TEST_CASE("a deadline is now and the delay, or the nearest that exists") {
  STATIC_REQUIRE(deadline_after(at(5s), 2s) == at(7s));
  STATIC_REQUIRE(deadline_after(at(5s), 0s) == at(5s));
  STATIC_REQUIRE(deadline_after(at(5s), -7s) == at(-2s));
  SECTION("never") {
    STATIC_REQUIRE(deadline_after(at(0s), infinite) == never);
    STATIC_REQUIRE(deadline_after(at(-1s), infinite) == never);
    STATIC_REQUIRE(deadline_after(time_point::min(), infinite) == never);
    STATIC_REQUIRE(deadline_after(never, 0s) == never);
    STATIC_REQUIRE(deadline_after(never, infinite) == never);
  }
  SECTION("too far") {
    STATIC_REQUIRE(deadline_after(at(1ns), infinite - 1ns) == never);
    STATIC_REQUIRE(deadline_after(at(2ns), infinite - 1ns) == never);
    STATIC_REQUIRE(deadline_after(at(0ns), infinite - 1ns)
                   == at(infinite - 1ns));
    STATIC_REQUIRE(deadline_after(at(-2ns), timespan::min())
                   == time_point::min());
    STATIC_REQUIRE(deadline_after(at(0ns), timespan::min())
                   == time_point::min());
    STATIC_REQUIRE(deadline_after(at(3ns), timespan::min())
                   == time_point::min() + 3ns);
  }
}

TEST_CASE("the time left is never negative and does not overflow") {
  STATIC_REQUIRE(time_left(at(7s), at(5s)) == 2s);
  STATIC_REQUIRE(time_left(at(5s), at(5s)) == 0s);
  STATIC_REQUIRE(time_left(at(5s), at(7s)) == 0s);
  STATIC_REQUIRE(time_left(time_point::min(), at(7s)) == 0s);
  STATIC_REQUIRE(time_left(never, at(5s)) == infinite);
  STATIC_REQUIRE(time_left(never, never) == infinite);
  STATIC_REQUIRE(time_left(at(5s), never) == 0s);
  STATIC_REQUIRE(time_left(never - 1ns, at(-5s)) == infinite);
  STATIC_REQUIRE(time_left(at(1s), time_point::min()) == infinite);
  STATIC_REQUIRE(time_left(at(1s), at(-1s)) == 2s);
}

TEST_CASE("any duration becomes a timespan, the nearest one if it must") {
  SECTION("whole numbers") {
    STATIC_REQUIRE(to_timespan(3h) == 3h);
    STATIC_REQUIRE(to_timespan(-3ms) == -3ms);
    STATIC_REQUIRE(to_timespan(infinite) == infinite);
    STATIC_REQUIRE(to_timespan(timespan::min()) == timespan::min());
    STATIC_REQUIRE(span<std::int32_t>(2'000'000'000) == 2'000'000'000s);
    STATIC_REQUIRE(span<std::uint8_t>(200) == 200s);
  }
  SECTION("too long for a timespan") {
    STATIC_REQUIRE(to_timespan(std::chrono::hours{3'000'000}) == infinite);
    STATIC_REQUIRE(to_timespan(std::chrono::hours{-3'000'000})
                   == timespan::min());
    STATIC_REQUIRE(to_timespan(std::chrono::hours::max()) == infinite);
    STATIC_REQUIRE(to_timespan(std::chrono::hours::min()) == timespan::min());
    STATIC_REQUIRE(to_timespan(std::chrono::seconds::max()) == infinite);
    STATIC_REQUIRE(to_timespan(std::chrono::milliseconds::max()) == infinite);
    STATIC_REQUIRE(
      span<std::uint64_t>(std::numeric_limits<std::uint64_t>::max())
      == infinite);
    STATIC_REQUIRE(
      span<std::uint64_t, std::nano>(std::numeric_limits<std::uint64_t>::max())
      == infinite);
  }
  SECTION("units finer than a nanosecond, or askew to it") {
    STATIC_REQUIRE(span<std::int64_t, std::pico>(2'999) == 2ns);
    STATIC_REQUIRE(
      span<std::int64_t, std::pico>(std::numeric_limits<std::int64_t>::max())
      == 9'223'372'036'854'775ns);
    STATIC_REQUIRE(span<std::int64_t, std::ratio<1, 60>>(90) == 1500ms);
    STATIC_REQUIRE(span<std::int64_t, std::ratio<1, 60>>(
                     std::numeric_limits<std::int64_t>::max())
                   == infinite);
  }
  SECTION("fractions") {
    STATIC_REQUIRE(span(0.5) == 500ms);
    STATIC_REQUIRE(span(-0.25F) == -250ms);
    STATIC_REQUIRE(span<double, std::nano>(1.75) == 1ns);
    STATIC_REQUIRE(span(1e300) == infinite);
    STATIC_REQUIRE(span(-1e300) == timespan::min());
    STATIC_REQUIRE(span(std::numeric_limits<double>::infinity()) == infinite);
    STATIC_REQUIRE(span(std::numeric_limits<double>::quiet_NaN()) == 0ns);
  }
}
