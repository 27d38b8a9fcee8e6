// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/guard.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

using troupe::observing::check_head;
using troupe::observing::check_token;
using troupe::observing::host_name;
using troupe::observing::is_loopback;
using troupe::observing::may_change;
using troupe::observing::permission;
using troupe::observing::read_host;
using troupe::observing::request_head;

TEST_CASE("which addresses only this machine reaches") {
  for (auto x :
       {"127.0.0.1", "127.1.2.3", "::1", "localhost", "::ffff:127.0.0.1"})
    CHECK(is_loopback(x));
  for (auto x :
       {"0.0.0.0", "10.0.0.1", "::", "127.example.org", "", "1270.0.1"})
    CHECK_FALSE(is_loopback(x));
}

TEST_CASE("which machine the header Host names") {
  using enum host_name;
  struct row {
    std::string_view host;
    host_name expected;
  };
  const std::string_view with_nul{"localhost\0.evil.example", 23};
  const row table[] = {
    {"127.0.0.1", local},
    {"127.0.0.1:80", local},
    {"127.1:9464", local},
    {"localhost", local},
    {"localhost:", local},
    {"localhost:9464", local},
    {"LocalHost:9464", local},
    {"localhost.", local},
    {"LOCALHOST.:80", local},
    {"[::1]", local},
    {"[::1]:1", local},
    {"[::FFFF:127.0.0.1]:1", local},
    {"evil.example:9464", foreign},
    {"localhost.evil.example", foreign},
    {"localhost..", foreign},
    {"127.0.0.1.evil.example", foreign},
    {"127.0.0.1.", foreign},
    {"127.", foreign},
    {"1270.0.1", foreign},
    {"my_machine", foreign},
    {"[::2]", foreign},
    {"", malformed},
    {":80", malformed},
    {"[]", malformed},
    {"[::1", malformed},
    {"[::1]evil.example:80", malformed},
    {"[::1]:80@evil.example", malformed},
    {"[localhost/]", malformed},
    {"localhost:x", malformed},
    {"localhost:x@evil.example", malformed},
    {"localhost:80:80", malformed},
    {"evil@localhost", malformed},
    {"localhost/", malformed},
    {"local host", malformed},
    {"localhost\t", malformed},
    {with_nul, malformed},
    {"\xc3\xa4", malformed},
  };
  for (const auto& [host, expected] : table) {
    CAPTURE(host);
    CHECK(read_host(host) == expected);
  }
}

TEST_CASE("which requests are served at all") {
  struct row {
    request_head head;
    unsigned expected; // status, or zero if it is served
  };
  const std::string long_path(9000, '/');
  const row table[] = {
    {{}, 0},
    {{.target = "/a?b"}, 0},
    {{.target = "*"}, 400},
    {{.target = ""}, 400},
    {{.target = "http://localhost/"}, 400},
    {{.target = "evil.example:80"}, 400},
    {{.target = long_path}, 414},
    {{.hosts = 0, .host = ""}, 400},
    {{.is_http_1_0 = true, .hosts = 0, .host = ""}, 0},
    {{.is_http_1_0 = true, .host = "evil.example"}, 403},
    {{.host = ""}, 400},
    {{.hosts = 2}, 400},
    {{.is_http_1_0 = true, .hosts = 2}, 400},
    {{.host = "evil.example"}, 403},
    {{.host = "localhost:x@evil"}, 400},
    {{.authorizations = 1}, 0},
    {{.authorizations = 2}, 400},
    {{.has_transfer_encoding = true}, 413},
    {{.has_expectation = true, .content_length = 1}, 417},
    {{.content_length = 4096}, 0},
    {{.content_length = 4097}, 413},
    {{.content_length = UINT64_MAX}, 413},
  };
  for (const auto& [head, expected] : table) {
    CAPTURE(head.target.substr(0, 20), head.host, head.hosts, expected);
    const auto refused = check_head(head, true);
    CHECK((refused ? refused->status : 0) == expected);
  }
  // Whoever lets others reach it has said so.
  CHECK_FALSE(check_head({.host = "example.org"}, false));
  CHECK(check_head({.host = "x@example.org"}, false)->status == 400);
}

TEST_CASE("who may change something") {
  const std::string token = "0123456789abcdef";
  struct row {
    std::string authorization;
    permission expected;
  };
  using enum permission;
  const row table[] = {
    {"", missing},
    {"Basic " + token, missing},
    {"Bearer", missing},
    {"Bearer ", missing},
    {"Bearer   ", missing},
    {token, missing},
    {"Bearerx " + token, missing},
    {"Bearer\t" + token, missing},
    {"Bearer x", wrong},
    {"Bearer 0123456789abcdeF", wrong},
    {"Bearer " + token + "0", wrong},
    {"Bearer " + token + " ", wrong},
    {"Bearer " + token, granted},
    {"bearer " + token, granted},
    {"BEARER " + token, granted},
    {"Bearer   " + token, granted},
  };
  for (const auto& [authorization, expected] : table) {
    CAPTURE(authorization);
    CHECK(may_change(token, authorization) == expected);
    CHECK(may_change("", authorization) == no_token);
  }
}

TEST_CASE("a token must not be guessed easily") {
  CHECK_NOTHROW(check_token("0123456789abcdef"));
  CHECK_THROWS_AS(check_token("0123456789abcde"), std::invalid_argument);
  CHECK_THROWS_AS(check_token("0123456789abc ef"), std::invalid_argument);
  CHECK_THROWS_AS(check_token("0123456789abc\r\nef"), std::invalid_argument);
}
