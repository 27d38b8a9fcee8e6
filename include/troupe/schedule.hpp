// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

namespace troupe {

namespace rules {

struct cron_plan;

} // namespace rules

/// The distance that a heartbeat measures.
enum class pace : std::uint8_t {
  /// From the end of a call to the beginning of the next.
  fixed_delay,
  /// From beginning to beginning. A call that takes too long makes the next one
  /// late; calls that were missed are left out, not made up for.
  fixed_rate,
};

/// When something that is to happen at each heartbeat happens first.
enum class first_call : std::uint8_t { at_once, after_heartbeat };

/// The options of a heartbeat. An aggregate for designated initializers; the
/// order of its members is part of the interface.
struct heartbeat_options {
  /// What the heartbeat measures.
  pace measured = pace::fixed_delay;
  /// When the first call is.
  first_call first = first_call::at_once;
};

/// Decides about the slots that have begun while nobody was there to make use
/// of them.
enum class missed_slots : std::uint8_t {
  /// They are left out. A slot is missed when more than a minute has passed
  /// since its begin, or the next one has begun.
  skip,
  /// One stands for all of them together.
  once,
  /// Each of them counts.
  all,
};

/// The *slots* of something periodic: points in time on the wall clock, which
/// are the same in all processes. A cheap value.
class schedule {
public:
  /// One slot each `interval`, counted from the beginning of 1970 in UTC: with
  /// `1h` at each full hour, with `24h` at midnight.
  /// @param interval At least 1 ms; a fraction of a microsecond is cut off.
  /// @throws std::invalid_argument if it is shorter.
  template <class Rep, class Period>
  schedule(std::chrono::duration<Rep, Period> interval) // as it is written
    : schedule(to_timespan(interval)) {
    // nop
  }

  /// @copydoc schedule
  schedule(timespan interval);

  /// For `cron`.
  explicit schedule(std::shared_ptr<const rules::cron_plan> plan) noexcept;

  /// The last slot that has begun; the begin of time if there was none.
  [[nodiscard]] wall_time last(wall_time now) const noexcept;

  /// The first slot that begins after `x`; the end of time if that is too far
  /// away.
  [[nodiscard]] wall_time next(wall_time x) const noexcept;

private:
  std::chrono::microseconds interval_{0};
  std::shared_ptr<const rules::cron_plan> plan_;
};

/// The slots of a line of crontab(5): minute, hour, day of the month, month,
/// day of the week.
///
/// ~~~
/// auto nightly = troupe::cron("0 3 * * 1-5", "Europe/Berlin");
/// ~~~
///
/// A field is `*`, a number, a range `1-5`, a step `*/15` or `0-30/10`, or a
/// list of these with commas. Months and days of the week may be named, `jan`,
/// `mon`; 0 and 7 are Sunday. If both fields of days are given, one of them is
/// enough; if one begins with `*`, both must match.
///
/// Where the clocks are set, a line whose minute or hour begins with `*` goes
/// on with the time that passes. Any other line has one slot for each time of
/// the day: a time that is left out when the clocks are set forward has it
/// right after that, and one that comes twice has it the first time. (L39)
/// @param zone A name of the time zone database, which the system keeps in
///             `/usr/share/zoneinfo` (Debian: the package tzdata), or a
///             description as POSIX has them in `TZ`; `local` stands for the
///             zone of the process: `TZ`, or else `/etc/localtime`. It is read
///             once, now. Thread-safe, but for a `setenv` at the same time.
/// @throws std::invalid_argument if the line, or the zone, cannot be read, or
///         there is no such day.
[[nodiscard]] schedule cron(std::string_view line,
                            std::string_view zone = "UTC");

} // namespace troupe
