// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/ask.hpp"

#include "support/clerk.hpp"
#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "support/trap.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include "system/find_pump.hpp"

#include <caf/actor_system.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/response_promise.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using support::scene;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

/// Keeps what it is asked until the test lets it answer.
struct slow_server {
  std::vector<caf::response_promise> open;
  caf::actor actor;

  explicit slow_server(testing_system& sys) {
    actor = sys.sys().spawn([this](caf::event_based_actor* self) {
      return caf::behavior{
        [this, self](int32_t) {
          open.push_back(self->make_response_promise());
          return open.back();
        },
      };
    });
  }

  ~slow_server() {
    open.clear();
    support::tell(actor, caf::exit_msg{actor.address(),
                                       caf::exit_reason::user_shutdown});
  }
};

/// Answers at once, in all ways there are.
caf::actor spawn_oracle(testing_system& sys) {
  return sys.sys().spawn([](caf::event_based_actor*) {
    return caf::behavior{
      [](const std::string& x) { return x + x; },
      [](int32_t x) -> caf::result<int32_t, std::string> {
        return {x, std::to_string(x)};
      },
      [](double) {},
      [](int64_t) -> caf::result<int64_t> {
        return caf::make_error(caf::sec::invalid_argument, "no such number");
      },
    };
  });
}

/// Longer than what a std::string keeps inside of itself.
const std::string long_text = "a text that does not fit into the string object";

template <class Body>
troupe::awaited_outcome run(testing_system& sys, Body body) {
  auto ref = troupe::spawn<scene>(sys, {}, std::move(body));
  ref.startup();
  return ref.wait_for_shutdown();
}

} // namespace

TEST_CASE("A5 ask gives the reply: a value, several values, nothing") {
  testing_system sys;
  auto oracle = spawn_oracle(sys);
  std::optional<std::string> one;
  std::optional<std::tuple<int32_t, std::string>> two;
  bool none = false;
  auto how = run(sys, [&](scene& w) -> task<> {
    // Made first and awaited in the next statement, for GCC 12.
    auto first = w.ask<std::string>(oracle, 1s, long_text);
    auto text = co_await std::move(first);
    one = *text;
    auto second = w.ask<std::tuple<int32_t, std::string>>(oracle, 1s,
                                                          int32_t{7});
    auto pair = co_await std::move(second);
    two = *pair;
    auto third = w.ask<void>(oracle, 1s, 1.0);
    auto nothing = co_await std::move(third);
    none = static_cast<bool>(nothing);
  });
  CHECK(how->ok());
  CHECK(one == long_text + long_text);
  CHECK(two == std::tuple{int32_t{7}, std::string{"7"}});
  CHECK(none);
}

TEST_CASE("A5 ask gives the error that the target replied") {
  testing_system sys;
  auto oracle = spawn_oracle(sys);
  caf::error refused;
  caf::error unexpected;
  caf::error unknown;
  auto how = run(sys, [&](scene& w) -> task<> {
    auto x = co_await w.ask<int64_t>(oracle, 1s, int64_t{1});
    refused = x.error();
    auto y = co_await w.ask<int32_t>(oracle, 1s, 1.0);
    unexpected = y.error();
    auto z = co_await w.ask<int32_t>(oracle, 1s, uint16_t{1});
    unknown = z.error();
  });
  CHECK(how->ok());
  CHECK(refused == caf::sec::invalid_argument);
  CHECK(unexpected == caf::sec::unexpected_response);
  CHECK(unknown == caf::sec::unexpected_message);
}

TEST_CASE("A5 ask ends with an error when its timeout has passed") {
  testing_system sys;
  slow_server server{sys};
  auto begin = sys.now();
  caf::error got;
  troupe::timespan took{};
  auto how = run(sys, [&](scene& w) -> task<> {
    auto x = co_await w.ask<int32_t>(server.actor, 3s, int32_t{1});
    got = x.error();
    took = w.now() - begin;
  });
  CHECK(how->ok());
  CHECK(got == caf::sec::request_timeout);
  CHECK(took == 3s);
}

TEST_CASE("A5 a reply that comes after the timeout is not taken for another") {
  testing_system sys;
  slow_server server{sys};
  std::optional<int32_t> got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    static_cast<void>(co_await w.ask<int32_t>(server.actor, 1s, int32_t{1}));
    auto x = co_await w.ask<int32_t>(server.actor, 1h, int32_t{2});
    got = *x;
  });
  ref.startup();
  sys.advance(2s);
  REQUIRE(server.open.size() == 2);
  server.open[0].deliver(int32_t{111});
  sys.run();
  CHECK_FALSE(got);
  server.open[1].deliver(int32_t{222});
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == 222);
}

TEST_CASE("A5 ask ends with an error when its target ends or has ended") {
  testing_system sys;
  caf::error while_waiting;
  caf::error afterwards;
  caf::error nobody;
  {
    slow_server server{sys};
    auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
      auto x = co_await w.ask<int32_t>(server.actor, troupe::infinite,
                                       int32_t{1});
      while_waiting = x.error();
      auto y = co_await w.ask<int32_t>(server.actor, troupe::infinite,
                                       int32_t{1});
      afterwards = y.error();
      auto z = co_await w.ask<int32_t>(caf::actor{}, troupe::infinite,
                                       int32_t{1});
      nobody = z.error();
    });
    ref.startup();
    sys.run();
    REQUIRE(server.open.size() == 1);
    support::tell(server.actor, caf::exit_msg{server.actor.address(),
                                              caf::exit_reason::kill});
    sys.run();
    server.open.clear();
    CHECK(ref.wait_for_shutdown()->ok());
  }
  CHECK(while_waiting);
  CHECK(afterwards == troupe::errc::receiver_gone);
  CHECK_THAT(troupe::text_of(afterwards), ContainsSubstring("has ended"));
  CHECK(nobody == troupe::errc::receiver_gone);
  CHECK_THAT(troupe::text_of(nobody), ContainsSubstring("null handle"));
}

TEST_CASE("A5 a worker that has ended is an error of its own") {
  testing_system sys;
  auto ended = troupe::spawn<scene>(sys, {},
                                    [](scene&) -> task<> { co_return; });
  ended.startup();
  CHECK(ended.wait_for_shutdown()->ok());
  caf::error got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto x = co_await w.ask<int32_t>(ended.actor(), 1s, int32_t{1});
    got = x.error();
  });
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == troupe::errc::receiver_gone);
  CHECK_THAT(troupe::text_of(got), ContainsSubstring("has ended"));
}

TEST_CASE("A5 a stop does not wake an ask") {
  testing_system sys;
  slow_server server{sys};
  std::optional<int32_t> got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto x = co_await w.ask<int32_t>(server.actor, 1h, int32_t{1});
    got = *x;
  });
  ref.startup();
  ref.gracefully_stop();
  sys.advance(5s);
  CHECK(ref.state() == troupe::worker_state::stopping);
  CHECK_FALSE(got);
  REQUIRE(server.open.size() == 1);
  server.open[0].deliver(int32_t{5});
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == 5);
}

TEST_CASE("A5 the late reply to an ask that was forced finds nobody") {
  testing_system sys;
  auto timers = troupe::testing::find_pump(sys)->clock().pending();
  slow_server server{sys};
  bool resumed = false;
  std::vector<int> shut_down;
  auto ref = troupe::spawn<scene>(
    sys, {.cleanup_period = 20s},
    [&](scene& w) -> task<> {
      auto request = w.ask<int32_t>(server.actor, 1h, int32_t{1});
      static_cast<void>(co_await std::move(request));
      resumed = true;
    },
    [&](scene& w) -> task<> {
      shut_down.push_back(1);
      co_await w.sleep_for(10s);
      shut_down.push_back(2);
    });
  ref.startup();
  sys.run();
  REQUIRE(server.open.size() == 1);
  ref.force_stop();
  sys.advance(1s);
  CHECK(shut_down == std::vector<int>{1});
  server.open[0].deliver(int32_t{5});
  sys.run();
  auto how = ref.wait_for_shutdown();
  CHECK(how->kind() == troupe::outcome_kind::forced);
  CHECK_FALSE(resumed);
  CHECK(shut_down == std::vector<int>{1, 2});
  CHECK(troupe::testing::find_pump(sys)->clock().pending() == timers);
}

TEST_CASE("A5 replies find their requests in whatever order they come") {
  constexpr int32_t n = 100;
  testing_system sys{{.seed = 7}};
  slow_server server{sys};
  std::vector<int32_t> got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto one = [&](int32_t) -> task<int32_t> {
      auto x = co_await w.ask<int32_t>(server.actor, 1h, int32_t{0});
      co_return *x;
    };
    std::vector<task<int32_t>> all;
    for (int32_t i = 0; i < n; ++i)
      all.push_back(one(i));
    auto results = co_await w.when_all(std::move(all));
    got = results;
  });
  ref.startup();
  sys.run();
  REQUIRE(server.open.size() == n);
  // Odd ones first, and backwards.
  for (int32_t i = n - 1; i > 0; i -= 2)
    server.open[static_cast<std::size_t>(i)].deliver(i);
  for (int32_t i = 0; i < n; i += 2)
    server.open[static_cast<std::size_t>(i)].deliver(i);
  CHECK(ref.wait_for_shutdown()->ok());
  REQUIRE(got.size() == n);
  for (int32_t i = 0; i < n; ++i)
    CHECK(got[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("A5 a worker asks another one through its handle") {
  class answering : public troupe::worker {
  public:
    troupe::message_handlers handlers() override {
      return {
        [this](const std::string& x) -> task<std::string> {
          co_await sleep_for(1s);
          co_return x + "!";
        },
      };
    }

    task<> run() override {
      co_await stop_requested();
    }
  };
  testing_system sys;
  auto target = troupe::spawn<answering>(sys);
  target.startup();
  std::string got;
  caf::error ended;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto first = w.ask<std::string>(target, 1min, long_text);
    auto x = co_await std::move(first);
    got = *x;
    // The second one is under way when the target is killed.
    auto second = w.ask<std::string>(target, troupe::infinite, long_text);
    auto y = co_await std::move(second);
    ended = y.error();
  });
  ref.startup();
  sys.advance(1500ms);
  CHECK(got == long_text + "!");
  support::tell(target.actor(), caf::exit_msg{target.actor().address(),
                                              caf::exit_reason::kill});
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ended);
  CHECK(target.wait_for_shutdown()->kind() == troupe::outcome_kind::cancelled);
}

TEST_CASE("A5 a request of a worker to a queue is answered on acceptance") {
  using sink = support::scene_consumer<std::string>;
  testing_system sys;
  std::vector<std::string> taken;
  auto target = troupe::spawn<sink>(sys, {}, [&](sink& w) -> task<> {
    while (auto m = co_await w.get_message())
      taken.push_back(*m);
  });
  target.startup();
  bool accepted = false;
  caf::error refused;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto actor = target.actor();
    auto first = w.ask<void>(actor, 1s, long_text);
    auto x = co_await std::move(first);
    accepted = static_cast<bool>(x);
    co_await w.sleep_for(1s);
    target.gracefully_stop();
    auto second = w.ask<void>(actor, 1s, long_text);
    auto y = co_await std::move(second);
    refused = y.error();
  });
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(accepted);
  CHECK(refused == troupe::errc::queue_closed);
  CHECK(taken == std::vector<std::string>{long_text});
  CHECK(target.wait_for_shutdown()->ok());
}

// -- plain threads -----------------------------------------------------------

TEST_CASE("A5 a plain thread asks a worker through its handle") {
  testing_system sys;
  auto ref = troupe::spawn<support::clerk>(sys);
  ref.startup();
  CHECK(troupe::ask<std::string>(ref, 1s, std::string{"hello"}) == "hello!");
  CHECK(troupe::ask<void>(ref, 1s, true));
  auto late = troupe::ask<int32_t>(ref, 5s, int32_t{21});
  REQUIRE(late);
  CHECK(*late == 42);
  SECTION("an error is what the worker replied") {
    auto wrong = troupe::ask<int8_t>(ref, 1s, int8_t{-1});
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error() == caf::sec::invalid_argument);
  }
  SECTION("a reply of another type is an error") {
    auto wrong = troupe::ask<double>(ref, 5s, int32_t{21});
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error() == caf::sec::unexpected_response);
  }
  SECTION("no reply in time is an error") {
    auto begin = sys.now();
    auto wrong = troupe::ask<int32_t>(ref, 10ms, int32_t{21});
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error() == caf::sec::request_timeout);
    CHECK(sys.now() - begin == 10ms);
  }
  SECTION("a worker that fails answers with that") {
    auto wrong = troupe::ask<int32_t>(ref, troupe::infinite, 1.0);
    REQUIRE_FALSE(wrong);
    CHECK_THAT(troupe::text_of(wrong.error()), ContainsSubstring("later"));
  }
  SECTION("a worker that has ended answers no more") {
    ref.shutdown();
    auto wrong = troupe::ask<int32_t>(ref, 1s, int32_t{21});
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error() == troupe::errc::receiver_gone);
  }
  ref.shutdown();
}

TEST_CASE("A5 a worker that is asked before its start answers after it") {
  support::real_system sys;
  auto ref = troupe::spawn<support::clerk>(sys);
  std::jthread starter{[&ref] { ref.startup(); }};
  CHECK(troupe::ask<std::string>(ref, 1min, std::string{"hello"}) == "hello!");
  starter.join();
  ref.shutdown();
}

TEST_CASE("A5 a thread cannot ask nobody, nor a system that is gone") {
  auto nobody = troupe::ask<void>(troupe::worker_handle{}, 1s, true);
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error() == troupe::errc::invalid_argument);
  troupe::worker_handle ref;
  {
    testing_system sys;
    ref = troupe::spawn<support::clerk>(sys);
  }
  auto gone = troupe::ask<void>(ref, 1s, true);
  REQUIRE_FALSE(gone);
  CHECK(gone.error() == troupe::errc::system_gone);
}

TEST_CASE("L31 a thread's ask inside of a worker would block") {
  testing_system sys;
  auto ref = troupe::spawn<support::clerk>(sys);
  ref.startup();
  std::optional<caf::expected<void>> got;
  run(sys, [&](scene&) -> task<> {
    got = troupe::ask<void>(ref, 1s, true);
    co_return;
  });
  REQUIRE(got);
  CHECK(got->error() == troupe::errc::would_block);
  ref.shutdown();
}

TEST_CASE("L22 a thread that has asked and spawned keeps no system from going "
          "down") {
  std::latch asked{1};
  std::latch gone{1};
  std::thread other; // ends after the system
  auto answers = 0;
  {
    support::real_system sys;
    auto ref = troupe::spawn<support::clerk>(sys);
    ref.startup();
    other = std::thread{[&] {
      auto second = troupe::spawn<support::clerk>(sys);
      second.startup();
      answers += troupe::ask<void>(second, 10s, true) ? 1 : 0;
      second.shutdown();
      answers += troupe::ask<void>(ref, 10s, true) ? 1 : 0;
      asked.count_down();
      gone.wait();
    }};
    asked.wait();
    ref.shutdown();
  }
  gone.count_down();
  other.join();
  CHECK(answers == 2);
}

TEST_CASE("A5 who has asked a worker that is abandoned is told") {
  class mute : public troupe::worker {
  public:
    explicit mute(support::trap& where) : where_(where) {
      // nop
    }

    troupe::message_handlers handlers() override {
      return {[this](int32_t x) {
        where_.sit();
        return x;
      }};
    }

    troupe::task<> run() override {
      co_await stop_requested();
    }

  private:
    support::trap& where_;
  };
  const troupe::worker_options impatient{.name = "mute",
                                         .stopping_grace_period = 10ms,
                                         .cleanup_period = 10ms,
                                         .force_period = 10ms};
  support::trap there;
  support::real_system sys{4};
  auto ref = troupe::spawn<mute>(sys, impatient, std::ref(there));
  ref.startup();
  caf::error on_thread;
  auto first = std::jthread{[&] {
    on_thread = troupe::ask<int32_t>(ref, troupe::infinite, int32_t{1}).error();
  }};
  there.await(); // with that one in hand
  caf::error in_worker;
  auto asker = troupe::spawn<scene>(sys, {}, [&](scene& self) -> task<> {
    auto call = self.ask<int32_t>(ref, troupe::infinite, int32_t{2});
    auto answer = co_await std::move(call);
    in_worker = answer.error();
  });
  asker.startup();
  ref.gracefully_stop();
  CHECK(asker.wait_for_shutdown());
  first.join();
  auto later = troupe::ask<int32_t>(ref, troupe::infinite, int32_t{3}).error();
  for (auto& x : {on_thread, in_worker, later}) {
    CHECK(x == troupe::errc::receiver_gone);
    CHECK_THAT(to_string(x), ContainsSubstring("was abandoned"));
  }
  there.open();
}
