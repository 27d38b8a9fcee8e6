// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <chrono>
#include <cstdint>

namespace support {

/// Where chance comes from: the same seed, the same choices, everywhere.
class dice {
public:
  explicit dice(std::uint64_t seed) : state_(seed) {
    // nop
  }

  /// A number below `end`.
  std::uint64_t below(std::uint64_t end) {
    return next() % end;
  }

  bool chance(unsigned percent) {
    return below(100) < percent;
  }

  /// A time of up to `most` milliseconds.
  troupe::timespan time(std::uint64_t most) {
    return std::chrono::milliseconds{below(most + 1)};
  }

  std::uint64_t next() {
    // SplitMix64.
    auto z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

private:
  std::uint64_t state_;
};

} // namespace support
