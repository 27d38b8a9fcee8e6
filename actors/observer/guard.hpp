// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "observer/http_message.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::observing {

/// How many bytes a request may have, with its body.
inline constexpr std::size_t longest_request = 16 * 1024;

/// How many bytes a body may have.
inline constexpr std::size_t longest_body = 4096;

/// How many bytes the path of a request may have, with its query.
inline constexpr std::size_t longest_target = 8192;

/// Whether an address is one that only programs of this machine reach.
[[nodiscard]] bool is_loopback(std::string_view address) noexcept;

/// A machine, as the header `Host` names it.
enum class host_name {
  /// This one, by a name that nobody else can have given to it.
  local,
  /// Another one, or this one by a name that somebody may have pointed to it.
  foreign,
  /// No machine: it cannot be the name of one.
  malformed,
};

/// Reads the header `Host`: a name or an address, and perhaps a port, which
/// does not matter.
[[nodiscard]] host_name read_host(std::string_view host) noexcept;

/// The parts of a request's head that decide whether it is served at all.
struct request_head {
  std::string_view target = "/";
  bool is_http_1_0 = false;
  std::size_t hosts = 1; // how many headers of that name
  std::string_view host = "localhost";
  std::size_t authorizations = 0;
  bool has_transfer_encoding = false;
  bool has_expectation = false;
  std::uint64_t content_length = 0;
};

/// Looks at the head of a request. After a refusal the connection has to be
/// closed: nobody knows where the next request begins.
/// @param is_private Whether the observer listens on a loopback address: a page
///                   of somebody else's, whose name he lets point to 127.0.0.1,
///                   must not read what it says.
/// @returns nothing if it is to be served.
[[nodiscard]] std::optional<http_answer> check_head(const request_head& x,
                                                    bool is_private);

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
