// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <chrono>
#include <cstdint>

/// The times of a lease, as its holder counts them. All of them are points in
/// time of the holder's boot clock, which goes on while the machine is asleep.
namespace troupe::cluster::rules {

using lease_id = std::int64_t;

/// The shortest lease that makes sense: the directories know whole seconds.
inline constexpr timespan least_ttl = std::chrono::seconds{2};

/// The longest one.
inline constexpr timespan most_ttl = std::chrono::hours{1};

/// How long a holder believes in a lease of length `ttl`. The rest is for
/// clocks that drift: up to a tenth between holder and grantor.
[[nodiscard]] constexpr timespan belief(timespan ttl) noexcept {
  return ttl - ttl / 10;
}

/// Until when a lease is valid that was asked for, or renewed, at `asked`: that
/// is before the grantor's answer, from which the grantor counts. (N1)
[[nodiscard]] constexpr time_point valid_until(time_point asked,
                                               timespan ttl) noexcept {
  return deadline_after(asked, belief(ttl));
}

/// How long after a renewal was asked for the next one is.
[[nodiscard]] constexpr timespan renew_after(timespan ttl) noexcept {
  return ttl / 5;
}

/// How long an answer may take before the question is asked again.
[[nodiscard]] constexpr timespan answer_within(timespan ttl) noexcept {
  return ttl / 10;
}

/// How long after a question that has failed it is asked again.
[[nodiscard]] constexpr timespan retry_after(timespan ttl) noexcept {
  return ttl / 20;
}

/// The longest time that a worker may take to stop and still be over by the end
/// of its grant: three renewals may get no answer before it is told to.
[[nodiscard]] constexpr timespan longest_stop(timespan ttl) noexcept {
  return belief(ttl) - renew_after(ttl) - 3 * answer_within(ttl);
}

/// The shortest lease with which a worker may take `stop` to stop, in whole
/// seconds, or `infinite` if there is none. (N5)
[[nodiscard]] constexpr timespan ttl_for(timespan stop) noexcept {
  if (stop > longest_stop(most_ttl))
    return infinite;
  auto result = least_ttl;
  if (stop > timespan::zero()) {
    // longest_stop is two fifths.
    const auto exact = stop / 2 * 5;
    const auto whole = std::chrono::ceil<std::chrono::seconds>(exact);
    result = whole > result ? timespan{whole} : result;
  }
  while (longest_stop(result) < stop)
    result += std::chrono::seconds{1};
  return result;
}

} // namespace troupe::cluster::rules
