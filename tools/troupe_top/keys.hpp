// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe_top {

/// A key that somebody has pressed.
struct key {
  enum class kind : std::uint8_t {
    text,
    up,
    down,
    left,
    right,
    page_up,
    page_down,
    home,
    end,
    enter,
    backspace,
    escape,
    other,
  };

  kind what = kind::other;
  /// For `text`, one character in UTF-8.
  std::string text;

  friend bool operator==(const key&, const key&) = default;
};

/// Makes keys of what a terminal sends. What belongs to one key may come in
/// pieces.
class key_decoder {
public:
  /// @param bytes What has been read at once. An escape at its end is the key
  ///              of that name: terminals send their sequences in one piece.
  std::vector<key> feed(std::string_view bytes);

private:
  /// Takes one key off the front.
  /// @returns whether there was a whole one.
  bool take(key& to);

  bool take_sequence(key& to);

  bool take_text(key& to);

  std::string pending_;
};

} // namespace troupe_top
