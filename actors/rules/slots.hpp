// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/cron.hpp"
#include "rules/time_zone.hpp"
#include "troupe/schedule.hpp"
#include "troupe/time.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

/// The decisions about what happens at points in time of the wall clock, and
/// about those that have passed.
namespace troupe::rules {

/// A line of cron in its time zone.
///
/// Where the clocks are set, a line that `repeats` goes on with the time that
/// passes. Any other one means times of the day, each of which has one slot a
/// day: a time that is left out has it when the clocks have been set forward,
/// and one that comes twice has it the first time.
struct cron_plan {
  cron_fields line;
  time_zone zone;
};

/// Returns the first slot after `x`; none after the year 9999.
[[nodiscard]] std::optional<std::chrono::sys_seconds>
next_slot(const cron_plan& plan, std::chrono::sys_seconds x);

/// Returns the last slot that is not after `now`.
[[nodiscard]] std::optional<std::chrono::sys_seconds>
last_slot(const cron_plan& plan, std::chrono::sys_seconds now);

/// Returns the last slot that has begun of something that happens once each
/// interval: slots are counted from the epoch, so that all processes agree on
/// them. (J12)
/// @pre `interval` is at least one microsecond
[[nodiscard]] wall_time slot_at(wall_time now,
                                std::chrono::microseconds interval) noexcept;

/// The slots that are to be made use of.
struct due_slots {
  std::vector<wall_time> slots;
  /// The last slot that is over and done with then.
  wall_time last;

  friend bool operator==(const due_slots&, const due_slots&) = default;
};

/// For so long a slot that has begun is not called missed.
inline constexpr timespan on_time = std::chrono::minutes{1};

/// Decides which slots are due. (J12, L39)
/// @param last The last slot that is over and done with; none: whoever asks is
///             new, and has missed nothing. A clock that was set back may be
///             before it: then nothing is due until it has come that far again.
/// @param at_most So many slots at a time; the others are due the next time.
[[nodiscard]] due_slots
find_due_slots(const schedule& when, std::optional<wall_time> last,
               wall_time now, missed_slots missed, std::size_t at_most);

} // namespace troupe::rules
