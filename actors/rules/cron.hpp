// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe::rules {

/// The minutes that a line of cron describes, as sets of numbers: bit n stands
/// for n.
struct cron_fields {
  std::uint64_t minutes = 0;
  std::uint64_t hours = 0;
  std::uint64_t days = 0;     ///< Of a month, from 1.
  std::uint64_t months = 0;   ///< From 1.
  std::uint64_t weekdays = 0; ///< From Sunday, 0.

  /// Both fields of days must match, because one of them begins with `*`; else
  /// one of them is enough.
  bool both_days = true;

  /// The line means "every so often", because its minutes or hours begin with
  /// `*`, and not times of the day.
  bool repeats = false;

  friend bool operator==(const cron_fields&, const cron_fields&) = default;
};

/// Reads the five fields of crontab(5): minute, hour, day of the month, month,
/// day of the week.
/// @throws std::invalid_argument with a text that names the field, or because
///         no day matches: `0 0 30 2 *`.
[[nodiscard]] cron_fields parse_cron(std::string_view line);

/// Returns the first minute that `x` describes, from `from` on and before
/// `until`. Knows nothing of time zones.
[[nodiscard]] std::optional<std::chrono::local_seconds>
find_minute(const cron_fields& x, std::chrono::local_seconds from,
            std::chrono::local_seconds until);

} // namespace troupe::rules
