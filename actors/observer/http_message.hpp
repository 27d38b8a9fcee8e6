// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::observing {

/// A request, as far as its answer depends on it.
struct http_request {
  using parameters = std::vector<std::pair<std::string, std::string>>;

  std::string method; // `GET`
  std::string path;   // decoded
  parameters query;   // decoded
  std::string authorization;
  std::string last_event_id;
  std::string client; // its address
  bool takes_gzip = false;

  /// @returns the first parameter of that name, or null.
  [[nodiscard]] const std::string* find(std::string_view name) const noexcept;

  /// Whether it only reads.
  [[nodiscard]] bool reads() const noexcept {
    return method == "GET" || method == "HEAD";
  }
};

/// Where a stream of events begins, and whose events it has.
struct stream_request {
  std::uint64_t after = 0;
  std::string under; // a path, or empty for all
};

/// The answer to a request.
struct http_answer {
  unsigned status = 200;
  std::string content_type;
  std::string body;
  /// A policy of its own; by default nothing may be loaded from it.
  std::string content_policy;
  /// Further headers: names and values.
  std::vector<std::pair<std::string, std::string>> headers;
  /// Instead of a body: the events that follow.
  std::optional<stream_request> stream;
};

/// An answer that says in JSON what is wrong.
[[nodiscard]] http_answer refusal(unsigned status, std::string_view why);

/// Reads `/status.json?path=/a%23b`: the path and the query of a request.
/// Escapes that are none stand for themselves.
/// @returns `false` if it does not begin with a slash.
[[nodiscard]] bool parse_target(std::string_view target, http_request& result);

/// Whether the header `Accept-Encoding` says that gzip is welcome.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding) noexcept;

/// Reads a decimal number, and nothing else.
[[nodiscard]] std::optional<std::uint64_t>
parse_number(std::string_view text) noexcept;

/// A text as a gzip file, packed in little time rather than well.
/// @throws std::bad_alloc
[[nodiscard]] std::string to_gzip(std::string_view text);

} // namespace troupe::observing
