// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/schedule.hpp"

#include "rules/slots.hpp"
#include "time/zone_file.hpp"

#include <stdexcept>
#include <string>
#include <utility>

namespace troupe {

using namespace std::chrono_literals;

schedule::schedule(timespan interval)
  : interval_(std::chrono::floor<std::chrono::microseconds>(interval)) {
  if (interval < 1ms)
    throw std::invalid_argument(
      "the interval of a schedule is "
      + std::to_string(std::chrono::duration<double>(interval).count())
      + " s; it must be at least 1 ms");
}

schedule::schedule(std::shared_ptr<const rules::cron_plan> plan) noexcept
  : plan_(std::move(plan)) {
  // nop
}

wall_time schedule::last(wall_time now) const noexcept {
  if (!plan_)
    return rules::slot_at(now, interval_);
  const auto found
    = rules::last_slot(*plan_, std::chrono::floor<std::chrono::seconds>(now));
  return found ? wall_time{*found} : wall_time::min();
}

wall_time schedule::next(wall_time x) const noexcept {
  if (plan_) {
    const auto found
      = rules::next_slot(*plan_, std::chrono::floor<std::chrono::seconds>(x));
    return found ? wall_time{*found} : wall_time::max();
  }
  const auto slot = last(x);
  return interval_ > wall_time::max() - slot ? wall_time::max()
                                             : slot + interval_;
}

schedule cron(std::string_view line, std::string_view zone) {
  auto plan = std::make_shared<rules::cron_plan>();
  plan->line = rules::parse_cron(line);
  plan->zone = detail::load_time_zone(zone);
  return schedule{std::move(plan)};
}

} // namespace troupe
