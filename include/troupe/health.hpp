// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/inspect_enum.hpp"

#include <cstdint>
#include <string>

namespace troupe {

/// What a worker says about itself while it runs, see `worker::degraded`. Ends
/// and restarts are another matter: those nobody needs to report.
enum class health : std::uint8_t {
  /// It does its work; also, it has said nothing else.
  healthy,
  /// It runs, and does not do all of its work, or not as it should.
  degraded,
};

/// @relates health
std::string to_string(health x);

/// @relates health
constexpr health last_enumerator(health) noexcept {
  return health::degraded;
}

/// The worse of both.
/// @relates health
constexpr health worst_of(health x, health y) noexcept {
  return x < y ? y : x;
}

} // namespace troupe
