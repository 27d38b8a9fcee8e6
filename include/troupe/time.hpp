// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <chrono>
#include <optional>
#include <ratio>
#include <type_traits>
#include <utility>

namespace troupe {

/// A length of time. The same type as `caf::timespan`, so values go to and fro.
using timespan = std::chrono::nanoseconds;

/// A point in time on the monotonic clock. All deadlines are such points: a
/// wall clock that is set back must not make a worker wait for an hour.
using time_point = std::chrono::time_point<std::chrono::steady_clock, timespan>;

/// A point in time on the wall clock, for times that people speak of. Somebody
/// may set that clock, so no deadline depends on it.
using wall_time = std::chrono::time_point<std::chrono::system_clock,
                                          std::chrono::microseconds>;

/// "Never" as a length of time: a timeout of `infinite` does not expire.
inline constexpr timespan infinite = timespan::max();

/// "Never" as a point in time: what `deadline_after(now, infinite)` gives.
inline constexpr time_point never = time_point::max();

/// Converts any duration, with what does not fit becoming the nearest timespan
/// that exists. The implicit conversion of `<chrono>` overflows instead: an
/// innocent `hours{3'000'000}` comes out as a moment in the past.
/// @param length Any duration, also one of floating point; a fraction of a
///               nanosecond is cut off, and a value that is not a number is
///               zero.
template <class Rep, class Period>
[[nodiscard]] constexpr timespan
to_timespan(std::chrono::duration<Rep, Period> length) noexcept {
  using nanos_each = std::ratio_divide<Period, std::nano>;
  if constexpr (std::chrono::treat_as_floating_point_v<Rep>) {
    const auto count = static_cast<long double>(length.count());
    if (count != count)
      return timespan::zero();
    const auto nanos = count * static_cast<long double>(nanos_each::num)
                       / static_cast<long double>(nanos_each::den);
    if (nanos >= static_cast<long double>(timespan::max().count()))
      return timespan::max();
    if (nanos <= static_cast<long double>(timespan::min().count()))
      return timespan::min();
    return timespan{static_cast<timespan::rep>(nanos)};
  } else {
    // For units that are no whole number of nanoseconds the limit is nearer
    // than it has to be, but at least a century away.
    if (std::cmp_greater(length.count(),
                         timespan::max().count() / nanos_each::num))
      return timespan::max();
    if (std::cmp_less(length.count(),
                      timespan::min().count() / nanos_each::num))
      return timespan::min();
    return timespan{static_cast<timespan::rep>(length.count()) * nanos_each::num
                    / nanos_each::den};
  }
}

/// A length of time in a struct of options: a `timespan` that gives a readable
/// error for a fraction.
class option_time : public timespan {
public:
  /// Zero.
  constexpr option_time() noexcept : timespan(zero()) {
    // nop
  }

  /// A length of time in nanoseconds, or `infinite`.
  constexpr option_time(timespan length) noexcept : timespan(length) {
    // nop
  }

  /// Any `std::chrono` duration; one that is too long is `infinite`.
  template <class Rep, class Period>
  constexpr option_time(std::chrono::duration<Rep, Period> length) noexcept
    : timespan(to_timespan(length)) {
    static_assert(
      std::is_convertible_v<std::chrono::duration<Rep, Period>, timespan>,
      "an option takes whole numbers of nanoseconds, or of anything coarser: "
      "write 500ms instead of 0.5s, or to_timespan(0.5s)");
  }
};

/// The same where it may be left out.
class optional_time : public std::optional<timespan> {
public:
  constexpr optional_time() noexcept = default;

  /// None.
  constexpr optional_time(std::nullopt_t) noexcept {
    // nop
  }

  /// One, or none.
  constexpr optional_time(std::optional<timespan> length) noexcept
    : std::optional<timespan>(length) {
    // nop
  }

  /// As for an `option_time`.
  template <class Rep, class Period>
  constexpr optional_time(std::chrono::duration<Rep, Period> length) noexcept
    : std::optional<timespan>(option_time{length}) {
    // nop
  }
};

/// @returns The point in time `delay` after `now`; `never` or
///          `time_point::min()` where the sum does not fit.
[[nodiscard]] constexpr time_point deadline_after(time_point now,
                                                  timespan delay) noexcept {
  if (delay == infinite)
    return never;
  const auto since = now.time_since_epoch();
  if (delay > timespan::zero() && since > timespan::max() - delay)
    return never;
  if (delay < timespan::zero() && since < timespan::min() - delay)
    return time_point::min();
  return now + delay;
}

/// @returns How long it is from `now` until `deadline`: `infinite` if the
///          deadline is `never` or too far away to tell, zero if it has passed.
[[nodiscard]] constexpr timespan time_left(time_point deadline,
                                           time_point now) noexcept {
  if (deadline == never)
    return infinite;
  if (deadline <= now)
    return timespan::zero();
  if (now < time_point{}
      && deadline.time_since_epoch() > timespan::max() + now.time_since_epoch())
    return infinite;
  return deadline - now;
}

} // namespace troupe
