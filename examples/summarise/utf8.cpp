// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "utf8.hpp"

namespace summarise {

namespace {

unsigned char byte_at(std::string_view text, size_t index) {
  return static_cast<unsigned char>(text[index]);
}

/// The length of the sequence that begins with the first byte of `text`, or 0
/// if it is not valid. This is table 3-7 of the Unicode standard.
size_t sequence_length(std::string_view text) {
  const auto first = byte_at(text, 0);
  if (first < 0x80)
    return 1;
  auto length = size_t{0};
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0)
      low = 0xA0; // else overlong
    else if (first == 0xED)
      high = 0x9F; // else a surrogate
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0)
      low = 0x90; // else overlong
    else if (first == 0xF4)
      high = 0x8F; // else beyond U+10FFFF
  }
  if (length == 0 || text.size() < length)
    return 0;
  for (size_t i = 1; i < length; ++i) {
    if (byte_at(text, i) < low || byte_at(text, i) > high)
      return 0;
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

bool is_control(std::string_view sequence) {
  const auto first = byte_at(sequence, 0);
  return first < 0x20 || first == 0x7F
         || (first == 0xC2 && byte_at(sequence, 1) < 0xA0);
}

} // namespace

std::optional<size_t> find_invalid_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto length = sequence_length(text.substr(i));
    if (length == 0)
      return i;
    i += length;
  }
  return std::nullopt;
}

std::string printable(std::string_view text) {
  auto result = std::string{};
  result.reserve(text.size());
  while (!text.empty()) {
    const auto length = sequence_length(text);
    if (length == 0) {
      result += '?';
      text.remove_prefix(1);
      continue;
    }
    const auto sequence = text.substr(0, length);
    if (is_control(sequence))
      result += ' ';
    else
      result += sequence;
    text.remove_prefix(length);
  }
  return result;
}

size_t length_of(std::string_view text) {
  auto result = size_t{0};
  for (const auto c : text)
    result += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return result;
}

std::string shortened(std::string_view text, size_t max_length) {
  if (length_of(text) <= max_length)
    return std::string{text};
  auto result = std::string{};
  for (size_t i = 1; i < max_length; ++i) {
    const auto length = sequence_length(text);
    result += text.substr(0, length);
    text.remove_prefix(length);
  }
  return result + "…";
}

} // namespace summarise
