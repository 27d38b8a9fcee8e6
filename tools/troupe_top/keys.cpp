// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "keys.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace troupe_top {

namespace {

using kind = key::kind;

constexpr char escape = '\x1b';

/// What follows `ESC [` or `ESC O`, and what it means.
constexpr std::array<std::pair<std::string_view, kind>, 14> sequences{{
  {"A", kind::up},
  {"B", kind::down},
  {"C", kind::right},
  {"D", kind::left},
  {"H", kind::home},
  {"F", kind::end},
  {"1~", kind::home},
  {"4~", kind::end},
  {"5~", kind::page_up},
  {"6~", kind::page_down},
  {"7~", kind::home},
  {"8~", kind::end},
  {"M", kind::enter},
  {"3~", kind::other},
}};

std::size_t length_of(unsigned char lead) {
  return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
}

} // namespace

std::vector<key> key_decoder::feed(std::string_view bytes) {
  pending_ += bytes;
  std::vector<key> result;
  for (key next; take(next); next = {})
    result.push_back(next);
  return result;
}

bool key_decoder::take(key& to) {
  if (pending_.empty())
    return false;
  const auto first = pending_[0];
  if (first == escape)
    return take_sequence(to);
  if (static_cast<unsigned char>(first) >= ' ' && first != 0x7f)
    return take_text(to);
  pending_.erase(0, 1);
  to.what = first == '\r' || first == '\n'   ? kind::enter
            : first == 0x7f || first == '\b' ? kind::backspace
                                             : kind::other;
  return true;
}

bool key_decoder::take_sequence(key& to) {
  if (pending_.size() == 1 || (pending_[1] != '[' && pending_[1] != 'O')) {
    pending_.erase(0, 1);
    to.what = kind::escape;
    return true;
  }
  // Parameters and intermediate bytes, and then one that ends it.
  const auto end = std::find_if(pending_.begin() + 2, pending_.end(),
                                [](char c) { return c >= '@' && c <= '~'; });
  if (end == pending_.end()) {
    constexpr std::size_t longest = 32;
    if (pending_.size() < longest)
      return false;
    pending_.clear(); // whatever that is, it is no key
    return false;
  }
  const std::string sequence(pending_.begin() + 2, end + 1);
  pending_.erase(pending_.begin(), end + 1);
  const auto* found
    = std::find_if(sequences.begin(), sequences.end(),
                   [&sequence](const auto& x) { return x.first == sequence; });
  if (found != sequences.end())
    to.what = found->second;
  return true;
}

bool key_decoder::take_text(key& to) {
  const auto length = length_of(static_cast<unsigned char>(pending_[0]));
  if (pending_.size() < length)
    return false;
  to.what = kind::text;
  to.text = pending_.substr(0, length);
  pending_.erase(0, length);
  return true;
}

} // namespace troupe_top
