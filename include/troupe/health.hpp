// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/enum_names.hpp"

#include <cstdint>
#include <string>

namespace troupe {

/// The health that a worker reports while it runs, see `worker::degraded`. Ends
/// and restarts need no report.
enum class health : std::uint8_t {
  /// It does its work; also, it has said nothing else.
  healthy,
  /// It runs, and does not do all of its work, or not as it should.
  degraded,
};

/// @relates health
constexpr detail::name_list<2> names_of(health) noexcept {
  return {"healthy", "degraded"};
}

/// The worse of both.
/// @relates health
constexpr health worst_of(health x, health y) noexcept {
  return x < y ? y : x;
}

} // namespace troupe
