// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/dispatcher.hpp"

#include "support/counted.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

using namespace troupe;
using testing::counted;

namespace {

struct event {
  std::string type;
  int value = 0;
};

using lines = std::vector<std::string>;

/// A dispatcher of events, and what its handlers have noted down.
struct fixture {
  dispatcher<event> desk{&event::type};
  lines log;

  auto noting(std::string what) {
    return [this, what = std::move(what)](const event& x) {
      log.push_back(what + std::to_string(x.value));
    };
  }
};

} // namespace

// -- who gets what ---------------------------------------------------------------

TEST_CASE_METHOD(fixture, "Q11 a message goes to all handlers of its type") {
  desk.register_handler("order.a", noting("a"));
  desk.register_handler("refund.a", noting("not me "));
  desk.register_handler("order.b", noting("b"));
  CHECK(desk.dispatch({"order", 1}) == 2);
  CHECK(desk.dispatch({"order", 2}) == 2);
  CHECK(log == lines{"a1", "b1", "a2", "b2"});
}

TEST_CASE_METHOD(fixture, "Q11 handlers run in the order of registration") {
  desk.register_handler("order.z", noting("z"));
  desk.register_handler("order.a", noting("a"));
  desk.register_handler("order", noting("-"));
  desk.register_handler("order.m", noting("m"));
  CHECK(desk.dispatch({"order"}) == 4);
  CHECK(log == lines{"z0", "a0", "-0", "m0"});
}

TEST_CASE_METHOD(fixture, "Q11 the same type and tag replaces the handler") {
  CHECK_FALSE(desk.register_handler("order.a", noting("old")));
  desk.register_handler("order.b", noting("b"));
  auto old = desk.register_handler("order.a", noting("new"));
  REQUIRE(old);
  CHECK(desk.dispatch({"order"}) == 2);
  CHECK(log == lines{"new0", "b0"}); // in its place
  old({"order", 7});
  CHECK(log.back() == "old7");
  // It can be put back.
  CHECK(desk.register_handler("order.a", old));
  CHECK(desk.dispatch({"order", 8}) == 2);
  CHECK(log == lines{"new0", "b0", "old7", "old8", "b8"});
}

TEST_CASE_METHOD(fixture, "Q11 the same tag of another type is another one") {
  CHECK_FALSE(desk.register_handler("order.a", noting("order")));
  CHECK_FALSE(desk.register_handler("refund.a", noting("refund")));
  CHECK(desk.dispatch({"refund"}) == 1);
  CHECK(log == lines{"refund0"});
}

TEST_CASE_METHOD(fixture, "Q11 a tag may be left out, which is the empty tag") {
  desk.register_handler("order", noting("a"));
  CHECK(desk.has_handler("order"));
  CHECK(desk.has_handler("order."));
  CHECK_FALSE(desk.has_handler("order.a"));
  CHECK(desk.register_handler("order.", noting("b")));
  CHECK(desk.dispatch({"order"}) == 1);
  CHECK(log == lines{"b0"});
}

TEST_CASE_METHOD(fixture, "Q11 more than one dot is an error") {
  const std::string says = "event \"a.b.c\" has more than one dot; write "
                           "\"type\" or \"type.tag\"";
  CHECK_THROWS_WITH(desk.register_handler("a.b.c", noting("")), says);
  CHECK_THROWS_WITH(desk.unregister_handler("a.b.c"), says);
  CHECK_THROWS_WITH(desk.has_handler("a.b.c"), says);
  CHECK_THROWS_AS(desk.register_handler("..", noting("")),
                  std::invalid_argument);
  CHECK(desk.dispatch({"a"}) == 0);
}

TEST_CASE_METHOD(fixture, "Q11 a handler that is empty is an error") {
  std::function<void(const event&)> nothing;
  void (*null)(const event&) = nullptr;
  CHECK_THROWS_AS(desk.register_handler("order", nothing),
                  std::invalid_argument);
  CHECK_THROWS_AS(desk.register_handler("order", null), std::invalid_argument);
  CHECK_THROWS_AS(desk.register_handler("order", dispatcher<event>::handler{}),
                  std::invalid_argument);
  CHECK_FALSE(desk.has_handler("order"));
}

TEST_CASE_METHOD(fixture, "Q11 a handler can be removed, and comes back out") {
  desk.register_handler("order.a", noting("a"));
  desk.register_handler("order.b", noting("b"));
  CHECK_FALSE(desk.unregister_handler("order.c"));
  CHECK_FALSE(desk.unregister_handler("refund.a"));
  auto a = desk.unregister_handler("order.a");
  REQUIRE(a);
  CHECK_FALSE(desk.unregister_handler("order.a"));
  CHECK(desk.dispatch({"order"}) == 1);
  CHECK(desk.unregister_handler("order.b"));
  CHECK(desk.dispatch({"order"}) == 0);
  desk.register_handler("order.b", noting("b"));
  desk.register_handler("order.a", a); // at the end now
  CHECK(desk.dispatch({"order"}) == 2);
  CHECK(log == lines{"b0", "b0", "a0"});
}

TEST_CASE("Q11 handlers and event types may be of many kinds") {
  struct source {
    int value;
    [[nodiscard]] std::string type() const {
      // Longer than what fits into a string object: its text must live.
      return value > 0 ? "a type with a name of some length, positive"
                       : "a type with a name of some length, negative";
    }
    void touch() const {
      ++touched();
    }
    static int& touched() {
      static int result = 0;
      return result;
    }
  };
  dispatcher<source> desk{&source::type};
  int sum = 0;
  desk.register_handler("a type with a name of some length, positive.owner",
                        [&sum, one = std::make_unique<int>(1)](
                          const source& x) { sum += x.value + *one; });
  desk.register_handler("a type with a name of some length, positive.copy",
                        [&sum](source x) { return sum += x.value; });
  desk.register_handler("a type with a name of some length, positive.member",
                        &source::touch);
  CHECK(desk.dispatch({5}) == 3);
  CHECK(desk.dispatch({-5}) == 0);
  CHECK(sum == 11);
  CHECK(source::touched() == 1);

  dispatcher<int> by_sign{
    [](int x) -> std::string_view { return x < 0 ? "below" : "above"; }};
  std::function<void(int)> f = [&sum](int x) { sum = x; };
  by_sign.register_handler("below", f);
  CHECK(by_sign.dispatch(-3) == 1);
  CHECK(by_sign.dispatch(3) == 0);
  CHECK(sum == -3);
}

TEST_CASE_METHOD(fixture, "Q13 a message without a handler is counted") {
  CHECK(desk.dispatch({"order"}) == 0);
  CHECK(desk.unhandled() == 1);
  desk.register_handler("order.a", noting("a"));
  CHECK(desk.dispatch({"order"}) == 1);
  CHECK(desk.unhandled() == 1);
  desk.unregister_handler("order.a");
  CHECK(desk.dispatch({"order"}) == 0);
  CHECK(desk.dispatch({""}) == 0);
  CHECK(desk.unhandled() == 3);
}

TEST_CASE_METHOD(fixture, "Q13 dispatch says how many have run") {
  for (int i = 0; i < 100; ++i)
    desk.register_handler("order." + std::to_string(i), noting(""));
  CHECK(desk.dispatch({"order"}) == 100);
  CHECK(log.size() == 100);
}

TEST_CASE_METHOD(fixture, "Q11 a dispatcher can be moved") {
  desk.register_handler("order.a", noting("a"));
  auto other = std::move(desk);
  CHECK(other.dispatch({"order"}) == 1);
  CHECK(log == lines{"a0"});
}

// -- while handlers run ----------------------------------------------------------

TEST_CASE_METHOD(fixture, "Q11 a handler that throws keeps no other one from "
                          "its message") {
  desk.register_handler("order.a", noting("a"));
  desk.register_handler("order.b",
                        [](auto&) { throw std::runtime_error{"first"}; });
  desk.register_handler("order.c", noting("c"));
  desk.register_handler("order.d", [](auto&) { throw 42; });
  desk.register_handler("order.e", noting("e"));
  CHECK_THROWS_WITH(desk.dispatch({"order"}), "first");
  CHECK(log == lines{"a0", "c0", "e0"});
  CHECK_THROWS_WITH(desk.dispatch({"order", 1}), "first");
  CHECK(log.size() == 6);
}

TEST_CASE_METHOD(fixture, "Q11 what says the type may throw, and then nobody "
                          "is called") {
  int calls = 0;
  dispatcher<int> strict{
    [](int) -> std::string { throw std::runtime_error{"of no type"}; }};
  strict.register_handler("", [&calls](int) { ++calls; });
  CHECK_THROWS_WITH(strict.dispatch(1), "of no type");
  CHECK(calls == 0);
  CHECK(strict.unhandled() == 0);
}

TEST_CASE_METHOD(fixture, "Q11 a handler may register others: from the next "
                          "message on") {
  desk.register_handler("order.a", [this](const event& x) {
    desk.register_handler("order.late" + std::to_string(x.value),
                          noting("late"));
    desk.register_handler("other", noting("other"));
  });
  desk.register_handler("order.b", noting("b"));
  CHECK(desk.dispatch({"order", 1}) == 2);
  CHECK(log == lines{"b1"});
  CHECK(desk.dispatch({"order", 2}) == 3);
  CHECK(log == lines{"b1", "b2", "late2"});
  CHECK(desk.dispatch({"other", 3}) == 1);
}

TEST_CASE_METHOD(fixture, "Q11 a handler may remove itself") {
  counted::reset();
  {
    counted token;
    desk.register_handler("order.once", [this, token](const event& x) {
      auto self = desk.unregister_handler("order.once");
      CHECK(self);
      self = nullptr;
      token.check(); // what it captured is still there
      log.push_back("once" + std::to_string(x.value));
    });
  }
  CHECK(counted::alive() == 1);
  desk.register_handler("order.b", noting("b"));
  CHECK(desk.dispatch({"order"}) == 2);
  CHECK(counted::alive() == 0);
  CHECK(counted::mistakes() == 0);
  CHECK(desk.dispatch({"order", 1}) == 1);
  CHECK(log == lines{"once0", "b0", "b1"});
}

TEST_CASE_METHOD(fixture, "Q11 a handler may replace itself") {
  counted::reset();
  {
    counted token;
    desk.register_handler("order.a", [this, token](const event&) {
      desk.register_handler("order.a", noting("new"));
      token.check();
      log.push_back("old");
    });
  }
  CHECK(desk.dispatch({"order"}) == 1);
  CHECK(desk.dispatch({"order"}) == 1);
  CHECK(log == lines{"old", "new0"});
  CHECK(counted::alive() == 0);
  CHECK(counted::mistakes() == 0);
}

TEST_CASE_METHOD(fixture, "Q11 who is removed before its turn is not called") {
  desk.register_handler("order.a", [this](const event&) {
    desk.unregister_handler("order.b");
    desk.unregister_handler("order.c");
    desk.register_handler("order.c", noting("too late"));
  });
  desk.register_handler("order.b", noting("b"));
  desk.register_handler("order.c", noting("c"));
  desk.register_handler("order.d", noting("d"));
  CHECK(desk.dispatch({"order"}) == 2);
  CHECK(log == lines{"d0"});
}

TEST_CASE_METHOD(fixture, "Q11 who is replaced before its turn leaves it to "
                          "the other") {
  desk.register_handler("order.a", [this](const event&) {
    desk.register_handler("order.b", noting("new"));
  });
  desk.register_handler("order.b", noting("old"));
  CHECK(desk.dispatch({"order"}) == 2);
  CHECK(log == lines{"new0"});
}

TEST_CASE_METHOD(fixture, "Q11 handlers that remove each other and all") {
  for (std::string tag : {"a", "b", "c"})
    desk.register_handler("order." + tag, [this, tag](const event&) {
      for (auto x : {"order.a", "order.b", "order.c"})
        desk.unregister_handler(x);
      log.push_back(tag);
    });
  CHECK(desk.dispatch({"order"}) == 1);
  CHECK(log == lines{"a"});
  CHECK(desk.dispatch({"order"}) == 0);
  CHECK(desk.unhandled() == 1);
}

TEST_CASE_METHOD(fixture, "Q11 a handler may dispatch, also to itself") {
  desk.register_handler("order.a", [this](const event& x) {
    if (x.value > 0)
      desk.dispatch({"order", x.value - 1});
    if (x.value == 1)
      desk.unregister_handler("order.b");
    log.push_back("a" + std::to_string(x.value));
  });
  desk.register_handler("order.b", noting("b"));
  CHECK(desk.dispatch({"order", 2}) == 1);
  CHECK(log == lines{"a0", "b0", "a1", "a2"});
}

TEST_CASE("Q11 a handler may destroy the dispatcher") {
  auto desk = std::make_unique<dispatcher<event>>(&event::type);
  int calls = 0;
  desk->register_handler("order.a", [&](const event&) { desk.reset(); });
  desk->register_handler("order.b", [&](const event&) { ++calls; });
  CHECK(desk->dispatch({"order"}) == 2);
  CHECK(calls == 1);
}

// -- variants --------------------------------------------------------------------

namespace {

struct order {
  int count;
};

struct refund {
  std::string why;
};

using message = std::variant<order, refund>;

} // namespace

TEST_CASE("Q11 the type of a variant is that of its alternative") {
  dispatcher<message> desk;
  lines log;
  desk.register_handler<order>("stock", [&](const order& x) {
    log.push_back("stock " + std::to_string(x.count));
  });
  desk.register_handler<refund>([&](const refund& x) { log.push_back(x.why); });
  desk.register_handler<order>([&](order) { log.emplace_back("mail"); });
  CHECK(desk.dispatch(order{3}) == 2);
  CHECK(desk.dispatch(refund{"broken"}) == 1);
  CHECK(log == lines{"stock 3", "mail", "broken"});
  CHECK(desk.has_handler<order>());
  CHECK(desk.has_handler<order>("stock"));
  CHECK_FALSE(desk.has_handler<refund>("stock"));
}

TEST_CASE("Q11 handlers of an alternative are replaced and removed by tag") {
  dispatcher<message> desk;
  lines log;
  auto noting = [&log](std::string what) {
    return [&log, what](const order&) { log.push_back(what); };
  };
  CHECK_FALSE(desk.register_handler<order>("a", noting("a")));
  desk.register_handler<order>("b", noting("b"));
  auto old = desk.register_handler<order>("a", noting("new"));
  REQUIRE(old);
  CHECK(desk.dispatch(order{}) == 2);
  old(order{});
  CHECK(desk.unregister_handler<order>("a"));
  CHECK_FALSE(desk.unregister_handler<order>("a"));
  CHECK_FALSE(desk.unregister_handler<refund>());
  CHECK(desk.dispatch(order{}) == 1);
  CHECK(log == lines{"new", "b", "a", "b"});
  CHECK_THROWS_AS(desk.register_handler<order>("a.b", noting("")),
                  std::invalid_argument);
}

TEST_CASE("Q13 an alternative without a handler is counted") {
  dispatcher<message> desk;
  desk.register_handler<order>([](const order&) {});
  CHECK(desk.dispatch(refund{}) == 0);
  CHECK(desk.dispatch(order{}) == 1);
  CHECK(desk.unhandled() == 1);
}

TEST_CASE("Q11 handlers of variants may change what is registered") {
  dispatcher<message> desk;
  int calls = 0;
  desk.register_handler<order>("a", [&](const order&) {
    desk.unregister_handler<order>("a");
    desk.unregister_handler<order>("b");
    desk.register_handler<order>("c", [&](const order&) { ++calls; });
    desk.dispatch(refund{});
  });
  desk.register_handler<order>("b", [&](const order&) { calls += 100; });
  desk.register_handler<refund>([&](const refund&) { calls += 10; });
  CHECK(desk.dispatch(order{}) == 1);
  CHECK(calls == 10);
  CHECK(desk.dispatch(order{}) == 1);
  CHECK(calls == 11);
}
