// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/enum_names.hpp"
#include <cstdint>
#include <string>

namespace troupe {

/// Which worker of a pool gets a message.
enum class routing : std::uint8_t {
  /// One after another.
  round_robin,
  /// The one with the fewest messages, queued and in progress; in turn among
  /// those that have equally few.
  least_busy,
  /// The one to which the message's key belongs: the same for each message with
  /// that key, also after a restart.
  by_key,
};

/// @relates routing
constexpr detail::name_list<3> names_of(routing) noexcept {
  return {"round_robin", "least_busy", "by_key"};
}

} // namespace troupe
