// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "probes/probes.hpp"

#include <array>

namespace troupe::bench {

std::span<const probe> probes() noexcept {
  static constexpr std::array all{
    probe{"raw_workers", raw_workers},
    probe{"troupe_workers", troupe_workers},
  };
  return all;
}

} // namespace troupe::bench
