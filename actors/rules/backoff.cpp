// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/backoff.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <ratio>

namespace troupe::rules {

timespan backoff_delay(const restart_backoff& options, std::uint32_t n,
                       double u) noexcept {
  using nanoseconds = std::chrono::duration<double, std::nano>;
  // Finite, as infinity times a jitter that takes all away is not a number.
  const auto grown
    = std::min(nanoseconds{options.initial}.count()
                 * std::pow(options.factor, static_cast<double>(n)),
               std::numeric_limits<double>::max());
  const auto delay
    = to_timespan(nanoseconds{grown * (1.0 + options.jitter * u)});
  return std::max(std::min(delay, options.max), timespan::zero());
}

backoff::backoff(const restart_backoff& options) noexcept : options_(options) {
  // nop
}

bool backoff::on() const noexcept {
  return options_.initial > timespan::zero();
}

void backoff::ready(time_point now) noexcept {
  ready_since_ = now;
}

void backoff::ended(time_point now) noexcept {
  if (ready_since_ != never
      && time_left(now, ready_since_) >= options_.reset_after)
    n_ = 0;
  ready_since_ = never;
}

void backoff::mark_healthy() noexcept {
  n_ = 0;
}

timespan backoff::next(double u) noexcept {
  const auto n = n_;
  if (n_ < std::numeric_limits<std::uint32_t>::max())
    ++n_;
  return backoff_delay(options_, n, u);
}

} // namespace troupe::rules
