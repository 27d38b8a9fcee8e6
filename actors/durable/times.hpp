// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/durable/options.hpp"
#include "troupe/time.hpp"

#include <chrono>
#include <cstdint>

namespace troupe::durable {

[[nodiscard]] inline std::int64_t to_micros(wall_time x) noexcept {
  return x.time_since_epoch().count();
}

[[nodiscard]] inline wall_time from_micros(std::int64_t x) noexcept {
  return wall_time{std::chrono::microseconds{x}};
}

[[nodiscard]] inline std::int64_t to_nanos(time_point x) noexcept {
  return x.time_since_epoch().count();
}

/// The point in time `delay` after `now`, rounded up; the last one there is if
/// that is too far away.
[[nodiscard]] inline wall_time later(wall_time now, timespan delay) noexcept {
  const auto micros = std::chrono::ceil<std::chrono::microseconds>(delay);
  return micros > wall_time::max() - now ? wall_time::max() : now + micros;
}

} // namespace troupe::durable
