// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/enum_names.hpp"
#include "troupe/lifecycle.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdint>

namespace {

enum class shade : std::uint8_t { light, dark, black };

constexpr troupe::detail::name_list<3> names_of(shade) noexcept {
  return {"light", "dark", "black"};
}

enum class half_named : std::uint8_t { first, second };

constexpr troupe::detail::name_list<1> names_of(half_named) noexcept {
  return {"first"};
}

enum class named_too_much : std::uint8_t { first };

constexpr troupe::detail::name_list<2> names_of(named_too_much) noexcept {
  return {"first", "second"};
}

enum class without_names : std::uint8_t { first };

} // namespace

using troupe::detail::named_enum;
using troupe::detail::names_all;

TEST_CASE("an enumerator has the name that stands in its place") {
  CHECK(troupe::to_string(shade::light) == "light");
  CHECK(troupe::to_string(shade::black) == "black");
  CHECK(to_string(troupe::worker_phase::cleaning_up) == "cleaning_up");
}

TEST_CASE("a value that is no enumerator is called invalid") {
  CHECK(troupe::to_string(static_cast<shade>(3)) == "invalid");
  CHECK(to_string(static_cast<troupe::worker_state>(200)) == "invalid");
}

TEST_CASE("a name too few or too many is found when the program is compiled") {
  STATIC_REQUIRE(names_all<shade>);
  STATIC_REQUIRE_FALSE(names_all<half_named>);
  STATIC_REQUIRE_FALSE(names_all<named_too_much>);
  STATIC_REQUIRE_FALSE(named_enum<without_names>);
}
