// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// What a full queue does.

#include "support/accounts.hpp"
#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using support::balanced;
using support::scene_consumer;
using support::settled;
using troupe::errc;
using troupe::overflow;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

using numbers = scene_consumer<int32_t>;
using texts = scene_consumer<std::string>;

/// Asks a queue to take a message, and notes down the answers.
class clients {
public:
  explicit clients(testing_system& sys) : sys_(sys) {
    // nop
  }

  /// Sends a request and does not wait for its answer.
  void ask(const caf::actor& target, int32_t x) {
    auto answers = answers_;
    sys_.sys().spawn([=](caf::event_based_actor* self) {
      support::request(self, target, troupe::infinite, x)
        .then([=] { answers->emplace_back(x, caf::error{}); },
              [=](caf::error& err) { answers->emplace_back(x, err); });
    });
    sys_.run();
  }

  [[nodiscard]] const std::vector<std::pair<int32_t, caf::error>>&
  answers() const {
    return *answers_;
  }

private:
  testing_system& sys_;
  std::shared_ptr<std::vector<std::pair<int32_t, caf::error>>> answers_
    = std::make_shared<std::vector<std::pair<int32_t, caf::error>>>();
};

/// Takes one message when it is told to.
class on_demand : public troupe::queue_consumer<int32_t> {
public:
  task<> run() override {
    while (is_running()) {
      const auto slept = co_await sleep_for(1s);
      if (!slept)
        break;
      auto m = co_await get_message(0s);
      if (m)
        got.push_back(*m);
    }
    while (auto m = co_await get_message())
      got.push_back(*m);
  }

  std::vector<int32_t> got;
};

} // namespace

// -- reject --------------------------------------------------------------------

TEST_CASE("Q5 a full queue refuses, and tells who can be told") {
  testing_system sys;
  clients plain{sys};
  auto ref = troupe::spawn<on_demand>(sys, {.name = "printer",
                                            .queue = {.capacity = 2}});
  CHECK(ref.send(1));
  CHECK(ref.send(2));
  CHECK_FALSE(ref.send(3));
  support::tell(ref.actor(), int32_t{4});
  plain.ask(ref.actor(), 5);
  REQUIRE(plain.answers().size() == 1);
  CHECK(plain.answers()[0].second == errc::queue_full);
  CHECK_THAT(troupe::text_of(plain.answers()[0].second),
             ContainsSubstring("worker \"printer\" (/printer)"));
  auto x = ref.queue();
  CHECK(x.rejected == 3);
  CHECK(x.queued == 2);
  CHECK(balanced(x));
  ref.startup();
  sys.advance(1s);
  CHECK(ref.send(6)); // there is room again
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.worker()->got == std::vector<int32_t>{1, 2, 6});
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q5 the message in progress takes no room, one that is promised "
          "does") {
  testing_system sys;
  std::vector<int32_t> got;
  auto ref = troupe::spawn<numbers>(
    sys, {.queue = {.capacity = 1}}, [&](numbers& w) -> task<> {
      while (auto m = co_await w.get_message()) {
        got.push_back(*m);
        co_await w.sleep_for(1s);
      }
    });
  ref.startup();
  sys.run();
  // The worker waits, and does not run before both have come.
  CHECK(ref.send(1));
  CHECK_FALSE(ref.send(2));
  sys.run();
  CHECK(ref.queue().in_progress == 1);
  CHECK(ref.send(3));
  CHECK_FALSE(ref.send(4));
  CHECK(balanced(ref.queue()));
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == std::vector<int32_t>{1, 3});
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q5 a worker that does not return does not widen the bound") {
  std::promise<void> begun;
  std::promise<void> go_on;
  support::real_system sys;
  auto ref = troupe::spawn<troupe::queue_worker<int32_t>>(
    sys, {.queue = {.capacity = 3}}, [&, first = true](int32_t) mutable {
      if (std::exchange(first, false)) {
        begun.set_value();
        go_on.get_future().wait();
      }
    });
  ref.startup();
  ref.send(0);
  begun.get_future().wait();
  for (int32_t i = 1; i <= 10; ++i)
    CHECK(ref.send(i) == (i <= 3));
  CHECK(ref.queue().queued == 3);
  CHECK(ref.queue().rejected == 7);
  go_on.set_value();
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.queue().handled == 4);
  CHECK(settled(ref.queue()));
}

// -- drop ----------------------------------------------------------------------

TEST_CASE("Q5 drop_oldest takes the message, and the oldest one goes") {
  testing_system sys;
  clients plain{sys};
  auto ref = troupe::spawn<on_demand>(
    sys, {.queue = {.capacity = 2, .overflow = overflow::drop_oldest}});
  for (int32_t i = 1; i <= 4; ++i)
    CHECK(ref.send(i));
  plain.ask(ref.actor(), 5);
  REQUIRE(plain.answers().size() == 1);
  CHECK(plain.answers()[0].second == caf::error{});
  CHECK(ref.queue().dropped == 3);
  CHECK(ref.queue().queued == 2);
  CHECK(balanced(ref.queue()));
  ref.startup();
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.worker()->got == std::vector<int32_t>{4, 5});
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q5 drop_oldest also drops what a wait was promised, which gets the "
          "next") {
  for (std::size_t capacity : {1u, 2u, 3u}) {
    CAPTURE(capacity);
    testing_system sys;
    std::vector<std::string> got;
    auto ref = troupe::spawn<texts>(
      sys, {.queue = {.capacity = capacity, .overflow = overflow::drop_oldest}},
      [&](texts& w) -> task<> {
        auto both = w.when_all(w.get_message(), w.get_message());
        auto [a, b] = co_await std::move(both);
        got = {a.value_or("none"), b.value_or("none")};
        while (auto m = co_await w.get_message())
          got.push_back(*m);
      });
    ref.startup();
    sys.run();
    // Both wait. All of these come before either of them runs.
    for (auto x : {"1", "2", "3", "4"})
      CHECK(ref.send(x));
    CHECK(ref.queue().queued == capacity);
    CHECK(ref.queue().dropped == 4 - capacity);
    CHECK(balanced(ref.queue()));
    sys.run();
    ref.drain();
    CHECK(ref.wait_for_shutdown()->ok());
    std::vector<std::string> expected{"1", "2", "3", "4"};
    expected.erase(expected.begin(),
                   expected.end() - static_cast<std::ptrdiff_t>(capacity));
    if (capacity == 1)
      expected.push_back("none");
    CHECK(got == expected);
    CHECK(settled(ref.queue()));
  }
}

TEST_CASE("Q5 drop_newest keeps the older ones") {
  testing_system sys;
  clients plain{sys};
  auto ref = troupe::spawn<on_demand>(
    sys, {.queue = {.capacity = 2, .overflow = overflow::drop_newest}});
  for (int32_t i = 1; i <= 4; ++i)
    CHECK(ref.send(i) == (i <= 2));
  plain.ask(ref.actor(), 5);
  REQUIRE(plain.answers().size() == 1);
  CHECK(plain.answers()[0].second == errc::queue_full);
  CHECK(ref.queue().dropped == 3);
  CHECK(ref.queue().rejected == 0);
  ref.startup();
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.worker()->got == std::vector<int32_t>{1, 2});
  CHECK(settled(ref.queue()));
}

// -- block ---------------------------------------------------------------------

TEST_CASE("Q5 block holds the answer to a request back until there is room") {
  testing_system sys;
  clients plain{sys};
  auto ref = troupe::spawn<on_demand>(
    sys, {.queue = {.capacity = 1, .overflow = overflow::block}});
  ref.startup();
  auto actor = ref.actor();
  for (int32_t i = 1; i <= 4; ++i)
    plain.ask(actor, i);
  CHECK(plain.answers().size() == 1);
  CHECK(ref.queue().sent == 1); // the others are not sent yet
  CHECK_FALSE(ref.send(5));     // who sends one way cannot wait
  CHECK(ref.queue().rejected == 1);
  for (std::size_t i = 2; i <= 4; ++i) {
    sys.advance(1s);
    CHECK(plain.answers().size() == i);
    CHECK(ref.queue().queued == 1);
    CHECK(balanced(ref.queue()));
  }
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  for (auto& x : plain.answers())
    CHECK(x.second == caf::error{});
  CHECK(ref.worker()->got == std::vector<int32_t>{1, 2, 3, 4});
  CHECK(ref.queue().sent == 5);
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q5 block releases who waits with an error when the queue closes") {
  testing_system sys;
  clients plain{sys};
  auto ref = troupe::spawn<on_demand>(
    sys,
    {.name = "printer", .queue = {.capacity = 1, .overflow = overflow::block}});
  auto actor = ref.actor();
  auto wait_in_line = [&] {
    for (int32_t i = 1; i <= 3; ++i)
      plain.ask(actor, i);
    CHECK(plain.answers().size() == 1);
  };
  SECTION("by a stop") {
    ref.startup();
    wait_in_line();
    ref.gracefully_stop();
  }
  SECTION("by a drain") {
    ref.startup();
    wait_in_line();
    ref.drain();
  }
  SECTION("by a force") {
    ref.startup();
    wait_in_line();
    ref.force_stop();
    ref.wait_for_shutdown();
  }
  SECTION("by a kill before the start") {
    wait_in_line();
    support::tell(actor, caf::exit_msg{actor.address(),
                                       caf::exit_reason::user_shutdown});
  }
  sys.run();
  REQUIRE(plain.answers().size() == 3);
  for (std::size_t i : {1u, 2u}) {
    CHECK(plain.answers()[i].second == errc::queue_closed);
    CHECK_THAT(troupe::text_of(plain.answers()[i].second),
               ContainsSubstring("worker \"printer\" (/printer)"));
  }
  ref.shutdown();
  auto x = ref.queue();
  CHECK(x.closed == 2);
  CHECK(x.sent == 3);
  CHECK(settled(x));
}

TEST_CASE("Q5 block: who waits for a worker that is never started is told at "
          "the end of the system") {
  troupe::worker_ref<on_demand> ref;
  {
    testing_system sys;
    caf::scoped_actor self{sys.sys()};
    ref = troupe::spawn<on_demand>(
      sys, {.queue = {.capacity = 1, .overflow = overflow::block}});
    [[maybe_unused]] auto first
      = support::request(self, ref.actor(), troupe::infinite, int32_t{1});
    [[maybe_unused]] auto second
      = support::request(self, ref.actor(), troupe::infinite, int32_t{2});
    CHECK(ref.queue().sent == 1);
  }
  CHECK(ref.queue().closed == 1);
  CHECK(balanced(ref.queue()));
}

// -- many senders --------------------------------------------------------------

TEST_CASE("Q5 eight threads and a full queue: nothing is lost from sight, the "
          "bound holds") {
  constexpr int senders = 8;
  constexpr int32_t each = 2000;
  constexpr std::size_t capacity = 16;
  auto policy = overflow::reject;
  SECTION("reject") {
    policy = overflow::reject;
  }
  SECTION("drop_oldest") {
    policy = overflow::drop_oldest;
  }
  SECTION("drop_newest") {
    policy = overflow::drop_newest;
  }
  SECTION("block") {
    policy = overflow::block;
  }
  support::real_system sys;
  std::uint64_t handled = 0;
  std::vector<int32_t> last(senders, -1);
  bool in_order = true;
  auto ref = troupe::spawn<troupe::queue_worker<int32_t>>(
    sys, {.queue = {.capacity = capacity, .overflow = policy}}, [&](int32_t x) {
      ++handled;
      auto& before = last[static_cast<std::size_t>(x / each)];
      in_order = in_order && x > before;
      before = x;
    });
  ref.startup();
  std::atomic<std::uint64_t> taken = 0;
  std::atomic<int> wrong = 0;
  std::atomic<std::uint64_t> answers = 0;
  {
    std::jthread auditor{[&](std::stop_token stop) {
      while (!stop.stop_requested()) {
        auto x = ref.queue();
        if (!balanced(x) || x.queued > capacity || x.in_progress > 1)
          ++wrong;
      }
    }};
    std::vector<std::jthread> threads;
    for (int32_t s = 0; s < senders; ++s)
      threads.emplace_back([&, s] {
        auto actor = ref.actor();
        caf::scoped_actor self{sys.sys()};
        for (int32_t i = 0; i < each; ++i) {
          auto x = s * each + i;
          if (i % 10 != 0) {
            if (ref.send(x))
              ++taken;
            continue;
          }
          support::request(self, actor, troupe::infinite, x)
            .receive(
              [&] {
                ++taken;
                ++answers;
              },
              [&](caf::error& err) {
                if (err == errc::queue_full)
                  ++answers;
              });
        }
      });
  }
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  auto x = ref.queue();
  CHECK(wrong == 0);
  CHECK(in_order);
  CHECK(answers == senders * each / 10);
  CHECK(x.sent == senders * each);
  CHECK(x.handled == handled);
  CHECK(x.handled + (policy == overflow::drop_oldest ? x.dropped : 0) == taken);
  CHECK(settled(x));
}
