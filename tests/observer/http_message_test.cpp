// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/http_message.hpp"

#include <catch2/catch_test_macros.hpp>

#include <zlib.h>

#include <string>
#include <string_view>

using troupe::observing::accepts_gzip;
using troupe::observing::http_request;
using troupe::observing::parse_number;
using troupe::observing::parse_target;
using troupe::observing::to_gzip;

namespace {

std::string from_gzip(std::string_view packed, std::size_t size) {
  std::string result(size, '\0');
  z_stream it{};
  REQUIRE(inflateInit2(&it, 15 + 16) == Z_OK);
  it.next_in
    = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
  it.avail_in = static_cast<uInt>(packed.size());
  it.next_out = reinterpret_cast<Bytef*>(result.data());
  it.avail_out = static_cast<uInt>(result.size());
  CHECK(inflate(&it, Z_FINISH) == Z_STREAM_END);
  inflateEnd(&it);
  return result;
}

} // namespace

TEST_CASE("the path and the query of a request are decoded") {
  http_request x;
  REQUIRE(
    parse_target("/children/a%23b%0a+/stop?path=/a%20b+c&x&=y&path=2#z", x));
  CHECK(x.path == "/children/a#b\n+/stop");
  REQUIRE(x.find("path") != nullptr);
  CHECK(*x.find("path") == "/a b c");
  REQUIRE(x.find("x") != nullptr);
  CHECK(x.find("x")->empty());
  CHECK(x.find("y") == nullptr);
  CHECK(x.query.size() == 3);
}

TEST_CASE("escapes that are none stand for themselves") {
  http_request x;
  REQUIRE(parse_target("/50%/%4/%zz/%/%41%", x));
  CHECK(x.path == "/50%/%4/%zz/%/A%");
  CHECK(x.query.empty());
  for (auto text : {"", "*", "a", "?", "http://a/"})
    CHECK_FALSE(parse_target(text, x));
}

TEST_CASE("gzip is sent to those who want it") {
  for (auto text : {"gzip", "GZIP", "deflate, gzip", "br;q=1.0, gzip;q=0.2",
                    "*", "gzip ; q=0.001", "identity;q=0, *;q=0.1"})
    CHECK(accepts_gzip(text));
  for (auto text : {"", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0",
                    "gzip;q=0, *", "xgzip", ",,;"})
    CHECK_FALSE(accepts_gzip(text));
}

TEST_CASE("a packed text is the same when it is unpacked") {
  for (std::size_t size : {0u, 1u, 1000u, 1'000'000u}) {
    std::string text;
    while (text.size() < size)
      text += static_cast<char>(text.size() * 7919 % 251);
    CHECK(from_gzip(to_gzip(text), size + 1).substr(0, size) == text);
  }
}

TEST_CASE("a number is digits, and nothing else") {
  CHECK(parse_number("0") == 0);
  CHECK(parse_number("18446744073709551615") == UINT64_MAX);
  for (auto text : {"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616"})
    CHECK_FALSE(parse_number(text));
}
