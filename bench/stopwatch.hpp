// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <chrono>

namespace troupe::bench {

using stopwatch = std::chrono::steady_clock;

[[nodiscard]] inline double nanos_since(stopwatch::time_point start) {
  return std::chrono::duration<double, std::nano>(stopwatch::now() - start)
    .count();
}

} // namespace troupe::bench
