// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "system/runtime.hpp"
#include "troupe/time.hpp"

#include <chrono>

namespace troupe::observing {

/// The time of the wall clock, in seconds since 1970, at a point in time of the
/// workers' clock. A value; when somebody sets the wall clock, it does not
/// follow.
class wall_time {
public:
  explicit wall_time(detail::runtime& rt)
    : offset_(std::chrono::system_clock::now().time_since_epoch()
              - rt.time().now().time_since_epoch()) {
    // nop
  }

  [[nodiscard]] double of(time_point x) const noexcept {
    return std::chrono::duration<double>(x.time_since_epoch() + offset_)
      .count();
  }

private:
  timespan offset_;
};

} // namespace troupe::observing
