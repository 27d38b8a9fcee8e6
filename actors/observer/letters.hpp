// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <algorithm>
#include <string_view>

namespace troupe::observing {

/// The lower case of an ASCII letter; other bytes stay, whatever the locale.
inline char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whether two words differ in nothing but the case of ASCII letters.
inline bool same_word(std::string_view x, std::string_view y) noexcept {
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

} // namespace troupe::observing
