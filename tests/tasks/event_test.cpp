// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/event.hpp"

#include "troupe/task.hpp"
#include "troupe/when.hpp"

#include "support/counted.hpp"
#include "support/gate.hpp"
#include "support/loop_strand.hpp"

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::detail;
using testing::counted;
using testing::gate;
using testing::loop_strand;

namespace {

struct fixture {
  task<> note(event& ev, char name) {
    counted x;
    co_await ev;
    order += name;
  }

  fiber& start(task<> body) {
    fibers.push_back(std::make_unique<fiber>(strand));
    fibers.back()->start(std::move(body), [](completion<void>) {});
    return *fibers.back();
  }

  fixture() {
    counted::reset();
  }

  ~fixture() {
    fibers.clear();
    CHECK(counted::alive() == 0);
    CHECK(counted::mistakes() == 0);
  }

  loop_strand strand;
  std::string order;
  std::vector<std::unique_ptr<fiber>> fibers;
};

} // namespace

TEST_CASE_METHOD(fixture, "A4 who awaits an event goes on when it is set") {
  event ev;
  start(note(ev, 'a'));
  strand.run();
  CHECK(order.empty());
  ev.set();
  CHECK(ev.is_set());
  CHECK(order.empty()); // not from within set()
  strand.run();
  CHECK(order == "a");
}

TEST_CASE_METHOD(fixture, "A4 who awaits a set event does not wait") {
  event ev{true};
  start(note(ev, 'a'));
  CHECK(order == "a");
}

TEST_CASE_METHOD(fixture, "A4 all who wait go on, the first one first") {
  event ev;
  for (auto name : {'a', 'b', 'c'})
    start(note(ev, name));
  ev.set();
  ev.set();
  strand.run();
  CHECK(order == "abc");
}

TEST_CASE_METHOD(fixture, "A4 an event that is reset holds up those who come") {
  event ev;
  start(note(ev, 'a'));
  ev.set();
  ev.reset();
  start(note(ev, 'b'));
  strand.run();
  CHECK(order == "a");
  ev.set();
  strand.run();
  CHECK(order == "ab");
}

TEST_CASE_METHOD(fixture, "A4 who is destroyed no longer waits") {
  event ev;
  start(note(ev, 'a'));
  auto& b = start(note(ev, 'b'));
  start(note(ev, 'c'));
  CHECK(b.cancel());
  ev.set();
  strand.run();
  CHECK(order == "ac");
}

TEST_CASE_METHOD(fixture,
                 "A4 who is destroyed after the event does not go on") {
  event ev;
  auto& a = start(note(ev, 'a'));
  start(note(ev, 'b'));
  ev.set();
  CHECK(a.cancel());
  strand.run();
  CHECK(order == "b");
}

TEST_CASE_METHOD(fixture, "A4 an event may go before those who wait for it") {
  std::optional<event> ev{std::in_place};
  auto& a = start(note(*ev, 'a'));
  auto& b = start(note(*ev, 'b'));
  ev.reset();
  strand.run();
  CHECK(order.empty());
  CHECK(a.cancel());
  CHECK(b.cancel());
}

TEST_CASE_METHOD(fixture, "A4 an event may go after it was set") {
  std::optional<event> ev{std::in_place};
  start(note(*ev, 'a'));
  auto& b = start(note(*ev, 'b'));
  ev->set();
  ev.reset();
  CHECK(b.cancel());
  strand.run();
  CHECK(order == "a");
}

TEST_CASE_METHOD(fixture, "A4 one coroutine may set what another awaits") {
  event ping;
  event pong;
  auto player = [this](event& mine, event& other, char name) -> task<> {
    for (int i = 0; i < 3; ++i) {
      co_await mine;
      mine.reset();
      order += name;
      other.set();
    }
  };
  start(player(ping, pong, 'a'));
  start(player(pong, ping, 'b'));
  ping.set();
  strand.run();
  CHECK(order == "ababab");
}

TEST_CASE_METHOD(fixture, "A4 an event in when_any") {
  event ev;
  gate g;
  auto body = [&]() -> task<> {
    const auto first = co_await when_any(g, ev);
    order += first.index == 1 ? 'e' : 'g';
  };
  SECTION("is set") {
    start(body());
    ev.set();
  }
  SECTION("is set before") {
    ev.set();
    start(body());
  }
  strand.run();
  CHECK(order == "e");
  CHECK(g.waiting.empty());
}
