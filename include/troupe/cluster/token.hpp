// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace troupe::cluster {

/// The number of a grant, by which a resource refuses the writes of a former
/// holder. Tokens of one key only grow. (N4, N6)
struct token {
  /// The life of the directory: its operator raises it when a directory is set
  /// up anew, since its revisions begin anew then.
  std::uint32_t generation = 0;

  /// The revision of the directory at which the key was made.
  std::int64_t revision = 0;

  /// One number for both, for a column of a database: it grows as the token
  /// does, up to a generation of 2^15 - 1 and a revision of 2^48 - 1.
  [[nodiscard]] constexpr std::int64_t number() const noexcept {
    return (static_cast<std::int64_t>(generation) << 48) | revision;
  }

  friend constexpr auto operator<=>(const token&, const token&) = default;
};

/// The text of a token: `1.4711`.
[[nodiscard]] inline std::string to_string(const token& x) {
  return std::to_string(x.generation) + "." + std::to_string(x.revision);
}

} // namespace troupe::cluster
