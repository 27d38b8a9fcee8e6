// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/guard.hpp"

#include "observer/letters.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>

namespace troupe::observing {

namespace {

constexpr std::size_t shortest_token = 16;

constexpr std::string_view scheme = "bearer";

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

bool all_digits(std::string_view x) noexcept {
  return std::all_of(x.begin(), x.end(), is_digit);
}

bool is_in_name(char c) noexcept {
  constexpr std::string_view others = "-._~%!$&'()*+,;=";
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z')
         || others.find(c) != std::string_view::npos;
}

bool is_in_v6(char c) noexcept {
  return is_digit(c) || c == ':' || c == '.' || c == '%'
         || (lower(c) >= 'a' && lower(c) <= 'z');
}

/// Whether it looks like 127.0.0.1: digits and dots.
bool is_loopback_v4(std::string_view x) noexcept {
  return x.starts_with("127.") && is_digit(x.back())
         && std::all_of(x.begin(), x.end(),
                        [](char c) { return c == '.' || is_digit(c); });
}

/// A port with its colon, or nothing.
bool is_port(std::string_view x) noexcept {
  return x.empty() || (x[0] == ':' && all_digits(x.substr(1)));
}

} // namespace

bool is_loopback(std::string_view address) noexcept {
  constexpr std::string_view mapped = "::ffff:";
  if (same_word(address.substr(0, mapped.size()), mapped))
    address.remove_prefix(mapped.size());
  return same_word(address, "localhost") || address == "::1"
         || is_loopback_v4(address);
}

host_name read_host(std::string_view host) noexcept {
  const auto is_v6 = host.starts_with('[');
  auto end = is_v6 ? host.find(']') : std::min(host.find(':'), host.size());
  if (end == std::string_view::npos || end == 0)
    return host_name::malformed;
  auto name = host.substr(is_v6, end - is_v6);
  if (name.empty() || !is_port(host.substr(end + is_v6))
      || !std::all_of(name.begin(), name.end(), is_v6 ? is_in_v6 : is_in_name))
    return host_name::malformed;
  // The name of the root of all names may stand behind it.
  if (same_word(name, "localhost."))
    name.remove_suffix(1);
  return is_loopback(name) ? host_name::local : host_name::foreign;
}

std::optional<http_answer> check_head(const request_head& x, bool is_private) {
  if (x.has_transfer_encoding)
    return refusal(413, "the body of the request has no known length; none is "
                        "needed");
  if (x.content_length > longest_body)
    return refusal(413, "the body of the request is too long; none is needed");
  if (x.has_expectation)
    return refusal(417, "the header Expect is not known here; leave it out");
  if (x.target.size() > longest_target)
    return refusal(414, "the path of the request is too long");
  if (!x.target.starts_with('/'))
    return refusal(400, "the path of the request does not begin with a slash");
  if (x.authorizations > 1)
    return refusal(400, "there are two headers Authorization; send one");
  // Checks of load balancers, which speak HTTP/1.0, have none. A browser does.
  if (x.hosts == 0 && x.is_http_1_0)
    return std::nullopt;
  if (x.hosts != 1)
    return refusal(400, x.hosts == 0 ? "the header Host is missing"
                                     : "there are two headers Host; send one");
  switch (read_host(x.host)) {
    case host_name::malformed:
      return refusal(400, "the header Host names no machine");
    case host_name::foreign:
      if (is_private)
        return refusal(403, "the header Host names another machine; ask for "
                            "localhost or 127.0.0.1");
      break;
    case host_name::local:
      break;
  }
  return std::nullopt;
}

permission may_change(std::string_view token,
                      std::string_view authorization) noexcept {
  if (token.empty())
    return permission::no_token;
  const auto blank = std::min(authorization.find(' '), authorization.size());
  if (!same_word(authorization.substr(0, blank), scheme))
    return permission::missing;
  authorization.remove_prefix(blank);
  const auto begin = authorization.find_first_not_of(' ');
  if (begin == std::string_view::npos)
    return permission::missing;
  return same(authorization.substr(begin), token) ? permission::granted
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
