// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/when.hpp"

#include "troupe/event.hpp"
#include "troupe/task.hpp"
#include "troupe/yield.hpp"

#include "support/counted.hpp"
#include "support/gate.hpp"
#include "support/loop_strand.hpp"
#include "support/sanitizers.hpp"

#include <catch2/catch_test_macros.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

using namespace troupe;
using namespace troupe::detail;
using testing::counted;
using testing::errand;
using testing::gate;
using testing::loop_strand;

namespace {

struct fixture {
  fixture() {
    counted::reset();
  }

  ~fixture() {
    CHECK(counted::alive() == 0);
    CHECK(counted::mistakes() == 0);
    CHECK(e.violations == 0);
  }

  // Starts a coroutine; it must end or be cancelled before the next one.
  template <class T>
  void start(task<T> body) {
    error = nullptr;
    f.start(std::move(body),
            [this](completion<T> how) { error = how.error(); });
  }

  bool cancel() {
    return f.cancel([this](fiber&) { gone = true; });
  }

  template <class T>
  task<T> value(T x) {
    counted y;
    co_return x;
  }

  template <class T>
  task<T> pass(T x) {
    counted y;
    order += '<';
    co_await g;
    order += '>';
    co_return x;
  }

  task<bool> send() {
    counted y;
    co_return co_await e;
  }

  task<> fail(const char* what) {
    counted y;
    throw std::runtime_error(what);
    co_return;
  }

  task<> fail_later(const char* what) {
    counted y;
    co_await g;
    throw std::runtime_error(what);
  }

  std::string what() const {
    if (error == nullptr)
      return "";
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& x) {
      return x.what();
    } catch (...) {
      return "?";
    }
  }

  loop_strand strand;
  gate g;
  errand e;
  std::string order;
  std::exception_ptr error;
  bool gone = false;
  fiber f{strand};
};

} // namespace

// -- when_all -----------------------------------------------------------------

TEST_CASE_METHOD(fixture, "A7 when_all gives the values of all parts") {
  std::string result;
  auto body = [&]() -> task<> {
    auto [a, b, c] = co_await when_all(pass(1), value(std::string{"x"}),
                                       pass('c'));
    result = std::to_string(a) + b + c;
  };
  start(body());
  CHECK(order == "<<");
  g.open(1);
  strand.run();
  CHECK(f.active());
  g.open(0);
  strand.run();
  CHECK_FALSE(f.active());
  CHECK(result == "1xc");
}

TEST_CASE_METHOD(fixture, "A7 when_all of what need not wait does not wait") {
  bool done = false;
  auto body = [&]() -> task<> {
    auto [a, b] = co_await when_all(value(1), value(2));
    done = a + b == 3;
  };
  start(body());
  CHECK(done);
  CHECK(strand.wakes() == 0);
}

TEST_CASE_METHOD(fixture, "A7 when_all knows nothing, references, move-only") {
  int x = 1;
  auto nothing = []() -> task<> { co_return; };
  auto reference = [&x]() -> task<int&> { co_return x; };
  auto unique = []() -> task<std::unique_ptr<int>> {
    co_return std::make_unique<int>(3);
  };
  bool done = false;
  auto body = [&]() -> task<> {
    auto all = co_await when_all(nothing(), reference(), unique());
    static_assert(
      std::is_same_v<decltype(all),
                     std::tuple<std::monostate, std::reference_wrapper<int>,
                                std::unique_ptr<int>>>);
    done = &std::get<1>(all).get() == &x && *std::get<2>(all) == 3;
  };
  start(body());
  CHECK(done);
}

TEST_CASE_METHOD(fixture, "A7 when_all takes whatever can be awaited") {
  event ev;
  bool done = false;
  auto body = [&]() -> task<> {
    co_await when_all(yield(), ev, g, value(1));
    done = true;
  };
  start(body());
  strand.run();
  CHECK_FALSE(done);
  ev.set();
  g.open();
  strand.run();
  CHECK(done);
}

TEST_CASE_METHOD(fixture, "A7 a failure cancels the other parts") {
  auto body = [&]() -> task<> {
    co_await when_all(pass(1), fail_later("no"), pass(2));
  };
  start(body());
  CHECK(g.waiting.size() == 3);
  g.open(1);
  strand.run();
  CHECK(g.waiting.empty());
  CHECK_FALSE(f.active());
  CHECK(what() == "no");
}

TEST_CASE_METHOD(fixture, "A7 a failure at once starts no further parts") {
  auto body = [&]() -> task<> {
    co_await when_all(pass(1), fail("no"), pass(2));
  };
  start(body());
  CHECK_FALSE(f.active());
  CHECK(order == "<");
  CHECK(what() == "no");
}

TEST_CASE_METHOD(fixture, "A7 the first failure counts") {
  auto body = [&]() -> task<> {
    co_await when_all(fail_later("first part"), fail_later("second part"));
  };
  start(body());
  g.open(1);
  g.open(0);
  strand.run();
  CHECK(what() == "second part");
}

TEST_CASE_METHOD(fixture, "A7 a failure waits for what is in flight") {
  auto body = [&]() -> task<> {
    co_await when_all(send(), fail_later("no"), send());
  };
  start(body());
  CHECK(f.in_flight() == 2);
  g.open();
  strand.run();
  CHECK(f.active());
  CHECK(e.out[0]->stop);
  e.bring_back();
  strand.run();
  CHECK(f.in_flight() == 1);
  e.bring_back();
  strand.run();
  CHECK_FALSE(f.active());
  CHECK(what() == "no");
}

TEST_CASE_METHOD(fixture, "A7 when_all of a vector") {
  std::vector<int> result;
  auto body = [&]() -> task<> {
    std::vector<task<int>> parts;
    for (int i = 0; i < 5; ++i)
      parts.push_back(i % 2 == 0 ? pass(i) : value(i));
    result = co_await when_all(std::move(parts));
  };
  start(body());
  while (!g.waiting.empty())
    g.open(g.waiting.size() - 1);
  strand.run();
  CHECK(result == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE_METHOD(fixture, "A7 when_all of an empty vector is over at once") {
  bool done = false;
  auto body = [&]() -> task<> {
    co_await when_all(std::vector<task<>>{});
    auto none = co_await when_all(std::vector<task<int>>{});
    done = none.empty();
  };
  start(body());
  CHECK(done);
}

TEST_CASE_METHOD(fixture, "A7 a failure in a vector comes out") {
  auto body = [&]() -> task<> {
    std::vector<task<>> parts;
    for (int i = 0; i < 3; ++i)
      parts.push_back(fail_later("no"));
    co_await when_all(std::move(parts));
  };
  start(body());
  g.open(2);
  strand.run();
  CHECK(what() == "no");
  CHECK(g.waiting.empty());
}

TEST_CASE_METHOD(fixture, "A7 destroying when_all destroys all parts") {
  auto body = [&]() -> task<> {
    co_await when_all(pass(1), when_all(pass(2), pass(3)), value(4));
  };
  start(body());
  CHECK(g.waiting.size() == 3);
  CHECK(cancel());
  CHECK(g.waiting.empty());
}

TEST_CASE_METHOD(fixture, "A7 a force waits for the parts in flight only") {
  auto body = [&]() -> task<> {
    counted x;
    co_await when_all(pass(1), when_all(send(), pass(2)), send());
  };
  start(body());
  CHECK(counted::alive() == 5);
  CHECK_FALSE(cancel());
  CHECK(g.waiting.empty());
  CHECK(counted::alive() == 3);
  CHECK(f.in_flight() == 2);
  e.bring_back(0);
  strand.run();
  CHECK_FALSE(gone);
  e.bring_back(0);
  strand.run();
  CHECK(gone);
  CHECK_FALSE(f.active());
}

TEST_CASE_METHOD(fixture, "A7 a stop request reaches all parts") {
  bool first = false;
  bool second = false;
  bool third = false;
  auto late = [&]() -> task<bool> {
    co_await g;
    co_return co_await e;
  };
  auto body = [&]() -> task<> {
    auto [x, y] = co_await when_all(when_all(send(), late()), late());
    first = std::get<0>(x);
    second = std::get<1>(x);
    third = y;
  };
  start(body());
  f.request_stop();
  CHECK(e.out[0]->stop);
  g.open();
  g.open();
  strand.run();
  while (!e.out.empty())
    e.bring_back();
  strand.run();
  CHECK(first);
  CHECK(second);
  CHECK(third);
}

TEST_CASE_METHOD(fixture, "A7 parts that begin after the stop know of it") {
  bool asked = false;
  auto body = [&]() -> task<> {
    co_await g;
    auto [x] = co_await when_all(send());
    asked = x;
  };
  start(body());
  f.request_stop();
  g.open();
  strand.run();
  e.bring_back();
  strand.run();
  CHECK(asked);
}

// -- when_any -----------------------------------------------------------------

TEST_CASE_METHOD(fixture, "A8 when_any gives the first value") {
  std::size_t index = 9;
  std::string result;
  auto body = [&]() -> task<> {
    auto first = co_await when_any(pass(1), pass(std::string{"x"}), g);
    index = first.index;
    result = std::get<1>(first.value);
  };
  start(body());
  CHECK(g.waiting.size() == 3);
  g.open(1);
  strand.run();
  CHECK_FALSE(f.active());
  CHECK(index == 1);
  CHECK(result == "x");
  CHECK(g.waiting.empty());
}

TEST_CASE_METHOD(fixture,
                 "A8 when one part need not wait, no later one starts") {
  std::size_t index = 9;
  auto body = [&]() -> task<> {
    auto first = co_await when_any(pass(1), value(2), pass(3));
    index = first.index;
  };
  start(body());
  CHECK(index == 1);
  CHECK(order == "<");
  CHECK(strand.wakes() == 0);
}

TEST_CASE_METHOD(fixture, "A8 of two that are over the first one counts") {
  std::size_t index = 9;
  auto body = [&]() -> task<> {
    auto first = co_await when_any(pass(1), pass(2));
    index = first.index;
  };
  start(body());
  g.open(1);
  g.open(0);
  strand.run();
  CHECK(index == 1);
  CHECK(order == "<<>");
}

TEST_CASE_METHOD(fixture, "A8 a failure may be first") {
  auto body = [&]() -> task<> { co_await when_any(pass(1), fail_later("no")); };
  start(body());
  g.open(1);
  strand.run();
  CHECK(what() == "no");
  CHECK(g.waiting.empty());
}

TEST_CASE_METHOD(fixture, "A8 parts of the same type, of none, of references") {
  int x = 1;
  auto nothing = [this]() -> task<> { co_await g; };
  auto reference = [this, &x]() -> task<int&> {
    co_await g;
    co_return x;
  };
  bool done = false;
  auto body = [&]() -> task<> {
    auto first = co_await when_any(nothing(), reference(), nothing());
    using expected = std::variant<std::monostate, std::reference_wrapper<int>,
                                  std::monostate>;
    static_assert(std::is_same_v<decltype(first.value), expected>);
    done = first.index == 2 && first.value.index() == 2;
  };
  start(body());
  g.open(2);
  strand.run();
  CHECK(done);
}

TEST_CASE_METHOD(fixture, "A8 losers that are in flight are joined") {
  std::size_t index = 9;
  auto body = [&]() -> task<> {
    auto first = co_await when_any(send(), g, send());
    index = first.index;
    CHECK(e.out.empty());
  };
  start(body());
  g.open();
  strand.run();
  CHECK(index == 9);
  CHECK(e.out.size() == 2);
  CHECK(e.out[0]->stop);
  CHECK(e.out[1]->stop);
  e.bring_back(1);
  strand.run();
  CHECK(index == 9);
  e.bring_back(0);
  strand.run();
  CHECK(index == 1);
}

TEST_CASE_METHOD(fixture, "A8 a force while losers are joined") {
  auto body = [&]() -> task<> {
    co_await when_any(send(), g);
    FAIL("it was cancelled");
  };
  start(body());
  g.open();
  strand.run();
  CHECK(f.in_flight() == 1);
  CHECK_FALSE(cancel());
  e.bring_back();
  strand.run();
  CHECK(gone);
}

TEST_CASE_METHOD(fixture, "A8 when_any of a vector") {
  std::size_t index = 9;
  int result = 0;
  auto body = [&]() -> task<> {
    std::vector<task<int>> parts;
    for (int i = 0; i < 5; ++i)
      parts.push_back(pass(i));
    auto first = co_await when_any(std::move(parts));
    index = first.index;
    result = first.value;
  };
  start(body());
  g.open(3);
  strand.run();
  CHECK(index == 3);
  CHECK(result == 3);
  CHECK(g.waiting.empty());
}

TEST_CASE_METHOD(fixture, "A8 when_any of nothing is an error") {
  auto body = [&]() -> task<> { co_await when_any(std::vector<task<int>>{}); };
  start(body());
  CHECK_THROWS_AS(std::rethrow_exception(error), std::invalid_argument);
}

TEST_CASE_METHOD(fixture, "A8 when_any in a loop leaves nothing behind") {
  event ev;
  int rounds = 0;
  auto body = [&]() -> task<> {
    for (int i = 0; i < 10'000; ++i) {
      auto first = co_await when_any(ev, yield());
      rounds += static_cast<int>(first.index);
    }
  };
  start(body());
  strand.run();
  CHECK(rounds == 10'000);
}

// -- parts that meddle --------------------------------------------------------

TEST_CASE_METHOD(fixture, "a part may cancel the whole fiber") {
  auto meddler = [&](bool later) -> task<> {
    counted x;
    if (later)
      co_await g;
    CHECK_FALSE(cancel());
    x.check();
    CHECK_FALSE(gone);
    co_await g;
    FAIL("it was cancelled");
  };
  auto ends = [&](bool later) -> task<> {
    counted x;
    if (later)
      co_await g;
    CHECK_FALSE(cancel());
    x.check();
  };
  auto all = [&](task<> x) -> task<> {
    counted y;
    co_await when_all(pass(1), std::move(x), pass(2));
    FAIL("it was cancelled");
  };
  auto any = [&](task<> x) -> task<> {
    counted y;
    co_await when_any(pass(1), std::move(x), pass(2));
    FAIL("it was cancelled");
  };
  SECTION("at once, in when_all") {
    start(all(meddler(false)));
  }
  SECTION("at once, in when_any") {
    start(any(meddler(false)));
  }
  SECTION("at once, in when_all, and ends") {
    start(all(ends(false)));
  }
  SECTION("at once, in when_any, and ends") {
    start(any(ends(false)));
  }
  SECTION("later, in when_all") {
    start(all(meddler(true)));
    g.open(1);
    strand.run();
  }
  SECTION("later, in when_any") {
    start(any(meddler(true)));
    g.open(1);
    strand.run();
  }
  SECTION("later, in when_all, and ends") {
    start(all(ends(true)));
    g.open(1);
    strand.run();
  }
  SECTION("later, in when_any, and ends") {
    start(any(ends(true)));
    g.open(1);
    strand.run();
  }
  SECTION("below another group") {
    start(all(any(meddler(true))));
    g.open(2);
    strand.run();
  }
  CHECK(gone);
  CHECK_FALSE(f.active());
  CHECK(g.waiting.empty());
}

TEST_CASE_METHOD(fixture,
                 "a destructor of a loser may cancel the whole fiber") {
  struct meddler {
    fixture& self;
    ~meddler() {
      self.cancel();
    }
  };
  auto loser = [&]() -> task<> {
    counted x;
    meddler y{*this};
    co_await g;
  };
  auto body = [&](bool in_flight) -> task<> {
    counted x;
    if (in_flight)
      co_await when_any(loser(), g, send(), loser());
    else
      co_await when_any(loser(), g, loser());
    FAIL("it was cancelled");
  };
  SECTION("with nothing in flight") {
    start(body(false));
    g.open(1);
    strand.run();
  }
  SECTION("with something in flight") {
    start(body(true));
    g.open(1);
    strand.run();
    CHECK_FALSE(gone);
    e.bring_back();
    strand.run();
  }
  CHECK(gone);
  CHECK_FALSE(f.active());
}

// -- depth and width ----------------------------------------------------------

namespace {

// The time that Clang's AddressSanitizer takes to leave frames grows with the
// square of how many there are.
constexpr int deep = support::under_asan ? 1'000 : 10'000;

task<int> nested_all(int depth, gate& g) {
  counted x{1};
  if (depth == 0) {
    co_await g;
  } else {
    auto [inner] = co_await when_all(nested_all(depth - 1, g));
    x.value += inner;
  }
  co_return x.value;
}

task<int> nested_any(int depth, gate& g) {
  counted x{1};
  if (depth == 0) {
    co_await g;
  } else {
    auto inner = co_await when_any(nested_any(depth - 1, g), g);
    x.value += std::get<0>(inner.value);
  }
  co_return x.value;
}

} // namespace

TEST_CASE_METHOD(fixture, "A7 when_all nests thousands deep") {
  start(nested_all(deep, g));
  strand.run();
  CHECK(counted::alive() == deep + 1);
  SECTION("and ends") {
    g.open();
    strand.run();
    CHECK_FALSE(f.active());
    CHECK(error == nullptr);
  }
  SECTION("and is destroyed") {
    CHECK(cancel());
  }
}

TEST_CASE_METHOD(fixture, "A8 when_any nests thousands deep") {
  start(nested_any(deep, g));
  strand.run();
  CHECK(counted::alive() == deep + 1);
  SECTION("and is destroyed") {
    CHECK(cancel());
  }
  SECTION("and loses all but one") {
    // The second part of the outermost.
    g.open(g.waiting.size() - 1);
    strand.run();
  }
}

TEST_CASE_METHOD(fixture, "A7 thousands of parts") {
  auto body = [&]() -> task<> {
    std::vector<task<int>> parts;
    for (int i = 0; i < deep; ++i)
      parts.push_back(pass(1));
    int sum = 0;
    for (auto x : co_await when_all(std::move(parts)))
      sum += x;
    CHECK(sum == deep);
  };
  start(body());
  CHECK(g.waiting.size() == deep);
  SECTION("end") {
    while (!g.waiting.empty())
      g.open(g.waiting.size() - 1);
    strand.run();
    CHECK_FALSE(f.active());
  }
  SECTION("are destroyed") {
    CHECK(cancel());
  }
}

// -- GCC 12 and temporaries ---------------------------------------------------

TEST_CASE_METHOD(fixture, "parts may own something") {
  const std::string text = "a text that is too long to fit into the string";
  auto echo = [this](std::string x, counted y) -> task<std::string> {
    co_await g;
    y.check();
    co_return x;
  };
  std::string result;
  auto all = [&]() -> task<> {
    auto [a, b] = co_await when_all(echo(std::string{text}, counted{}),
                                    echo(text + "!", counted{}));
    result = a + b;
  };
  auto any = [&]() -> task<> {
    auto first = co_await when_any(echo(std::string{text}, counted{}),
                                   echo(text + "!", counted{}));
    result = std::get<0>(first.value);
  };
  auto named = [&]() -> task<> {
    auto both = when_all(echo(text, counted{}), echo(text, counted{}));
    auto [a, b] = co_await std::move(both);
    result = a + b;
  };
  SECTION("all") {
    start(all());
    g.open();
    g.open();
    strand.run();
    CHECK(result == text + text + "!");
  }
  SECTION("any") {
    start(any());
    g.open();
    strand.run();
    CHECK(result == text);
  }
  SECTION("named") {
    start(named());
    g.open();
    g.open();
    strand.run();
    CHECK(result == text + text);
  }
  SECTION("all, destroyed") {
    start(all());
    CHECK(cancel());
  }
  SECTION("any, destroyed") {
    start(any());
    CHECK(cancel());
  }
}

// -- everything at random -----------------------------------------------------

namespace {

// Coroutines that await anything in any nesting. Each knows an object of the
// one that awaits it, and checks whenever it runs that this still waits for it.
struct jungle {
  explicit jungle(unsigned seed) : rng(seed) {
    // nop
  }

  unsigned pick(unsigned n) {
    return static_cast<unsigned>(rng() % n);
  }

  void check(const counted& caller) {
    caller.check();
    if (caller.value != waits)
      ++strays;
  }

  task<int> node(counted& caller, int depth, counted parameter) {
    counted self{waits};
    check(caller);
    const auto rounds = 1 + pick(2);
    for (unsigned i = 0; i < rounds; ++i) {
      co_await something(self, depth);
      self.check();
      parameter.check();
      check(caller);
    }
    self.value = over;
    co_return 1;
  }

  task<> something(counted& caller, int depth) {
    counted self{waits};
    const auto kind = depth == 0 ? pick(5) : pick(11);
    switch (kind) {
      case 0:
        break;
      case 1:
        if (pick(3) == 0)
          throw std::runtime_error("thrown");
        break;
      case 2:
        co_await g;
        break;
      case 3:
        co_await e;
        break;
      case 4:
        co_await yield();
        break;
      case 5: {
        co_await node(self, depth - 1, counted{});
        break;
      }
      case 6: {
        auto all = when_all(node(self, depth - 1, counted{}), g,
                            node(self, depth - 1, counted{}));
        co_await std::move(all);
        break;
      }
      case 7: {
        co_await when_any(node(self, depth - 1, counted{}), e,
                          node(self, depth - 1, counted{}));
        break;
      }
      case 8: {
        co_await when_any(node(self, depth - 1, counted{}), yield());
        break;
      }
      case 9: {
        co_await when_all(nodes(self, depth - 1));
        break;
      }
      default: {
        bool failed = false;
        try {
          co_await when_any(nodes(self, depth - 1));
        } catch (const std::runtime_error&) {
          failed = true;
        }
        if (failed)
          co_await yield();
      }
    }
    check(caller);
    self.value = over;
  }

  std::vector<task<int>> nodes(counted& self, int depth) {
    std::vector<task<int>> result;
    const auto n = 1 + pick(3);
    for (unsigned i = 0; i < n; ++i)
      result.push_back(node(self, depth, counted{}));
    return result;
  }

  // Does one thing out of all that can happen. Returns whether there was one.
  bool step() {
    const auto choices = (strand.has_ready() ? 1u : 0u)
                         + (g.waiting.empty() ? 0u : 1u)
                         + (e.out.empty() ? 0u : 1u);
    if (choices == 0)
      return false;
    auto choice = pick(choices);
    if (strand.has_ready() && choice-- == 0) {
      strand.run_ready(1 + pick(3));
    } else if (!g.waiting.empty() && choice-- == 0) {
      g.open(pick(static_cast<unsigned>(g.waiting.size())));
    } else {
      e.bring_back(pick(static_cast<unsigned>(e.out.size())));
    }
    return true;
  }

  static constexpr int waits = 1;
  static constexpr int over = 2;

  std::mt19937 rng;
  loop_strand strand;
  gate g;
  errand e;
  int strays = 0;
};

struct result {
  int steps = 0;
  int done = 0;
  int gone = 0;
};

// Runs the jungle; from step `cancel_at` on it is cancelled.
result explore(unsigned seed, int cancel_at) {
  counted::reset();
  result out;
  jungle x{seed};
  {
    counted root{jungle::waits};
    fiber f{x.strand};
    f.start(x.node(root, 4, counted{}),
            [self = &out](completion<int>) { ++self->done; });
    while (f.active() && out.steps < 2000) {
      if (out.steps == cancel_at) {
        const auto in_flight = f.in_flight();
        REQUIRE(in_flight >= x.e.out.size());
        if (f.cancel([self = &out](fiber&) { ++self->gone; })) {
          REQUIRE(in_flight == 0);
          ++out.gone;
        } else {
          REQUIRE(x.g.waiting.empty());
          for (auto* y : x.e.out)
            REQUIRE(y->stop);
        }
      }
      ++out.steps;
      if (f.active())
        REQUIRE(x.step());
    }
    if (f.active()) // it grows too big; good enough
      while (!f.cancel() && x.step()) {
        // nop
      }
    REQUIRE_FALSE(f.active());
  }
  REQUIRE(counted::alive() == 0);
  REQUIRE(counted::mistakes() == 0);
  REQUIRE(x.strays == 0);
  REQUIRE(x.e.violations == 0);
  REQUIRE(x.g.waiting.empty());
  REQUIRE(x.e.out.empty());
  REQUIRE_FALSE(x.strand.has_ready());
  return out;
}

} // namespace

TEST_CASE("A7 A8 whatever is awaited can be destroyed wherever it waits") {
  constexpr unsigned seeds = 600;
  int cancelled = 0;
  for (unsigned seed = 0; seed < seeds; ++seed) {
    const auto whole = explore(seed, -1);
    if (whole.done == 0)
      continue;
    // Each point, or a hundred spread over all.
    const auto stride = 1 + whole.steps / 100;
    for (int at = 0; at < whole.steps; at += stride) {
      const auto cut = explore(seed, at);
      REQUIRE(cut.done == 0);
      REQUIRE(cut.gone == 1);
      ++cancelled;
    }
  }
  CHECK(cancelled > 1000);
}
