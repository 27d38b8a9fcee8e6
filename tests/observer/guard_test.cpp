// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/guard.hpp"

#include <catch2/catch_test_macros.hpp>

#include <stdexcept>
#include <string>

using troupe::observing::check_token;
using troupe::observing::is_local_host;
using troupe::observing::is_loopback;
using troupe::observing::may_change;
using troupe::observing::permission;

TEST_CASE("which addresses only this machine reaches") {
  for (auto x :
       {"127.0.0.1", "127.1.2.3", "::1", "localhost", "::ffff:127.0.0.1"})
    CHECK(is_loopback(x));
  for (auto x :
       {"0.0.0.0", "10.0.0.1", "::", "127.example.org", "", "1270.0.1"})
    CHECK_FALSE(is_loopback(x));
}

TEST_CASE("which names of a host nobody else can have given") {
  for (auto x : {"127.0.0.1", "127.0.0.1:80", "localhost:9464", "[::1]:1"})
    CHECK(is_local_host(x));
  for (auto x :
       {"", "evil.example:9464", "localhost.evil.example",
        "127.0.0.1.evil.example", "[::2]", "[::1", "[::1]evil.example:80"})
    CHECK_FALSE(is_local_host(x));
}

TEST_CASE("who may change something") {
  const std::string token = "0123456789abcdef";
  CHECK(may_change("", "Bearer ") == permission::no_token);
  CHECK(may_change("", "Bearer x") == permission::no_token);
  CHECK(may_change(token, "") == permission::missing);
  CHECK(may_change(token, "Basic " + token) == permission::missing);
  CHECK(may_change(token, "Bearer ") == permission::wrong);
  CHECK(may_change(token, "Bearer 0123456789abcdeF") == permission::wrong);
  CHECK(may_change(token, "Bearer " + token + "0") == permission::wrong);
  CHECK(may_change(token, "Bearer " + token) == permission::granted);
}

TEST_CASE("a token must not be guessed easily") {
  CHECK_NOTHROW(check_token("0123456789abcdef"));
  CHECK_THROWS_AS(check_token("0123456789abcde"), std::invalid_argument);
  CHECK_THROWS_AS(check_token("0123456789abc ef"), std::invalid_argument);
  CHECK_THROWS_AS(check_token("0123456789abc\r\nef"), std::invalid_argument);
}
