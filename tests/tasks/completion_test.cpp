// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/completion.hpp"

#include "support/counted.hpp"

#include <catch2/catch_test_macros.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

using troupe::detail::completion;
using troupe::testing::counted;

namespace {

std::exception_ptr error() {
  return std::make_exception_ptr(std::runtime_error("no"));
}

} // namespace

TEST_CASE("a completion is empty at first") {
  completion<int> x;
  CHECK_FALSE(x);
  CHECK(x.error() == nullptr);
  CHECK_THROWS_AS(x.take(), std::logic_error);
  completion<int&> y;
  CHECK_FALSE(y);
  CHECK_THROWS_AS(y.take(), std::logic_error);
}

TEST_CASE("a completion gives the value that was put in") {
  completion<std::unique_ptr<int>> x;
  x.emplace(std::make_unique<int>(1));
  CHECK(x);
  CHECK(x.has_value());
  CHECK(x.error() == nullptr);
  CHECK(*x.take() == 1);
  int i = 0;
  completion<int&> y;
  y.emplace(i);
  CHECK(y);
  CHECK(&y.take() == &i);
}

TEST_CASE("a completion throws the exception that was put in") {
  completion<std::string> x;
  x.fail(error());
  CHECK_FALSE(x);
  CHECK(x.error() != nullptr);
  CHECK_THROWS_AS(x.take(), std::runtime_error);
  int i = 0;
  completion<int&> y;
  y.emplace(i);
  y.fail(error());
  CHECK_FALSE(y);
  CHECK_THROWS_AS(y.take(), std::runtime_error);
  completion<void> z;
  CHECK(z);
  z.fail(error());
  CHECK_FALSE(z);
  CHECK_THROWS_AS(z.take(), std::runtime_error);
  z.emplace();
  CHECK(z);
}

TEST_CASE("a completion destroys what it has, once") {
  counted::reset();
  {
    completion<counted> x;
    x.emplace(1);
    completion<counted> y{std::move(x)};
    CHECK(y.take().value == 1);
    y.fail(error());
    CHECK(counted::alive() == 1); // what is left of x
    x = std::move(y);
    CHECK(counted::alive() == 0);
    CHECK(x.error() != nullptr);
    x.emplace(2);
    y = std::move(x);
    CHECK(y.take().value == 2);
    y.reset();
    CHECK(counted::alive() == 1);
  }
  CHECK(counted::alive() == 0);
  CHECK(counted::mistakes() == 0);
}

TEST_CASE("a value that throws when it is moved becomes the exception") {
  struct touchy {
    touchy() = default;
    touchy(const touchy&) {
      throw std::runtime_error("do not touch");
    }
  };
  completion<touchy> x;
  x.emplace();
  completion<touchy> y{std::move(x)};
  CHECK_FALSE(y);
  CHECK_THROWS_AS(y.take(), std::runtime_error);
  CHECK(x);
}
