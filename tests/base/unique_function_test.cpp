// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/unique_function.hpp"

#include "support/counted.hpp"

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

using troupe::detail::unique_function;
using troupe::testing::counted;

namespace {

int twice(int x) {
  return 2 * x;
}

} // namespace

TEST_CASE("an empty function says so") {
  unique_function<void()> f;
  CHECK_FALSE(f);
  f = nullptr;
  CHECK_FALSE(f);
  int (*none)(int) = nullptr;
  unique_function<int(int)> g{none};
  CHECK_FALSE(g);
}

TEST_CASE("a function calls what it was given") {
  unique_function<int(int)> f{twice};
  CHECK(f);
  CHECK(f(2) == 4);
  f = [](int x) { return x + 1; };
  CHECK(f(2) == 3);
  unique_function<int(const std::string&)> size{&std::string::size};
  CHECK(size("four") == 4);
}

TEST_CASE("a function may own what can only be moved") {
  auto p = std::make_unique<int>(3);
  unique_function<int()> f = [p = std::move(p)] { return *p; };
  auto g = std::move(f);
  CHECK(g);
  CHECK(g() == 3);
}

TEST_CASE("a function passes on what it is called with") {
  unique_function<std::unique_ptr<int>(std::unique_ptr<int>, int&)> f
    = [](std::unique_ptr<int> x, int& y) {
        y = *x;
        return x;
      };
  int y = 0;
  CHECK(*f(std::make_unique<int>(7), y) == 7);
  CHECK(y == 7);
}

TEST_CASE("a function without a result drops that of what it calls") {
  unique_function<void()> f = [] { return 1; };
  f();
  unique_function<void()> g = []() -> int { throw std::runtime_error("no"); };
  CHECK_THROWS_AS(g(), std::runtime_error);
}

TEST_CASE("a function keeps its state from call to call") {
  unique_function<int()> f = [n = 0]() mutable { return ++n; };
  f();
  auto g = std::move(f);
  CHECK(g() == 2);
}

TEST_CASE("small and large functions destroy what they own, once") {
  counted::reset();
  auto check = [](auto callable) {
    using function = unique_function<int()>;
    function f{std::move(callable)};
    function g{std::move(f)};
    CHECK_FALSE(f);
    CHECK(g() == 5);
    f = std::move(g);
    CHECK(f() == 5);
    g = std::move(f);
    f = [] { return 6; };
    std::swap(f, g);
    CHECK(f() == 5);
    CHECK(g() == 6);
    f = nullptr;
    CHECK_FALSE(f);
  };
  check([x = counted{5}] {
    x.check();
    return x.value;
  });
  CHECK(counted::alive() == 0);
  check([x = counted{5}, y = std::array<int, 100>{}] {
    x.check();
    return x.value + y[50];
  });
  CHECK(counted::alive() == 0);
  CHECK(counted::mistakes() == 0);
}
