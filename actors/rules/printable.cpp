// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/printable.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace troupe::rules {

namespace {

/// Controls, what reverses or hides text, what has no width, private use.
constexpr std::array<code_range, 15> unprintable{{
  {0x00, 0x1f},
  {0x7f, 0x9f},
  {0xad, 0xad},
  {0x061c, 0x061c},
  {0x115f, 0x1160},
  {0x180b, 0x180f},
  {0x200b, 0x200f},
  {0x2028, 0x202e},
  {0x2060, 0x206f},
  {0x3164, 0x3164},
  {0xe000, 0xf8ff},
  {0xfe00, 0xfe0f},
  {0xfeff, 0xfeff},
  {0xfff0, 0xfffb},
  {0xe0000, 0x10ffff},
}};

/// Whether a byte stands for itself, as nearly all do.
constexpr bool is_plain(char byte) noexcept {
  return byte >= 0x20 && byte < 0x7f;
}

template <class... Ts>
std::string format(const char* how, Ts... xs) {
  std::array<char, 64> buffer{};
  const auto length = std::snprintf(buffer.data(), buffer.size(), how, xs...);
  return {buffer.data(), static_cast<std::size_t>(std::max(length, 0))};
}

std::string escaped(char byte) {
  return format("\\x%02x",
                static_cast<unsigned>(static_cast<unsigned char>(byte)));
}

} // namespace

bool is_in(char32_t code, std::span<const code_range> ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [code](const code_range& x) {
    return code >= x.first && code <= x.last;
  });
}

character first_of(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80)
    return {lead, 1};
  const std::size_t length = lead < 0xc2    ? 0
                             : lead < 0xe0  ? 2
                             : lead < 0xf0  ? 3
                             : lead <= 0xf4 ? 4
                                            : 0;
  if (length == 0 || text.size() < length)
    return {0, 0};
  char32_t code = lead & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (!continues(text[i]))
      return {0, 0};
    code = (code << 6) | (static_cast<unsigned char>(text[i]) & 0x3fu);
  }
  const auto overlong = (length == 3 && code < 0x800)
                        || (length == 4 && code < 0x10000);
  const auto surrogate = code >= 0xd800 && code <= 0xdfff;
  return overlong || surrogate || code > 0x10ffff ? character{0, 0}
                                                  : character{code, length};
}

bool has_control(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f)
      return true;
    if (byte != 0xc2 || i + 1 == text.size())
      continue;
    // U+0080 to U+009F
    if (const auto next = static_cast<unsigned char>(text[i + 1]);
        next >= 0x80 && next <= 0x9f)
      return true;
  }
  return false;
}

std::string as_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto next = first_of(text);
    result += next.length == 0 ? escaped(text[0])
                               : std::string{text.substr(0, next.length)};
    text.remove_prefix(std::max<std::size_t>(next.length, 1));
  }
  return result;
}

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_plain);
    const auto plain = static_cast<std::size_t>(end - text.begin());
    result += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty())
      break;
    const auto next = first_of(text);
    if (next.length == 0 || next.code < 0x20 || next.code == 0x7f)
      result += escaped(text[0]);
    else if (is_in(next.code, unprintable))
      result += format("\\u{%x}", static_cast<unsigned>(next.code));
    else
      result += text.substr(0, next.length);
    text.remove_prefix(std::max<std::size_t>(next.length, 1));
  }
  return result;
}

} // namespace troupe::rules
