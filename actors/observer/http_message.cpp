// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/http_message.hpp"

#include "observer/document.hpp"
#include "observer/letters.hpp"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <new>

namespace troupe::observing {

namespace {

int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/// @param plus What a plus sign stands for.
std::string decode(std::string_view text, char plus) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto is_escape = text[i] == '%' && text.size() - i > 2
                           && digit_of(text[i + 1]) >= 0
                           && digit_of(text[i + 2]) >= 0;
    if (is_escape) {
      result += static_cast<char>(digit_of(text[i + 1]) * 16
                                  + digit_of(text[i + 2]));
      i += 2;
    } else {
      result += text[i] == '+' ? plus : text[i];
    }
  }
  return result;
}

/// Cuts off the part before `separator`, and that.
std::string_view take_until(std::string_view& text, char separator) noexcept {
  const auto end = std::min(text.find(separator), text.size());
  const auto result = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return result;
}

std::string_view trimmed(std::string_view x) noexcept {
  const auto first = x.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return x.substr(first, x.find_last_not_of(" \t") + 1 - first);
}

/// Whether a weight, such as `q=0.5`, is more than zero.
bool is_wanted(std::string_view parameter) noexcept {
  parameter = trimmed(parameter);
  if (parameter.size() < 2 || lower(parameter[0]) != 'q' || parameter[1] != '=')
    return true;
  return parameter.find_first_not_of("0.", 2) != std::string_view::npos;
}

} // namespace

const std::string* http_request::find(std::string_view name) const noexcept {
  for (const auto& [key, value] : query)
    if (key == name)
      return &value;
  return nullptr;
}

http_answer refusal(unsigned status, std::string_view why) {
  http_answer result;
  result.status = status;
  result.content_type = "application/json";
  result.body = error_document(why);
  return result;
}

bool parse_target(std::string_view target, http_request& result) {
  if (!target.starts_with('/'))
    return false;
  target = take_until(target, '#');
  result.path = decode(take_until(target, '?'), '+');
  while (!target.empty()) {
    auto value = take_until(target, '&');
    const auto name = take_until(value, '=');
    if (!name.empty())
      result.query.emplace_back(decode(name, ' '), decode(value, ' '));
  }
  return true;
}

bool accepts_gzip(std::string_view accept_encoding) noexcept {
  auto by_star = false;
  while (!accept_encoding.empty()) {
    auto parameter = take_until(accept_encoding, ',');
    const auto coding = trimmed(take_until(parameter, ';'));
    if (same_word(coding, "gzip"))
      return is_wanted(parameter);
    if (coding == "*")
      by_star = is_wanted(parameter);
  }
  return by_star;
}

std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
  std::uint64_t result = 0;
  const auto [end, err] = std::from_chars(text.data(),
                                          text.data() + text.size(), result);
  if (err != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return result;
}

std::string to_gzip(std::string_view text) {
  // 15 bits of window, and 16 for the format of gzip.
  constexpr int window = 15 + 16;
  z_stream packer{};
  if (deflateInit2(&packer, Z_BEST_SPEED, Z_DEFLATED, window, 8,
                   Z_DEFAULT_STRATEGY)
      != Z_OK)
    throw std::bad_alloc{};
  std::string result;
  try {
    result.resize(deflateBound(&packer, static_cast<uLong>(text.size())));
  } catch (...) {
    deflateEnd(&packer);
    throw;
  }
  // zlib does not write there.
  packer.next_in
    = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));
  packer.avail_in = static_cast<uInt>(text.size());
  packer.next_out = reinterpret_cast<Bytef*>(result.data());
  packer.avail_out = static_cast<uInt>(result.size());
  const auto end = deflate(&packer, Z_FINISH);
  result.resize(packer.total_out);
  deflateEnd(&packer);
  if (end != Z_STREAM_END)
    throw std::bad_alloc{};
  return result;
}

} // namespace troupe::observing
