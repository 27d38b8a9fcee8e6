// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/durable/schedule.hpp"

#include "durable/rules.hpp"

#include <stdexcept>

namespace troupe::durable {

schedule::schedule(timespan interval)
  : interval_(std::chrono::floor<std::chrono::microseconds>(interval)) {
  if (auto wrong = rules::check_interval(interval); !wrong.empty())
    throw std::invalid_argument{wrong};
}

wall_time schedule::last(wall_time now) const noexcept {
  return rules::slot_at(now, interval_);
}

wall_time schedule::next(wall_time x) const noexcept {
  const auto slot = last(x);
  return interval_ > wall_time::max() - slot ? wall_time::max()
                                             : slot + interval_;
}

} // namespace troupe::durable
