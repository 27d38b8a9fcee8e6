// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <caf/error.hpp>
#include <caf/fwd.hpp>

#include <string>
#include <string_view>

namespace troupe::observing {

/// Does what somebody wants done with a child, and waits until its supervisor
/// has done it.
/// @param verb `restart`, which stops it first if it runs, `stop` or `start`.
/// @param path That of the child: `/pipeline/fetcher`.
/// @returns nothing, or why it was not done; `errc::not_found` if there is no
///          such child, `errc::timed_out` if it takes longer than that.
[[nodiscard]] caf::error control(caf::actor_system& sys, std::string_view verb,
                                 const std::string& path, timespan timeout);

/// The status of HTTP for such an error.
[[nodiscard]] int status_of(const caf::error& why) noexcept;

} // namespace troupe::observing
