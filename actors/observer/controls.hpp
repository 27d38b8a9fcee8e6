// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <caf/error.hpp>
#include <caf/fwd.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace troupe::observing {

/// A request that concerns a child.
struct command {
  std::string path;   // that of the child: `/pipeline/fetcher`
  std::string verb;   // `restart`, `stop` or `start`
  std::string client; // the address from which the request came
};

/// Reads `/children/pipeline/fetcher/restart`.
/// @returns nothing if it is something else.
[[nodiscard]] std::optional<command> parse_command(std::string_view target);

/// The reason for it, as the event and the log give it.
[[nodiscard]] std::string reason_of(const command& what);

/// Does what somebody wants done with a child, and waits until its supervisor
/// has done it.
/// @param what A `restart` stops it first if it runs.
/// @returns nothing, or why it was not done; `errc::not_found` if there is no
///          such child, `errc::timed_out` if it takes longer than that.
[[nodiscard]] caf::error control(caf::actor_system& sys, const command& what,
                                 timespan timeout);

/// The status of HTTP for such an error.
[[nodiscard]] int status_of(const caf::error& why) noexcept;

} // namespace troupe::observing
