// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstdint>
#include <string_view>

namespace pipeline {

/// Faults to order. Which lines are hit depends on the seed and the line alone,
/// so a run can be repeated, whatever thread comes first.
struct chaos {
  /// From 0, never, to 1, always.
  double probability = 0;

  uint64_t seed = 0;

  /// @param who Each has bad luck of its own.
  [[nodiscard]] bool strikes(std::string_view who, std::string_view file,
                             uint64_t number) const noexcept;
};

} // namespace pipeline
