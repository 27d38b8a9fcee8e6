// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/slots.hpp"

#include <algorithm>
#include <limits>

namespace troupe::rules {

namespace {

using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

/// `std::chrono` counts years up to 32767, and a wall clock up to 294247.
constexpr sys_seconds first_slot{
  std::chrono::sys_days{std::chrono::year{1} / std::chrono::January / 1}};

constexpr sys_seconds end_of_slots{
  std::chrono::sys_days{std::chrono::year{10'000} / std::chrono::January / 1}};

/// The clocks of a zone at a moment.
local_seconds clocks_at(sys_seconds x, seconds offset) {
  return local_seconds{x.time_since_epoch() + offset};
}

/// The first moment of a period at which the clocks show a time that they have
/// not shown in the last one.
local_seconds new_time(const zone_period& before, const zone_period& now) {
  return clocks_at(now.begin, std::max(before.offset, now.offset));
}

} // namespace

std::optional<sys_seconds> next_slot(const cron_plan& plan, sys_seconds x) {
  const auto& [line, zone] = plan;
  x = std::max(x, first_slot);
  auto period = zone.period_at(x);
  auto from = clocks_at(x, period.offset) + seconds{1};
  if (!line.repeats && period.begin > first_slot)
    from = std::max(from, new_time(zone.period_at(period.begin - seconds{1}),
                                   period));
  for (;;) {
    const auto end = std::min(period.end, end_of_slots);
    if (auto found = find_minute(line, from, clocks_at(end, period.offset)))
      return sys_seconds{found->time_since_epoch() - period.offset};
    if (end == end_of_slots)
      return {};
    const auto before = period;
    period = zone.period_at(period.end);
    if (line.repeats) {
      from = clocks_at(period.begin, period.offset);
      continue;
    }
    // The times that the clocks leave out, if they are set forward.
    if (find_minute(line, clocks_at(period.begin, before.offset),
                    clocks_at(period.begin, period.offset)))
      return period.begin;
    from = new_time(before, period);
  }
}

std::optional<sys_seconds> last_slot(const cron_plan& plan, sys_seconds now) {
  now = std::min(now, end_of_slots - seconds{1});
  // The later one asks, the later is the next slot: the last moment whose next
  // slot has begun is the one before the slot in question.
  auto has_begun = [&](sys_seconds x) {
    const auto next = next_slot(plan, x);
    return next && *next <= now;
  };
  seconds far = std::chrono::minutes{1};
  while (!has_begun(now - far)) {
    if (now - far < first_slot)
      return {};
    far *= 2;
  }
  auto near = seconds{0};
  while (far - near > seconds{1}) {
    const auto middle = near + (far - near) / 2;
    (has_begun(now - middle) ? far : near) = middle;
  }
  return next_slot(plan, now - far);
}

wall_time slot_at(wall_time now, std::chrono::microseconds interval) noexcept {
  const auto length = interval.count();
  const auto at = now.time_since_epoch().count();
  constexpr auto first = std::numeric_limits<decltype(length)>::min();
  auto begin = at - at % length; // in the direction of zero
  if (begin > at)
    begin = begin < first + length ? first : begin - length;
  return wall_time{std::chrono::microseconds{begin}};
}

due_slots find_due_slots(const schedule& when, std::optional<wall_time> last,
                         wall_time now, missed_slots missed,
                         std::size_t at_most) {
  const auto latest = when.last(now);
  if (!last)
    return {{}, latest};
  if (latest <= *last)
    return {{}, *last};
  due_slots result{{}, latest};
  switch (missed) {
    case missed_slots::skip:
      if (now - latest <= on_time)
        result.slots.push_back(latest);
      break;
    case missed_slots::once:
      result.slots.push_back(latest);
      break;
    case missed_slots::all:
      for (auto x = when.next(*last); x <= latest; x = when.next(x)) {
        if (result.slots.size() == at_most)
          break;
        result.slots.push_back(x);
      }
      result.last = result.slots.back();
      break;
  }
  return result;
}

} // namespace troupe::rules
