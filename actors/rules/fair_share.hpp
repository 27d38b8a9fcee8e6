// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <chrono>
#include <cstddef>

namespace troupe::rules {

/// How long a worker has a thread of the scheduler when others may wait for it.
/// The step that runs when the time is over is finished. (L35)
inline constexpr timespan turn_length = std::chrono::milliseconds{1};

/// How many steps it may take in a row without a wait, however short they are.
inline constexpr std::size_t turn_steps = 128;

/// After how many steps in a row to look at the clock for the first time. Most
/// turns are a single step; these need no clock.
inline constexpr std::size_t first_look = 2;

/// Returns when to look again if there was time left after `steps`: soon at
/// first, for steps that take long, and rarely later on, for short ones.
[[nodiscard]] std::size_t next_look(std::size_t steps) noexcept;

/// The time of one turn. It begins with the first look at the clock.
class turn_time {
public:
  /// @returns whether the time is over.
  bool look(time_point now) noexcept;

  /// The result of the last look.
  [[nodiscard]] bool over() const noexcept {
    return over_;
  }

private:
  time_point begun_ = never;
  bool over_ = false;
};

} // namespace troupe::rules
