// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Handlers that wait; dispatcher_test.cpp has what both kinds have in common.

#include "troupe/dispatcher.hpp"

#include "support/counted.hpp"
#include "support/gate.hpp"
#include "support/loop_strand.hpp"

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <stdexcept>
#include <string>
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

struct event {
  std::string type;
  std::string text = "a text that does not fit into the string object";
  counted token = counted{};
};

using lines = std::vector<std::string>;
using desk_type = async_dispatcher<event>;

/// A dispatcher, what its handlers have noted down, and where they wait.
struct fixture {
  fixture() {
    counted::reset();
    desk = std::make_unique<desk_type>(&event::type);
  }

  ~fixture() {
    main.reset();
    desk.reset();
    CHECK(counted::alive() == 0);
    CHECK(counted::mistakes() == 0);
  }

  /// Begins to dispatch; whoever waits is in the gate then.
  void begin(std::string type) {
    auto body = [](fixture& self, std::string what) -> task<std::size_t> {
      auto all = self.desk->dispatch(event{std::move(what)});
      const auto count = co_await std::move(all);
      co_return count;
    };
    how.reset();
    main = std::make_unique<fiber>(strand);
    main->start(body(*this, std::move(type)),
                [out = &how](completion<std::size_t> x) {
                  *out = std::move(x);
                });
  }

  void open(std::size_t index = 0) {
    doors.open(index);
    strand.run();
  }

  [[nodiscard]] bool over() const {
    return !main->active();
  }

  /// A handler that notes down its begin and, after the gate, its end.
  auto passing(std::string what) {
    return [this, what = std::move(what),
            token = counted{}](const event& x) -> task<> {
      log.push_back(what + " begins");
      co_await doors;
      token.check(); // what it captured is still there, and so is the message
      x.token.check();
      log.push_back(what + " ends");
    };
  }

  auto noting(std::string what) {
    return
      [this, what = std::move(what)](const event&) { log.push_back(what); };
  }

  loop_strand strand;
  gate doors;
  lines log;
  std::unique_ptr<desk_type> desk;
  std::unique_ptr<fiber> main;
  completion<std::size_t> how;
};

} // namespace

TEST_CASE_METHOD(fixture, "Q11 handlers that wait run side by side") {
  desk->register_handler("order.a", passing("a"));
  desk->register_handler("order.b", noting("b"));
  desk->register_handler("order.c", passing("c"));
  begin("order");
  CHECK(log == lines{"a begins", "b", "c begins"});
  open(1);
  CHECK_FALSE(over());
  open();
  REQUIRE(over());
  CHECK(how.take() == 3);
  CHECK(log == lines{"a begins", "b", "c begins", "c ends", "a ends"});
}

TEST_CASE_METHOD(fixture, "Q13 no handler is counted, and no wait") {
  begin("order");
  REQUIRE(over());
  CHECK(how.take() == 0);
  CHECK(desk->unhandled() == 1);
}

TEST_CASE_METHOD(fixture, "Q11 plain handlers alone do not wait") {
  desk->register_handler("order.a", noting("a"));
  desk->register_handler("order.b", noting("b"));
  begin("order");
  REQUIRE(over());
  CHECK(how.take() == 2);
  CHECK(log == lines{"a", "b"});
}

TEST_CASE_METHOD(fixture, "Q12 when one handler fails, the others finish "
                          "first") {
  desk->register_handler("order.a", passing("a"));
  desk->register_handler("order.b", [this](event x) -> task<> {
    co_await doors;
    throw std::runtime_error{x.text};
  });
  desk->register_handler("order.c", passing("c"));
  begin("order");
  open(1);
  CHECK_FALSE(over());
  CHECK(main->in_flight() == 0);
  open(1);
  CHECK_FALSE(over());
  open();
  REQUIRE(over());
  CHECK_THROWS_AS(how.take(), std::runtime_error);
  CHECK(log == lines{"a begins", "c begins", "c ends", "a ends"});
}

TEST_CASE_METHOD(fixture, "Q12 the error that came first goes on") {
  auto failing = [this](int what) {
    return [this, what](const event&) -> task<> {
      co_await doors;
      throw what;
    };
  };
  desk->register_handler("order.a", failing(1));
  desk->register_handler("order.b", failing(2));
  begin("order");
  open(1);
  open();
  REQUIRE(over());
  int caught = 0;
  try {
    static_cast<void>(how.take());
  } catch (int x) {
    caught = x;
  }
  CHECK(caught == 2);
}

TEST_CASE_METHOD(fixture, "Q12 a plain handler that throws, and one that "
                          "throws before its first wait") {
  desk->register_handler("order.a", [](const event&) { throw 1; });
  desk->register_handler("order.b", [](const event&) -> task<> {
    throw 2;
    co_return;
  });
  desk->register_handler("order.c", [](const event&) -> task<> { throw 3; });
  desk->register_handler("order.d", passing("d"));
  begin("order");
  CHECK(log == lines{"d begins"});
  open();
  REQUIRE(over());
  CHECK_THROWS_AS(how.take(), int);
}

TEST_CASE_METHOD(fixture, "Q11 a handler may be removed while it waits") {
  desk->register_handler("order.a", passing("a"));
  desk->register_handler("order.b", passing("b"));
  begin("order");
  CHECK(desk->unregister_handler("order.a"));
  CHECK(desk->register_handler("order.b", noting("new")));
  open();
  open();
  REQUIRE(over());
  CHECK(how.take() == 2);
  CHECK(log == lines{"a begins", "b begins", "a ends", "b ends"});
  begin("order");
  CHECK(how.take() == 1);
  CHECK(log.back() == "new");
}

TEST_CASE_METHOD(fixture, "Q11 a handler may remove one that has not begun") {
  desk->register_handler("order.a", [this](const event&) -> task<> {
    desk->unregister_handler("order.b");
    desk->register_handler("order.c", noting("late"));
    co_await doors;
  });
  desk->register_handler("order.b", passing("b"));
  begin("order");
  open();
  REQUIRE(over());
  CHECK(how.take() == 1);
  CHECK(log.empty());
}

TEST_CASE_METHOD(fixture, "Q11 the dispatcher may go while handlers wait") {
  desk->register_handler("order.a", passing("a"));
  begin("order");
  desk.reset();
  open();
  REQUIRE(over());
  CHECK(how.take() == 1);
}

TEST_CASE_METHOD(fixture, "Q11 who dispatches may be destroyed: so are its "
                          "handlers") {
  desk->register_handler("order.a", passing("a"));
  desk->register_handler("order.b", passing("b"));
  begin("order");
  open(1);
  CHECK(main->cancel());
  CHECK(over());
  CHECK(doors.waiting.empty());
  CHECK(log == lines{"a begins", "b begins", "b ends"});
}

TEST_CASE_METHOD(fixture, "Q11 a handler with something in flight is waited "
                          "for") {
  errand away;
  desk->register_handler("order.a", [&away](event) -> task<> {
    [[maybe_unused]] const auto stopped = co_await away;
  });
  begin("order");
  CHECK_FALSE(main->cancel());
  CHECK(away.out.front()->stop);
  away.bring_back();
  strand.run();
  CHECK(over());
  CHECK(away.violations == 0);
}

TEST_CASE_METHOD(fixture, "Q11 an old handler can be registered again") {
  desk->register_handler("order.a", noting("plain"));
  desk->register_handler("order.b", passing("b"));
  auto plain = desk->unregister_handler("order.a");
  auto waits = desk->register_handler("order.b", plain);
  desk->register_handler("order.c", waits);
  begin("order");
  CHECK(log == lines{"plain", "b begins"});
  open();
  CHECK(how.take() == 2);
}

TEST_CASE_METHOD(fixture, "Q11 many handlers, many messages, one after "
                          "another") {
  for (int i = 0; i < 100; ++i)
    desk->register_handler("order." + std::to_string(i), passing(""));
  for (int round = 0; round < 10; ++round) {
    begin("order");
    CHECK(doors.waiting.size() == 100);
    while (!doors.waiting.empty())
      open(doors.waiting.size() / 2);
    REQUIRE(over());
    CHECK(how.take() == 100);
  }
}

TEST_CASE("Q11 a variant's alternatives have coroutines as well") {
  struct order {
    int count;
  };
  struct refund {
    std::string why;
  };
  using message = std::variant<order, refund>;
  loop_strand strand;
  gate door;
  lines log;
  async_dispatcher<message> desk;
  desk.register_handler<refund>("mail", [&](refund x) -> task<> {
    co_await door;
    log.push_back(x.why);
  });
  desk.register_handler<refund>([&](const refund&) { log.push_back("plain"); });
  completion<std::size_t> how;
  fiber main{strand};
  main.start(desk.dispatch(refund{"broken"}),
             [out = &how](completion<std::size_t> x) { *out = std::move(x); });
  door.open();
  strand.run();
  CHECK(how.take() == 2);
  CHECK(log == lines{"plain", "broken"});
  main.start(desk.dispatch(order{1}),
             [out = &how](completion<std::size_t> x) { *out = std::move(x); });
  CHECK(how.take() == 0);
  CHECK(desk.unhandled() == 1);
}
