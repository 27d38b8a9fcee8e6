// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/error.hpp"

#include "support/real_system.hpp"

#include <caf/error.hpp>

#include <catch2/catch_test_macros.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

using troupe::text_of;

namespace {

template <class T>
std::exception_ptr thrown(T x) {
  try {
    throw std::move(x);
  } catch (...) {
    return std::current_exception();
  }
}

struct something {
  virtual ~something() = default;

  int value = 42;
};

/// Does not begin with its `std::exception`.
struct second_base : something, std::runtime_error {
  second_base() : std::runtime_error("a second base") {
    // nop
  }
};

/// Has nothing to say.
struct mute : std::exception {
  [[nodiscard]] const char* what() const noexcept override {
    return nullptr;
  }
};

/// Nor has this one, which is not found at once.
struct virtual_mute : virtual mute {};

struct virtual_base : virtual std::exception {
  [[nodiscard]] const char* what() const noexcept override {
    return "a virtual base";
  }
};

struct other_virtual_base : virtual std::exception {};

/// Has its `std::exception` once, by two ways.
struct diamond : virtual_base, other_virtual_base {
  [[nodiscard]] const char* what() const noexcept override {
    return "a diamond";
  }
};

/// Nobody catches it as a `std::exception`.
struct private_base : private std::runtime_error {
  private_base() : std::runtime_error("private") {
    // nop
  }
};

struct one : std::runtime_error {
  one() : std::runtime_error("one") {
    // nop
  }
};

struct another : std::logic_error {
  another() : std::logic_error("another") {
    // nop
  }
};

/// Nor this one, which is two of them.
struct ambiguous_base : one, another {};

struct derived_string : std::string {
  using std::string::string;
};

constexpr auto unknown = "an exception of unknown type";

} // namespace

TEST_CASE("the text of an exception is that of what()") {
  CHECK(text_of(thrown(std::runtime_error("boom"))) == "boom");
  CHECK(text_of(thrown(std::exception{})) == std::exception{}.what());
  CHECK(text_of(thrown(second_base{})) == "a second base");
  CHECK(text_of(thrown(virtual_base{})) == "a virtual base");
  CHECK(text_of(thrown(diamond{})) == "a diamond");
}

TEST_CASE("L14 an exception whose what() is null has a text") {
  CHECK(text_of(thrown(mute{})) == "an exception without a text");
  CHECK(text_of(thrown(virtual_mute{})) == "an exception without a text");
}

TEST_CASE("the text of an exception that was thrown on is the same") {
  auto again = std::exception_ptr{};
  try {
    std::rethrow_exception(thrown(second_base{}));
  } catch (...) {
    again = std::current_exception();
  }
  CHECK(text_of(again) == "a second base");
  CHECK(text_of(std::make_exception_ptr(one{})) == "one");
}

TEST_CASE("what else is thrown has a text if it is one") {
  const support::known_types needed; // by a caf::error with a text
  CHECK(text_of(thrown(std::string{"a string"})) == "a string");
  CHECK(text_of(thrown(derived_string{"derived"})) == "derived");
  CHECK(text_of(thrown("a literal")) == "a literal");
  CHECK(text_of(thrown(static_cast<const char*>(nullptr))) == "null");
  CHECK(text_of(thrown(caf::make_error(troupe::errc::busy, "an error")))
        == "an error");
  CHECK(text_of(thrown(42)) == unknown);
  CHECK(text_of(thrown(something{})) == unknown);
  CHECK(text_of(thrown(private_base{})) == unknown);
  CHECK(text_of(thrown(ambiguous_base{})) == unknown);
  static const std::runtime_error elsewhere{"elsewhere"};
  CHECK(text_of(thrown(static_cast<const std::exception*>(&elsewhere)))
        == unknown);
  CHECK(text_of(std::exception_ptr{}).empty());
}
