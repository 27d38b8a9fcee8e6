// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace summarise {

/// Why there is no summary.
struct failure {
  enum class cause {
    /// The server could not be reached, or the connection broke, or it was
    /// silent for too long.
    connection,
    /// There will never be a connection: a bad URL, an untrusted certificate.
    no_way,
    /// The server answered with an error status.
    status,
    /// An `error` event came in the middle of the stream.
    error_event,
    /// The stream ended before the message did.
    truncated,
    /// What came is not the Messages API.
    not_understood,
    /// The message is complete, but there is no text in it.
    no_text,
    /// The user did not want to wait any longer.
    stopped,
    /// Nobody sees what is printed.
    no_reader,
  };

  cause why = cause::connection;

  /// The HTTP status, or 0 if there was none.
  int status = 0;

  /// The error's type in the API's terms, such as "overloaded_error"; may be
  /// empty.
  std::string type;

  /// For people: what happened.
  std::string text;

  /// How long the server asks to wait.
  std::optional<std::chrono::milliseconds> retry_after;

  friend bool operator==(const failure&, const failure&) = default;
};

/// Thrown where there should have been a summary.
class no_summary : public std::runtime_error {
public:
  explicit no_summary(failure what)
    : std::runtime_error(what.text), why(std::move(what)) {
    // nop
  }

  failure why;
};

/// Reads a `retry-after` header that gives seconds, also parts of them.
/// @returns nothing if it is something else (the API never sends a date).
std::optional<std::chrono::milliseconds>
parse_retry_after(const std::string& header);

} // namespace summarise
