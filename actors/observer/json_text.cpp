// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/json_text.hpp"

#include "rules/printable.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace troupe::observing {

namespace {

/// Whether a character stands for itself in a string, as nearly all do.
bool is_plain(char c) noexcept {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

} // namespace

void json_text::separate() {
  if (!text_.empty() && text_.back() != '{' && text_.back() != '[')
    text_ += ',';
}

void json_text::write_name(std::string_view name) {
  separate();
  write_string(name);
  text_ += ':';
}

void json_text::write_number(double x) {
  if (!std::isfinite(x)) {
    text_ += "null"; // JSON knows no other.
    return;
  }
  std::array<char, 32> buffer{};
  const auto [end, err] = std::to_chars(buffer.begin(), buffer.end(), x);
  static_cast<void>(err);
  text_.append(buffer.begin(), end);
}

void json_text::write_string(std::string_view x) {
  using nlohmann::json;
  if (!std::all_of(x.begin(), x.end(), is_plain)) {
    text_ += json(rules::as_utf8(x)).dump();
    return;
  }
  text_ += '"';
  text_ += x;
  text_ += '"';
}

} // namespace troupe::observing
