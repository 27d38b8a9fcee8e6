// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace troupe::rules {

/// A time during which the clocks of a zone are ahead of UTC by one offset.
struct zone_period {
  std::chrono::sys_seconds begin;
  std::chrono::sys_seconds end;
  std::chrono::seconds offset;

  friend bool operator==(const zone_period&, const zone_period&) = default;
};

/// When the clocks of a place are set forward and back: a value, UTC unless it
/// was read from a description.
///
/// The C library knows only the zone of the process at a time, and the standard
/// library of GCC 12 none. The libraries that know others (Howard Hinnant's
/// date, cctz, ICU) would become a dependency of each program that uses troupe.
/// Both formats are standards (RFC 9636, POSIX) that do not change.
class time_zone {
public:
  /// Reads what the variable `TZ` may hold: `CET-1CEST,M3.5.0,M10.5.0/3`.
  /// @throws std::invalid_argument
  [[nodiscard]] static time_zone parse_posix(std::string_view text);

  /// Reads a file of the time zone database, of version 2 or later.
  /// @throws std::invalid_argument
  [[nodiscard]] static time_zone parse_tzif(std::string_view bytes);

  /// Returns the period that `x` belongs to.
  [[nodiscard]] zone_period
  period_at(std::chrono::sys_seconds x) const noexcept;

private:
  struct change {
    std::chrono::sys_seconds at;
    std::chrono::seconds offset;
  };

  /// A day on which the clocks are set in each year.
  struct day_rule {
    enum class kind : std::uint8_t {
      weekday,       ///< The nth of a month; the fifth is the last.
      without_leaps, ///< Counted from 1, as if there were no 29th of February.
      day,           ///< Counted from 0.
    };

    kind how = kind::day;
    int day = 0;
    int week = 0;
    int month = 0;
    std::chrono::seconds time{0}; ///< On the clocks as they are before.

    [[nodiscard]] std::chrono::local_seconds
    in(std::chrono::year y) const noexcept;
  };

  struct summer {
    std::chrono::seconds offset;
    day_rule begin;
    day_rule end;
  };

  class posix_reader;

  [[nodiscard]] zone_period
  period_by_rule(std::chrono::sys_seconds x) const noexcept;

  std::chrono::seconds first_{0}; ///< Before the first change.
  std::vector<change> changes_;
  std::chrono::seconds standard_{0}; ///< After the last change.
  std::optional<summer> summer_;     ///< The same, if the clocks are set.
};

} // namespace troupe::rules
