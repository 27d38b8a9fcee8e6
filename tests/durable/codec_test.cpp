// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/durable/codec.hpp"

#include "durable/payloads.hpp"
#include "support/real_system.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace troupe::durable;

using Catch::Matchers::ContainsSubstring;

namespace {

const payload_types types;

template <class T>
T again(const T& x) {
  return decode<T>(encode(x));
}

} // namespace

TEST_CASE("J13 each byte of a text comes back") {
  std::string all;
  for (int i = 0; i < 256; ++i)
    all += static_cast<char>(i);
  CHECK(again(all) == all);
  for (int i = 0; i < 256; ++i)
    for (const int j : {0, 1, 0x40, 0x61, 0x39, 0x7f, 0x80, 0xff}) {
      const std::string two{static_cast<char>(i), static_cast<char>(j)};
      CHECK(again(two) == two);
      CHECK(again("x" + two + "9f") == "x" + two + "9f");
    }
}

TEST_CASE("J13 the text of a payload is UTF-8 without control characters") {
  std::string all;
  for (int i = 0; i < 256; ++i)
    all += static_cast<char>(i);
  const auto json = encode(all);
  for (const auto c : json)
    CHECK((static_cast<unsigned char>(c) >= 0x20 && c != '\xff'));
  CHECK(encode(std::string{"Gr\xc3\xbc\xc3\x9f"
                           "e"})
        == "\"Gr\xc3\xbc\xc3\x9f"
           "e\"");
}

TEST_CASE("J13 each number comes back as it is") {
  using limits = std::numeric_limits<double>;
  for (const auto x : {0.0, -0.0, 0.1, 1.0 / 3, 1e-7, 123456789.123456789,
                       limits::max(), limits::min(), limits::denorm_min(),
                       limits::infinity(), -1e300, 1e16}) {
    CHECK(again(x) == x);
    CHECK(std::signbit(again(x)) == std::signbit(x));
  }
  CHECK(std::isnan(again(limits::quiet_NaN())));
  for (const std::uint64_t x :
       {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 63u})
    CHECK(again(x) == x);
  CHECK(again(std::numeric_limits<std::int64_t>::min())
        == std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("J13 a value with all that CAF knows comes back") {
  letter x{.to = "a\"b\\c\n\x01",
           .text = "t",
           .weight = 0.1,
           .tags = {"x", "", "\xff"},
           .prices = {0.3, -1e-300},
           .names = {{"k\"", 3}},
           .reply = "r",
           .what = std::string{"v"}};
  CHECK(again(x) == x);
  CHECK(again(letter{}) == letter{});
}

TEST_CASE("J13 a field that is missing has its fallback") {
  const auto x = decode<letter>(
    R"({"to": "me", "unknown": [1, {"a": 2}], "text": "hello", "weight": 2.5})");
  CHECK(x.to == "me");
  CHECK(x.text == "hello");
  CHECK(x.weight == 2.5);
  CHECK(x.copies == 1);
}

TEST_CASE("J13 a payload that cannot be read says why") {
  auto why = [](const std::string& json) {
    try {
      static_cast<void>(decode<letter>(json));
      return std::string{};
    } catch (const payload_error& e) {
      return std::string{e.what()};
    }
  };
  for (const auto* json :
       {"", "{", "[1]", "null", "{\"text\": 1}", "{\"to\": 3, \"text\": \"\"}"})
    CHECK_THAT(why(json), ContainsSubstring("the payload cannot be read: "));
  CHECK_THAT(why(R"({"to": "", "text": "", "weight": "heavy"})"),
             ContainsSubstring("\"heavy\" is no number"));
  CHECK_THAT(why(std::string(100'000, '[')), ContainsSubstring("payload"));
}
