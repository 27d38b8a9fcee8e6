// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/guard.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>

namespace troupe::observing {

namespace {

constexpr std::size_t shortest_token = 16;

constexpr std::string_view scheme = "Bearer ";

bool same(std::string_view x, std::string_view y) noexcept {
  if (x.size() != y.size())
    return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    difference |= static_cast<unsigned char>(x[i])
                  ^ static_cast<unsigned char>(y[i]);
  return difference == 0;
}

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// Whether it looks like 127.0.0.1: digits and dots.
bool is_loopback_v4(std::string_view x) noexcept {
  return x.starts_with("127.") && std::all_of(x.begin(), x.end(), [](char c) {
           return c == '.' || is_digit(c);
         });
}

} // namespace

bool is_loopback(std::string_view address) noexcept {
  constexpr std::string_view mapped = "::ffff:";
  if (address.starts_with(mapped))
    address.remove_prefix(mapped.size());
  return address == "localhost" || address == "::1" || is_loopback_v4(address);
}

bool is_local_host(std::string_view host) noexcept {
  if (host.starts_with('[')) {
    auto end = host.find(']');
    if (end == std::string_view::npos)
      return false;
    const auto rest = host.substr(end + 1);
    return (rest.empty() || rest.starts_with(':'))
           && is_loopback(host.substr(1, end - 1));
  }
  return is_loopback(host.substr(0, host.find(':')));
}

permission may_change(std::string_view token,
                      std::string_view authorization) noexcept {
  if (token.empty())
    return permission::no_token;
  if (!authorization.starts_with(scheme))
    return permission::missing;
  return same(authorization.substr(scheme.size()), token) ? permission::granted
                                                          : permission::wrong;
}

void check_token(const std::string& token) {
  if (token.size() < shortest_token)
    throw std::invalid_argument(
      "the observer's token has " + std::to_string(token.size())
      + " characters, which is easily guessed; give it "
      + std::to_string(shortest_token) + " at least");
  auto is_plain = [](char c) { return c > ' ' && c < '\x7f'; };
  if (!std::all_of(token.begin(), token.end(), is_plain))
    throw std::invalid_argument("the observer's token has characters that "
                                "cannot stand in a header; use letters, "
                                "digits and punctuation of ASCII");
}

} // namespace troupe::observing
