// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/printable.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <string_view>

using namespace std::string_view_literals;

using troupe::rules::as_utf8;
using troupe::rules::has_control;
using troupe::rules::printable;

namespace {

struct row {
  std::string_view from;
  std::string_view to;
};

} // namespace

TEST_CASE("S28 a text becomes one line of printable characters") {
  const row rows[] = {
    {""sv, ""sv},
    {"plain text, 100 %"sv, "plain text, 100 %"sv},
    {"w\xc3\xb6rker"sv, "w\xc3\xb6rker"sv},
    {"one\ntwo"sv, "one\\x0atwo"sv},
    {"one\r\ntwo\n"sv, "one\\x0d\\x0atwo\\x0a"sv},
    {"\0"sv, "\\x00"sv},
    {"\t\v\f"sv, "\\x09\\x0b\\x0c"sv},
    {"\x1b[2J\x7f"sv, "\\x1b[2J\\x7f"sv},
    {"a\xc2\x85"
     "b"sv,
     "a\\u{85}b"sv}, // next line
    {"a\xe2\x80\xa8"
     "b"sv,
     "a\\u{2028}b"sv}, // line separator
    {"\xe2\x80\xae"
     "abc"sv,
     "\\u{202e}abc"sv},               // from right to left
    {"a\xff\xc3"sv, "a\\xff\\xc3"sv}, // no UTF-8
  };
  for (auto& x : rows) {
    INFO(x.to);
    CHECK(printable(x.from) == x.to);
    // Whoever passes it on need not know whether that was done.
    CHECK(printable(x.to) == x.to);
  }
}

TEST_CASE("S29 only bytes that are no UTF-8 are escaped in a document") {
  const row rows[] = {
    {""sv, ""sv},
    {"one\ntwo\0"sv, "one\ntwo\0"sv},
    {"\xe2\x80\xae w\xc3\xb6rker \\xff"sv,
     "\xe2\x80\xae w\xc3\xb6rker \\xff"sv},
    {"a\xff\xc3"sv, "a\\xff\\xc3"sv},
    {"\xed\xa0\x80"sv, "\\xed\\xa0\\x80"sv}, // a surrogate
  };
  for (auto& x : rows) {
    INFO(x.to);
    CHECK(as_utf8(x.from) == x.to);
    CHECK(as_utf8(x.to) == x.to);
  }
}

TEST_CASE("S1 which characters are controls") {
  CHECK_FALSE(has_control(""));
  CHECK_FALSE(has_control("a b~"));
  CHECK_FALSE(has_control("w\xc3\xb6rker"));
  CHECK_FALSE(has_control("\xc2\xa0"));
  CHECK_FALSE(has_control("\xc2"));
  CHECK_FALSE(has_control("\x80")); // no UTF-8, so no character at all
  CHECK(has_control("\0"sv));
  CHECK(has_control("a\x1f"));
  CHECK(has_control("\x7f"));
  CHECK(has_control("\xc2\x80"));
  CHECK(has_control("\xc2\x9f"));
}
