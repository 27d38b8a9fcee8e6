// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/send_awaiter.hpp"

#include "support/accounts.hpp"
#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using support::balanced;
using support::settled;
using troupe::errc;
using troupe::outcome_kind;
using troupe::overflow;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

const std::string long_text = "a text that does not fit into the string object";

/// Takes a message each second.
class slow : public troupe::queue_consumer<std::string> {
public:
  task<> run() override {
    while (auto m = co_await get_message()) {
      got.push_back(*m);
      co_await sleep_for(1s);
    }
  }

  std::vector<std::string> got;
};

using sender = support::scene;

auto spawn_sender(testing_system& sys, sender::body what) {
  auto ref = troupe::spawn<sender>(sys, {}, std::move(what));
  ref.startup();
  return ref;
}

} // namespace

TEST_CASE("A12 send_to waits for room, whatever overflow says") {
  for (auto policy : {overflow::reject, overflow::drop_oldest,
                      overflow::drop_newest, overflow::block}) {
    testing_system sys;
    auto target = troupe::spawn<slow>(sys, {.queue = {.capacity = 1,
                                                      .overflow = policy}});
    target.startup();
    auto begin = sys.now();
    std::vector<troupe::timespan> times;
    auto from = spawn_sender(sys, [&](sender& w) -> task<> {
      for (auto x : {"1", "2", "3", "4"}) {
        auto sending = w.send_to(target, long_text + x);
        auto error = co_await std::move(sending);
        CHECK(error == caf::error{});
        times.push_back(w.now() - begin);
      }
    });
    sys.run();
    CHECK(target.queue().sent == 2);
    CHECK(balanced(target.queue()));
    CHECK(from.wait_for_shutdown()->ok());
    CHECK(times == std::vector<troupe::timespan>{0s, 0s, 1s, 2s});
    target.drain();
    CHECK(target.wait_for_shutdown()->ok());
    CHECK(target.worker()->got
          == std::vector<std::string>{long_text + "1", long_text + "2",
                                      long_text + "3", long_text + "4"});
    CHECK(target.queue().dead_letters() == 0);
    CHECK(settled(target.queue()));
  }
}

TEST_CASE("A12 those who wait get room in the order of their coming") {
  testing_system sys;
  auto target = troupe::spawn<slow>(sys, {.queue = {.capacity = 1}});
  std::vector<troupe::worker_ref<sender>> senders;
  target.send("0");
  for (int i = 1; i <= 5; ++i)
    senders.push_back(spawn_sender(sys, [&target, i](sender& w) -> task<> {
      auto sending = w.send_to(target, std::to_string(i));
      auto error = co_await std::move(sending);
      CHECK(error == caf::error{});
    }));
  sys.run();
  target.startup();
  sys.advance(10s);
  CHECK(target.shutdown()->ok());
  CHECK(target.worker()->got
        == std::vector<std::string>{"0", "1", "2", "3", "4", "5"});
  CHECK(settled(target.queue()));
}

TEST_CASE("A12 send_to is not woken by a stop") {
  testing_system sys;
  auto target = troupe::spawn<slow>(sys, {.queue = {.capacity = 1}});
  target.send("0");
  bool sent = false;
  auto from = spawn_sender(sys, [&](sender& w) -> task<> {
    auto sending = w.send_to(target, long_text);
    auto error = co_await std::move(sending);
    sent = !error;
  });
  sys.run();
  from.gracefully_stop();
  sys.advance(5s);
  CHECK_FALSE(sent);
  target.startup();
  CHECK(from.wait_for_shutdown()->ok());
  CHECK(sent);
  sys.advance(2s);
  CHECK(target.shutdown()->ok());
  CHECK(target.worker()->got == std::vector<std::string>{"0", long_text});
  CHECK(settled(target.queue()));
}

TEST_CASE("A12 send_to ends with an error when the target closes") {
  testing_system sys;
  auto target
    = troupe::spawn<slow>(sys, {.name = "printer", .queue = {.capacity = 1}});
  target.startup();
  target.send("0");
  sys.run();
  target.send("1");
  caf::error error;
  auto from = spawn_sender(sys, [&](sender& w) -> task<> {
    auto sending = w.send_to(target, long_text);
    error = co_await std::move(sending);
  });
  sys.run();
  SECTION("by a stop") {
    target.gracefully_stop();
  }
  SECTION("by a drain") {
    target.drain();
  }
  SECTION("by a force") {
    target.force_stop();
    target.wait_for_shutdown();
  }
  sys.run();
  CHECK(error == errc::queue_closed);
  CHECK_THAT(troupe::text_of(error),
             ContainsSubstring("worker \"printer\" (/printer)"));
  CHECK(from.wait_for_shutdown()->ok());
  target.shutdown();
  CHECK(target.queue().closed == 1);
  CHECK(settled(target.queue()));
}

TEST_CASE(
  "A12 send_to a worker that is over, or to nobody, is an error at once") {
  testing_system sys;
  auto target = troupe::spawn<slow>(sys);
  target.startup();
  target.shutdown();
  std::vector<caf::error> errors;
  auto from = spawn_sender(sys, [&](sender& w) -> task<> {
    for (auto& to : {target, troupe::worker_ref<slow>{}}) {
      auto sending = w.send_to(to, long_text);
      errors.push_back(co_await std::move(sending));
    }
  });
  CHECK(from.wait_for_shutdown()->ok());
  REQUIRE(errors.size() == 2);
  CHECK(errors[0] == errc::queue_closed);
  CHECK(errors[1] == errc::invalid_argument);
  CHECK(target.queue().closed == 1);
}

TEST_CASE("A12 a message whose coroutine is destroyed is not sent") {
  testing_system sys;
  auto target = troupe::spawn<slow>(sys, {.queue = {.capacity = 1}});
  target.send("0");
  auto body = [&](sender& w) -> task<> {
    auto sending = w.send_to(target, long_text);
    auto error = co_await std::move(sending);
    CHECK(error == caf::error{});
  };
  SECTION("by a force") {
    auto from = spawn_sender(sys, body);
    sys.run();
    from.force_stop();
    CHECK(from.wait_for_shutdown()->kind() == outcome_kind::forced);
  }
  SECTION("because another part was quicker") {
    auto from = spawn_sender(sys, [&](sender& w) -> task<> {
      auto either = w.when_any(w.send_to(target, long_text), w.sleep_for(1s));
      auto first = co_await std::move(either);
      CHECK(first.index == 1);
    });
    CHECK(from.wait_for_shutdown()->ok());
  }
  CHECK(target.queue().sent == 1);
  target.startup();
  sys.advance(5s);
  target.shutdown();
  CHECK(target.worker()->got == std::vector<std::string>{"0"});
  CHECK(settled(target.queue()));
}

TEST_CASE("A12 a loop that always finds room can be forced") {
  support::real_system sys{1};
  auto target = troupe::spawn<troupe::queue_worker<std::string>>(
    sys, {}, [](const std::string&) {});
  target.startup();
  auto from = troupe::spawn<sender>(
    sys, {.stopping_grace_period = 5ms, .force_period = troupe::infinite},
    [&](sender& w) -> task<> {
      for (;;) {
        auto sending = w.send_to(target, "x");
        auto error = co_await std::move(sending);
        CHECK(error == caf::error{});
      }
    });
  from.startup();
  auto how = from.shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  target.shutdown();
  CHECK(settled(target.queue()));
}

// -- what GCC 12 gets wrong ----------------------------------------------------

TEST_CASE("A12 a message that owns memory comes through whole") {
  testing_system sys;
  auto target = troupe::spawn<slow>(sys, {.queue = {.capacity = 1}});
  target.startup();
  auto from = spawn_sender(sys, [&](sender& w) -> task<> {
    for (int i = 0; i < 3; ++i) {
      auto text = long_text + std::to_string(i);
      auto sending = w.send_to(target, text);
      text = "another text that does not fit into the string object";
      auto error = co_await std::move(sending);
      CHECK(error == caf::error{});
    }
    auto direct = w.send_to(target, std::string{long_text + "3"});
    auto error = co_await std::move(direct);
    CHECK(error == caf::error{});
  });
  CHECK(from.wait_for_shutdown()->ok());
  target.drain();
  CHECK(target.wait_for_shutdown()->ok());
  std::vector<std::string> expected;
  for (int i = 0; i <= 3; ++i)
    expected.push_back(long_text + std::to_string(i));
  CHECK(target.worker()->got == expected);
}

TEST_CASE("A12 eight workers send into a small queue, and nothing is lost") {
  constexpr int senders = 8;
  constexpr int32_t each = 500;
  support::real_system sys{4};
  std::vector<int32_t> next(senders, 0);
  bool in_order = true;
  auto target = troupe::spawn<troupe::queue_worker<int32_t>>(
    sys, {.queue = {.capacity = 2}}, [&](int32_t x) {
      auto& expected = next[static_cast<std::size_t>(x / each)];
      in_order = in_order && x % each == expected;
      ++expected;
    });
  target.startup();
  std::vector<troupe::worker_ref<sender>> all;
  for (int32_t s = 0; s < senders; ++s) {
    all.push_back(
      troupe::spawn<sender>(sys, {}, [&target, s](sender& w) -> task<> {
        for (int32_t i = 0; i < each; ++i) {
          auto sending = w.send_to(target, s * each + i);
          if (auto error = co_await std::move(sending))
            throw std::runtime_error(troupe::text_of(error));
        }
      }));
    all.back().startup();
  }
  for (auto& x : all)
    CHECK(x.wait_for_shutdown()->ok());
  target.drain();
  CHECK(target.wait_for_shutdown()->ok());
  CHECK(in_order);
  CHECK(target.queue().handled == senders * each);
  CHECK(target.queue().dead_letters() == 0);
  CHECK(settled(target.queue()));
}
