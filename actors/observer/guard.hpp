// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <string>
#include <string_view>

namespace troupe::observing {

/// Whether an address is one that only programs of this machine reach.
[[nodiscard]] bool is_loopback(std::string_view address) noexcept;

/// Whether the header `Host` names this machine by a name that nobody else can
/// have given to it: a page of somebody else's, whose name he lets point to
/// 127.0.0.1, must not read what an observer says. The port does not matter.
[[nodiscard]] bool is_local_host(std::string_view host) noexcept;

/// Whether a request may change something.
enum class permission {
  granted,
  no_token, ///< The observer has none, so nobody may.
  missing,  ///< The request has none.
  wrong,
};

/// Looks at the header `Authorization`. Takes the same time for each token of a
/// length, so that nobody finds it letter by letter.
[[nodiscard]] permission may_change(std::string_view token,
                                    std::string_view authorization) noexcept;

/// Checks a token that somebody has configured.
/// @throws std::invalid_argument if it is too easily guessed, or cannot stand
///         in a header.
void check_token(const std::string& token);

} // namespace troupe::observing
