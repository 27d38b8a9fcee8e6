// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/durable/options.hpp"
#include "troupe/time.hpp"

#include <chrono>

namespace troupe::durable {

/// The *slots* of a periodic job: points in time on the wall clock on which all
/// processes agree. A cheap value.
class schedule {
public:
  /// One slot each `interval`, counted from the beginning of 1970 in UTC: with
  /// `1h` at each full hour, with `24h` at midnight.
  /// @param interval At least 1 ms; a fraction of a microsecond is cut off.
  /// @throws std::invalid_argument if it is shorter.
  template <class Rep, class Period>
  schedule(std::chrono::duration<Rep, Period> interval) // as it is written
    : schedule(to_timespan(interval)) {
    // nop
  }

  /// @copydoc schedule
  schedule(timespan interval);

  /// The last slot that has begun.
  [[nodiscard]] wall_time last(wall_time now) const noexcept;

  /// The first slot that begins after `x`; the end of time if that is too far
  /// away.
  [[nodiscard]] wall_time next(wall_time x) const noexcept;

private:
  std::chrono::microseconds interval_;
};

} // namespace troupe::durable
