// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/fair_share.hpp"

#include <algorithm>

namespace troupe::rules {

std::size_t next_look(std::size_t steps) noexcept {
  constexpr std::size_t most_unseen = 32;
  return steps + std::clamp(steps - 1, std::size_t{1}, most_unseen);
}

bool turn_time::look(time_point now) noexcept {
  if (begun_ == never)
    begun_ = now;
  over_ = over_ || now - begun_ >= turn_length;
  return over_;
}

} // namespace troupe::rules
