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
  return std::max(std::min<timespan>(delay, options.max), timespan::zero());
}

double sample(std::uint64_t& state) noexcept {
  // splitmix64: eight bytes of state, and jitter asks for no more.
  state += 0x9E3779B97F4A7C15u;
  auto x = state;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  x ^= x >> 31;
  constexpr auto most
    = static_cast<double>(std::numeric_limits<std::uint64_t>::max());
  return 2.0 * (static_cast<double>(x) / most) - 1.0;
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
