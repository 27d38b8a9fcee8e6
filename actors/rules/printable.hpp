// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace troupe::rules {

/// A character at the beginning of a text.
struct character {
  char32_t code;
  /// How many bytes it takes; zero if it is no UTF-8.
  std::size_t length;
};

/// Reads UTF-8.
/// @pre `text` is not empty
[[nodiscard]] character first_of(std::string_view text);

/// Whether a byte of UTF-8 belongs to the character before it.
[[nodiscard]] constexpr bool continues(char byte) noexcept {
  return (static_cast<unsigned char>(byte) & 0xc0u) == 0x80u;
}

/// Some characters: from the first to the last, both included.
struct code_range {
  char32_t first;
  char32_t last;
};

[[nodiscard]] bool is_in(char32_t code, std::span<const code_range> ranges);

/// Whether there are control characters in `text`: U+0000 to U+001F, U+007F to
/// U+009F.
[[nodiscard]] bool has_control(std::string_view text) noexcept;

/// Makes UTF-8 of a text: bytes that are none become escapes, such as `\xff`.
[[nodiscard]] std::string as_utf8(std::string_view text);

/// Makes one line of a text, harmless for a log and for a terminal: line breaks
/// and whatever else a terminal would obey, hide or turn around become escapes,
/// such as `\x0a` or `\u{202e}`; so do bytes that are no UTF-8. A line that
/// went through this once stays as it is.
[[nodiscard]] std::string printable(std::string_view text);

} // namespace troupe::rules
