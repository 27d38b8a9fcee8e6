// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/task.hpp"

#include "troupe/when.hpp"
#include "troupe/yield.hpp"

#include "support/counted.hpp"
#include "support/gate.hpp"
#include "support/loop_strand.hpp"
#include "support/sanitizers.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace troupe;
using namespace troupe::detail;
using testing::counted;
using testing::gate;
using testing::loop_strand;

namespace {

// Runs a task that must end without anybody's help.
template <class T>
completion<T> run(task<T> x) {
  loop_strand strand;
  fiber f{strand};
  completion<T> result;
  f.start(std::move(x),
          [out = &result](completion<T> how) { *out = std::move(how); });
  strand.run();
  REQUIRE_FALSE(f.active());
  return result;
}

task<int> number(int x) {
  co_return x;
}

task<int> number_later(int x) {
  co_await yield();
  co_return x;
}

} // namespace

// -- memory -------------------------------------------------------------------

// The sanitizers bring an operator new of their own.
#if !defined(TROUPE_TEST_ASAN) && !defined(TROUPE_TEST_TSAN)
#  define TROUPE_TEST_OWN_NEW

namespace {

bool no_memory = false;

} // namespace

// The frame of a coroutine comes from here, so that a test can refuse it.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (!no_memory)
    if (auto* result = std::malloc(size == 0 ? 1 : size))
      return result;
  throw std::bad_alloc{};
}

[[gnu::noinline]] void operator delete(void* x) noexcept {
  std::free(x);
}

[[gnu::noinline]] void operator delete(void* x, std::size_t) noexcept {
  std::free(x);
}

#endif

// -- results ------------------------------------------------------------------

TEST_CASE("a task is lazy") {
  auto started = false;
  auto body = [&started]() -> task<> {
    started = true;
    co_return;
  };
  {
    auto unused = body();
    CHECK(unused);
  }
  CHECK_FALSE(started);
  CHECK(run(body()));
  CHECK(started);
}

TEST_CASE("a task gives whoever awaits it its value") {
  auto body = []() -> task<int> {
    const auto x = co_await number(20);
    const auto y = co_await number_later(x);
    co_return x + y + 2;
  };
  CHECK(run(body()).take() == 42);
}

TEST_CASE("a task may give what can only be moved") {
  auto made = []() -> task<std::unique_ptr<int>> {
    co_return std::make_unique<int>(7);
  };
  auto body = [&made]() -> task<std::unique_ptr<int>> {
    auto x = co_await made();
    ++*x;
    co_return x;
  };
  CHECK(*run(body()).take() == 8);
}

TEST_CASE("a task may give what has no default constructor") {
  struct strict {
    explicit strict(int x) : value(x) {
      // nop
    }
    int value;
  };
  auto made = []() -> task<strict> { co_return strict{3}; };
  auto body = [&made]() -> task<int> {
    auto x = co_await made();
    co_return x.value;
  };
  CHECK(run(body()).take() == 3);
}

TEST_CASE("a task may give a reference") {
  int x = 1;
  auto made = [&x]() -> task<int&> { co_return x; };
  auto body = [&made]() -> task<int&> {
    auto& y = co_await made();
    y = 5;
    co_return y;
  };
  CHECK(&run(body()).take() == &x);
  CHECK(x == 5);
}

TEST_CASE("a task may give a const reference") {
  const std::string x = "x";
  auto made = [&x]() -> task<const std::string&> { co_return x; };
  CHECK(&run(made()).take() == &x);
}

TEST_CASE("a result that throws when it is moved becomes that exception") {
  struct touchy {
    touchy() = default;
    touchy(const touchy&) {
      if (armed())
        throw std::runtime_error("do not touch");
    }
    static bool& armed() {
      static bool value = false;
      return value;
    }
  };
  auto body = []() -> task<touchy> {
    touchy x;
    co_return x;
  };
  loop_strand strand;
  fiber f{strand};
  std::exception_ptr error;
  auto x = body();
  touchy::armed() = true;
  f.start(std::move(x),
          [out = &error](completion<touchy> how) { *out = how.error(); });
  touchy::armed() = false;
  CHECK_THROWS_AS(std::rethrow_exception(error), std::runtime_error);
}

// -- exceptions ---------------------------------------------------------------

TEST_CASE("an exception comes out where the task is awaited") {
  auto failing = []() -> task<int> {
    co_await yield();
    throw std::runtime_error("no");
  };
  auto body = [&failing]() -> task<std::string> {
    std::string text;
    try {
      (void) co_await failing();
    } catch (const std::runtime_error& e) {
      text = e.what();
    }
    co_return text;
  };
  CHECK(run(body()).take() == "no");
}

TEST_CASE("an exception that is no std::exception passes through") {
  auto failing = []() -> task<> {
    throw 42;
    co_return;
  };
  auto body = [&failing]() -> task<> { co_await failing(); };
  auto result = run(body());
  CHECK_FALSE(result);
  int caught = 0;
  try {
    result.take();
  } catch (int x) {
    caught = x;
  }
  CHECK(caught == 42);
}

TEST_CASE("a frame that cannot be made is the caller's exception") {
  struct touchy {
    touchy() = default;
    touchy(const touchy&) {
      throw std::bad_alloc{};
    }
  };
  auto inner = [](counted, touchy) -> task<int> { co_return 1; };
  counted::reset();
  auto body = [&inner]() -> task<bool> {
    touchy x;
    bool failed = false;
    try {
      auto y = inner(counted{}, x);
      (void) y;
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    co_return failed;
  };
  CHECK(run(body()).take());
  CHECK(counted::alive() == 0);
}

#ifdef TROUPE_TEST_OWN_NEW

TEST_CASE("a frame that cannot be allocated is the caller's exception") {
  auto body = []() -> task<bool> {
    std::optional<task<int>> x;
    bool failed = false;
    no_memory = true;
    try {
      x.emplace(number(1));
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    no_memory = false;
    co_return failed;
  };
  CHECK(run(body()).take());
}

#endif

TEST_CASE("awaiting a task twice is an error, not a crash") {
  auto body = []() -> task<int> {
    auto x = number(1);
    const auto first = co_await std::move(x);
    CHECK_FALSE(x);
    const auto second = co_await std::move(x);
    co_return first + second;
  };
  CHECK_THROWS_AS(run(body()).take(), std::logic_error);
}

// -- ownership ----------------------------------------------------------------

TEST_CASE("a task keeps its parameters until it has given its value") {
  counted::reset();
  {
    auto inner = [](counted x) -> task<int> {
      co_await yield();
      x.check();
      co_return x.value;
    };
    auto body = [&inner]() -> task<int> {
      const auto x = co_await inner(counted{4});
      CHECK(counted::alive() == 0);
      co_return x;
    };
    CHECK(run(body()).take() == 4);
  }
  CHECK(counted::alive() == 0);
  CHECK(counted::mistakes() == 0);
}

TEST_CASE("moving a task moves the ownership") {
  counted::reset();
  auto body = [](counted x) -> task<int> { co_return x.value; };
  {
    auto x = body(counted{1});
    auto y = std::move(x);
    CHECK_FALSE(x);
    CHECK(y);
    y = body(counted{2});
    CHECK(counted::alive() == 1);
    CHECK(run(std::move(y)).take() == 2);
  }
  CHECK(counted::alive() == 0);
  CHECK(counted::mistakes() == 0);
}

TEST_CASE("destroying what awaits destroys what is awaited, innermost first") {
  loop_strand strand;
  gate g;
  std::string order;
  struct note {
    std::string& order;
    char name;
    ~note() {
      order += name;
    }
  };
  auto inner = [&]() -> task<> {
    note n{order, 'c'};
    co_await g;
  };
  auto middle = [&]() -> task<> {
    note n{order, 'b'};
    co_await inner();
  };
  auto outer = [&]() -> task<> {
    note n{order, 'a'};
    co_await middle();
  };
  fiber f{strand};
  f.start(outer(), [](completion<void>) { FAIL("it was destroyed"); });
  CHECK(f.cancel());
  CHECK(order == "cba");
  CHECK(g.waiting.empty());
}

// -- depth --------------------------------------------------------------------

namespace {

constexpr int many = 1'000'000;

constexpr int deep = 10'000;

task<int> nested(int depth, gate* g) {
  counted x{1};
  if (depth > 0) {
    const auto inner = co_await nested(depth - 1, g);
    x.value += inner;
  } else if (g != nullptr) {
    co_await *g;
  }
  co_return x.value;
}

task<int> wrapped(task<int> inner) {
  counted x{1};
  const auto y = co_await std::move(inner);
  co_return x.value + y;
}

task<int> failing_below(int depth) {
  int result = 0;
  if (depth == 0)
    throw std::runtime_error("bottom");
  result = co_await failing_below(depth - 1);
  co_return result;
}

} // namespace

TEST_CASE("a million awaits in a row take no stack") {
  auto body = []() -> task<long> {
    long sum = 0;
    for (int i = 0; i < many; ++i)
      sum += co_await number(1);
    co_return sum;
  };
  CHECK(run(body()).take() == many);
}

TEST_CASE("a million awaits in a row that suspend take no stack") {
  auto body = []() -> task<long> {
    long sum = 0;
    for (int i = 0; i < many; ++i) {
      co_await yield();
      ++sum;
    }
    co_return sum;
  };
  CHECK(run(body()).take() == many);
}

TEST_CASE("tasks nest ten thousand deep") {
  counted::reset();
  CHECK(run(nested(deep, nullptr)).take() == deep + 1);
  CHECK(counted::alive() == 0);
  CHECK(counted::mistakes() == 0);
}

TEST_CASE("tasks that nest ten thousand deep can wait at the bottom") {
  counted::reset();
  loop_strand strand;
  gate g;
  fiber f{strand};
  int result = 0;
  f.start(nested(deep, &g),
          [out = &result](completion<int> how) { *out = how.take(); });
  CHECK(result == 0);
  CHECK(counted::alive() == deep + 1);
  g.open();
  strand.run();
  CHECK(result == deep + 1);
  CHECK(counted::alive() == 0);
}

TEST_CASE("tasks that nest ten thousand deep can be destroyed at the bottom") {
  counted::reset();
  loop_strand strand;
  gate g;
  fiber f{strand};
  f.start(nested(deep, &g), [](completion<int>) { FAIL("it was destroyed"); });
  CHECK(counted::alive() == deep + 1);
  CHECK(f.cancel());
  CHECK(counted::alive() == 0);
  CHECK(counted::mistakes() == 0);
}

TEST_CASE("tasks that nest ten thousand deep can be destroyed half-way") {
  counted::reset();
  loop_strand strand;
  gate g;
  // Half of them wait, half were never started.
  auto waits_first = [](gate& at, task<int> inner) -> task<int> {
    co_await at;
    co_return co_await std::move(inner);
  };
  auto x = number(0);
  for (int i = 0; i < deep / 2; ++i)
    x = wrapped(std::move(x));
  x = waits_first(g, std::move(x));
  for (int i = 0; i < deep / 2; ++i)
    x = wrapped(std::move(x));
  fiber f{strand};
  f.start(std::move(x), [](completion<int>) { FAIL("it was destroyed"); });
  CHECK(counted::alive() == deep / 2);
  CHECK(g.waiting.size() == 1);
  CHECK(f.cancel());
  CHECK(counted::alive() == 0);
  CHECK(g.waiting.empty());
}

TEST_CASE("ten thousand tasks, one in the other, can be destroyed unstarted") {
  struct tail {
    explicit tail(int& count) : count_(&count) {
      // nop
    }
    tail(tail&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {
      // nop
    }
    ~tail() {
      if (count_ != nullptr)
        ++*count_;
    }
    int* count_;
  };
  auto holds = [](task<int> inner, tail) -> task<int> {
    co_return co_await std::move(inner);
  };
  int count = 0;
  {
    auto x = number(0);
    for (int i = 0; i < deep; ++i)
      x = holds(std::move(x), tail{count});
    CHECK(count == 0);
  }
  CHECK(count == deep);
}

TEST_CASE("an exception passes through ten thousand tasks") {
  CHECK_THROWS_AS(run(failing_below(deep)).take(), std::runtime_error);
}

// -- what compilers make of an awaited expression -----------------------------

namespace {

struct plain_options {
  counted x;
  counted y;
};

struct made_options {
  made_options() = default;
  counted x;
  counted y;
};

task<int> by_value(counted x) {
  co_await yield();
  x.check();
  co_return 1;
}

task<int> by_plain_options(plain_options x) {
  co_await yield();
  x.x.check();
  x.y.check();
  co_return 1;
}

task<int> by_made_options(made_options x) {
  co_await yield();
  x.x.check();
  x.y.check();
  co_return 1;
}

template <class F>
task<int> by_function(F f) {
  co_await yield();
  f();
  co_return 1;
}

task<counted> a_counted() {
  co_await yield();
  co_return counted{1};
}

void check_form(const std::function<task<>()>& form) {
  counted::reset();
  run(form()).take();
  CHECK(counted::alive() == 0);
  CHECK(counted::mistakes() == 0);
  // Destroyed where it waits.
  loop_strand strand;
  fiber f{strand};
  f.start(form(), [](completion<void>) { FAIL("it was destroyed"); });
  CHECK(f.cancel());
  CHECK(counted::alive() == 0);
  CHECK(counted::mistakes() == 0);
}

} // namespace

// GCC 12 copies temporaries of two sorts bit by bit into the frame and destroys
// both: aggregates and closures that own something. It also forgets temporaries
// when a coroutine is destroyed amid an expression with two `co_await`. All
// else is safe, and so is what has a name.
TEST_CASE("what is awaited may own something") {
  check_form([]() -> task<> { (void) co_await by_value(counted{}); });
  check_form([]() -> task<> {
    counted x;
    (void) co_await by_value(x);
  });
  check_form([]() -> task<> {
    auto x = by_value(counted{});
    (void) co_await std::move(x);
  });
  check_form([]() -> task<> {
    plain_options x;
    (void) co_await by_plain_options(x);
  });
  check_form([]() -> task<> {
    plain_options x;
    auto y = by_plain_options(std::move(x));
    (void) co_await std::move(y);
  });
  check_form(
    []() -> task<> { (void) co_await by_made_options(made_options{}); });
  check_form([]() -> task<> { (void) co_await by_made_options({}); });
  check_form([]() -> task<> {
    counted x;
    auto f = [x] { x.check(); };
    (void) co_await by_function(std::move(f));
  });
  check_form([]() -> task<> {
    counted x;
    (void) co_await by_function([&x] { x.check(); });
  });
  check_form([]() -> task<> {
    auto x = co_await a_counted();
    x.check();
    (void) co_await by_value(std::move(x));
  });
  check_form([]() -> task<> {
    for (int i = 0; i < 3; ++i)
      (void) co_await by_value(counted{i});
  });
}

// -- nothing to do ------------------------------------------------------------

TEST_CASE("a task with nothing to do is over as soon as it begins") {
  SECTION("as what a fiber runs") {
    CHECK_FALSE(run(task<>::nothing()).error());
  }
  SECTION("as what a coroutine awaits") {
    auto twice = []() -> task<int> {
      co_await task<>::nothing();
      auto named = task<>::nothing();
      co_await std::move(named);
      co_return 2;
    };
    CHECK(run(twice()).take() == 2);
  }
  SECTION("as one of several") {
    auto all = []() -> task<int> {
      auto [one, none] = co_await when_all(number(1), task<>::nothing());
      static_cast<void>(none);
      co_return one;
    };
    CHECK(run(all()).take() == 1);
    auto any = []() -> task<std::size_t> {
      auto first = co_await when_any(task<>::nothing(), number_later(1));
      co_return first.index;
    };
    CHECK(run(any()).take() == 0);
  }
  SECTION("and once only") {
    auto x = task<>::nothing();
    CHECK(x);
    auto y = std::move(x);
    CHECK(y);
    CHECK_FALSE(x);
    y = std::move(x);
    CHECK_FALSE(y);
    auto again = [](task<> gone) -> task<> { co_await std::move(gone); };
    auto how = run(again(std::move(x)));
    CHECK_THROWS_AS(std::rethrow_exception(how.error()), std::logic_error);
  }
}
