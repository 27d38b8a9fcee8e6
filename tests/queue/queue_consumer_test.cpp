// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The accounts of a queue are in queue_accounting_test.cpp, how it stops in
// queue_stop_test.cpp.

#include "troupe/queue_consumer.hpp"

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
using support::scene_consumer;
using support::tell;
using troupe::outcome_kind;
using troupe::task;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

using numbers = scene_consumer<int32_t>;
using texts = scene_consumer<std::string>;

/// The whole loop of a consumer.
template <class T>
auto collect(std::vector<T>& into) {
  return [&into](scene_consumer<T>& w) -> task<> {
    while (auto m = co_await w.get_message())
      into.push_back(std::move(*m));
  };
}

const std::string long_text = "a text that does not fit into the string object";

} // namespace

// -- Q1 ------------------------------------------------------------------------

TEST_CASE("Q1 handles, threads and plain CAF actors send into the same queue") {
  testing_system sys;
  std::vector<std::string> got;
  auto ref = troupe::spawn<texts>(sys, {}, collect(got));
  ref.startup();
  CHECK(ref.send(long_text + "1"));
  tell(ref.actor(), long_text + "2");
  auto actor = ref.actor();
  sys.sys().spawn([actor](caf::event_based_actor* self) {
    support::tell_from(self, actor, long_text + "3");
  });
  sys.run();
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got
        == std::vector<std::string>{long_text + "1", long_text + "2",
                                    long_text + "3"});
  CHECK(ref.queue().sent == 3);
}

TEST_CASE("Q1 a plain CAF message that others share is copied, not stolen") {
  testing_system sys;
  std::vector<std::string> got;
  auto ref = troupe::spawn<texts>(sys, {}, collect(got));
  ref.startup();
  auto shared = caf::make_message(long_text);
  auto copy = shared;
  tell(ref.actor(), shared);
  sys.run();
  CHECK(got == std::vector<std::string>{long_text});
  CHECK(copy.get_as<std::string>(0) == long_text);
  ref.shutdown();
}

TEST_CASE("Q1 the queue of a variant takes its alternatives from CAF actors") {
  using either = std::variant<int32_t, std::string>;
  testing_system sys;
  std::vector<either> got;
  auto ref = troupe::spawn<scene_consumer<either>>(sys, {}, collect(got));
  ref.startup();
  tell(ref.actor(), int32_t{1});
  tell(ref.actor(), long_text);
  CHECK(ref.send(either{int32_t{2}}));
  CHECK(ref.send(int32_t{3}));
  CHECK(ref.send(long_text));
  // A double is none of them.
  tell(ref.actor(), 2.0);
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got
        == std::vector<either>{int32_t{1}, long_text, int32_t{2}, int32_t{3},
                               long_text});
  CHECK(ref.queue().sent == 5);
}

TEST_CASE(
  "Q1 a request to a queue is answered with nothing on acceptance, with "
  "queue_closed afterwards") {
  testing_system sys;
  std::vector<std::string> got;
  auto ref = troupe::spawn<texts>(sys, {}, collect(got));
  auto actor = ref.actor();
  caf::scoped_actor self{sys.sys()};
  auto ask = [&] {
    std::optional<caf::error> result;
    auto response = support::request(self, actor, troupe::infinite, long_text);
    sys.await_mail(self);
    std::move(response).receive([&] { result = caf::error{}; },
                                [&](caf::error& err) { result = err; });
    REQUIRE(result);
    return *result;
  };
  CHECK(ask() == caf::error{}); // before the start
  ref.startup();
  CHECK(ask() == caf::error{});
  ref.gracefully_stop();
  CHECK(ask() == troupe::errc::queue_closed); // while it stops
  ref.wait_for_shutdown();
  CHECK(ask() == troupe::errc::queue_closed); // after its end
  CHECK(ref.queue().closed == 2);
}

TEST_CASE("Q1 a handler of the worker does not take what the queue takes") {
  class both : public troupe::queue_consumer<int32_t> {
  public:
    troupe::message_handlers handlers() override {
      return {
        [this](const std::string& x) {
          log.push_back(x);
          return x + "!";
        },
      };
    }

    task<> run() override {
      while (auto m = co_await get_message())
        log.push_back(std::to_string(*m));
    }

    std::vector<std::string> log;
  };
  testing_system sys;
  auto ref = troupe::spawn<both>(sys);
  ref.startup();
  tell(ref.actor(), int32_t{1});
  sys.run();
  tell(ref.actor(), long_text);
  sys.run();
  tell(ref.actor(), int32_t{2});
  sys.run();
  ref.shutdown();
  CHECK(ref.worker()->log == std::vector<std::string>{"1", long_text, "2"});
}

// -- Q2, Q3 --------------------------------------------------------------------

TEST_CASE("Q2 the messages of each sender come in their order") {
  constexpr int32_t n = 2000;
  constexpr int32_t senders = 4;
  support::real_system sys;
  std::vector<int32_t> got;
  auto ref = troupe::spawn<numbers>(sys, {}, collect(got));
  ref.startup();
  {
    std::vector<std::jthread> threads;
    for (int32_t s = 0; s < senders; ++s)
      threads.emplace_back([&ref, s] {
        auto actor = ref.actor();
        for (int32_t i = 0; i < n; ++i) {
          // Handle and plain messages of one sender keep their order too.
          if (i % 3 == 0)
            tell(actor, s * n + i);
          else
            ref.send(s * n + i);
        }
      });
  }
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  REQUIRE(got.size() == n * senders);
  std::vector<int32_t> next(senders, 0);
  bool in_order = true;
  for (auto x : got) {
    auto& expected = next[static_cast<std::size_t>(x / n)];
    in_order = in_order && x % n == expected;
    ++expected;
  }
  CHECK(in_order);
}

TEST_CASE("Q3 what is sent before the start is handled after it") {
  testing_system sys;
  std::vector<std::string> got;
  auto ref = troupe::spawn<texts>(sys, {}, collect(got));
  CHECK(ref.send("one"));
  tell(ref.actor(), std::string{"two"});
  sys.advance(1h);
  CHECK(got.empty());
  CHECK(ref.queue_size() == 2);
  ref.startup();
  sys.run();
  CHECK(got == std::vector<std::string>{"one", "two"});
  CHECK(ref.queue_size() == 0);
  ref.shutdown();
}

TEST_CASE("Q3 messages of a worker that is never started are dead letters") {
  testing_system sys;
  std::vector<int32_t> got;
  auto ref = troupe::spawn<numbers>(sys, {}, collect(got));
  ref.send(1);
  auto actor = ref.actor();
  tell(actor, caf::exit_msg{actor.address(), caf::exit_reason::user_shutdown});
  sys.run();
  CHECK_FALSE(ref.send(2));
  auto counts = ref.queue();
  CHECK(counts.sent == 2);
  CHECK(counts.discarded == 1);
  CHECK(counts.closed == 1);
}

// -- Q4 ------------------------------------------------------------------------

TEST_CASE("Q4 get_message with a timeout gives none when it has passed") {
  testing_system sys;
  auto begin = sys.now();
  std::vector<std::pair<int32_t, troupe::timespan>> got;
  auto ref = troupe::spawn<numbers>(sys, {}, [&](numbers& w) -> task<> {
    for (int i = 0; i < 3; ++i) {
      auto m = co_await w.get_message(10s);
      got.emplace_back(m.value_or(-1), w.now() - begin);
    }
  });
  ref.startup();
  sys.advance(15s);
  ref.send(7);
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got
        == std::vector<std::pair<int32_t, troupe::timespan>>{
          {-1, 10s}, {7, 15s}, {-1, 25s}});
}

TEST_CASE("Q4 a message that is there is given without waiting") {
  testing_system sys;
  std::vector<int32_t> got;
  auto ref = troupe::spawn<numbers>(sys, {}, [&](numbers& w) -> task<> {
    for (auto timeout :
         {troupe::timespan{0}, troupe::timespan{-1s}, troupe::timespan{1h}}) {
      auto m = co_await w.get_message(timeout);
      got.push_back(m.value_or(-1));
    }
    auto m = co_await w.get_message(0s); // nothing is left
    got.push_back(m.value_or(-1));
  });
  for (int32_t i = 1; i <= 3; ++i)
    ref.send(i);
  auto begin = sys.now();
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == std::vector<int32_t>{1, 2, 3, -1});
  CHECK(sys.now() == begin);
}

TEST_CASE("Q4 polling the queue does not keep a stop out") {
  support::real_system sys{1};
  auto ref = troupe::spawn<numbers>(sys, {}, [&](numbers& w) -> task<> {
    while (w.is_running())
      co_await w.get_message(0s);
  });
  ref.startup();
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("Q4 without a timeout it waits for a message or a stop") {
  testing_system sys;
  std::vector<int32_t> got;
  auto ref = troupe::spawn<numbers>(sys, {}, collect(got));
  ref.startup();
  sys.advance(24h);
  ref.send(1);
  sys.run();
  CHECK(got == std::vector<int32_t>{1});
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
}

TEST_CASE("Q4 several waits of one worker get the messages in turn") {
  testing_system sys;
  std::vector<int32_t> got;
  auto ref = troupe::spawn<numbers>(sys, {}, [&](numbers& w) -> task<> {
    auto all = w.when_all(w.get_message(), w.get_message(), w.get_message());
    auto [a, b, c] = co_await std::move(all);
    got = {a.value_or(-1), b.value_or(-1), c.value_or(-1)};
  });
  ref.startup();
  sys.run();
  ref.send(1);
  ref.send(2);
  sys.run();
  CHECK(got.empty());
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == std::vector<int32_t>{1, 2, -1});
}

// -- what GCC 12 gets wrong ----------------------------------------------------

TEST_CASE("Q4 messages that own memory come through whole") {
  testing_system sys;
  std::vector<std::string> got;
  auto ref = troupe::spawn<texts>(sys, {}, [&](texts& w) -> task<> {
    auto waiting = w.get_message(1h);
    auto first = co_await waiting;
    got.push_back(first.value_or("none"));
    auto race = w.when_any(w.get_message(), w.sleep_for(1h));
    auto second = co_await std::move(race);
    REQUIRE(second.index == 0);
    got.push_back(std::get<0>(second.value).value_or("none"));
  });
  ref.startup();
  sys.run();
  ref.send(long_text);
  sys.run();
  ref.send(long_text);
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == std::vector<std::string>{long_text, long_text});
}

TEST_CASE("Q2 messages that several waits give back keep their order") {
  class impatient : public troupe::queue_consumer<int32_t> {
  public:
    troupe::task<> run() override {
      auto any = when_any(get_message(), get_message(), get_message());
      auto first = co_await std::move(any);
      got.push_back(*std::visit([](auto& x) { return x; }, first.value));
      while (auto more = co_await get_message())
        got.push_back(*more);
    }

    std::vector<int32_t> got;
  };
  testing_system sys;
  auto ref = troupe::spawn<impatient>(sys);
  ref.startup();
  sys.run();
  for (int32_t i = 1; i <= 5; ++i)
    ref.send(i);
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.worker()->got == std::vector<int32_t>{1, 2, 3, 4, 5});
}

TEST_CASE("Q1 a worker of another actor system sends, and does not run the "
          "receiver") {
  class collector : public troupe::queue_consumer<int32_t> {
  public:
    troupe::task<> run() override {
      while (auto x = co_await get_message())
        got.push_back(*x);
    }

    std::vector<int32_t> got;
  };
  testing_system near;
  testing_system far;
  auto receiver = troupe::spawn<collector>(far);
  receiver.startup();
  far.run();
  auto sender
    = troupe::spawn<support::scene>(near, {}, [&](auto&) -> troupe::task<> {
        receiver.send(1);
        support::tell(receiver.actor(), int32_t{2});
        co_return;
      });
  sender.startup();
  near.run();
  CHECK(receiver.queue().handled + receiver.queue().in_progress == 0);
  far.run();
  receiver.shutdown();
  CHECK(receiver.worker()->got == std::vector<int32_t>{1, 2});
}
