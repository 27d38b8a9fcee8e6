// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How stops and queues meet.

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/scoped_worker.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <caf/scoped_actor.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <optional>
#include <stdexcept>
#include <string>
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

template <class T>
auto collect(std::vector<T>& into) {
  return [&into](scene_consumer<T>& w) -> task<> {
    while (auto m = co_await w.get_message())
      into.push_back(std::move(*m));
  };
}

/// Has a queue, and handlers beside it.
class clerk : public troupe::queue_consumer<int32_t> {
public:
  clerk(std::latch& begun, std::shared_future<void> go_on)
    : begun_(begun), go_on_(std::move(go_on)) {
    // nop
  }

  troupe::message_handlers handlers() override {
    return {
      [this](double) { ++plain; },
    };
  }

  task<> run() override {
    // Until the backlog is there, this actor has no time for it.
    begun_.count_down();
    go_on_.wait();
    while (auto m = co_await get_message())
      ++queued;
  }

  std::size_t plain = 0;
  std::size_t queued = 0;

private:
  std::latch& begun_;
  std::shared_future<void> go_on_;
};

} // namespace

// -- A2 ------------------------------------------------------------------------

TEST_CASE("A2 after a stop get_message gives none at once, each time") {
  testing_system sys;
  auto begin = sys.now();
  int nones = 0;
  troupe::timespan took{-1};
  auto ref = troupe::spawn<numbers>(sys, {}, [&](numbers& w) -> task<> {
    for (int i = 0; i < 5; ++i)
      if (!co_await w.get_message())
        ++nones;
    if (!co_await w.get_message(1h))
      ++nones;
    took = w.now() - begin;
  });
  ref.startup();
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(nones == 6);
  CHECK(took == 0s);
}

TEST_CASE("A2 a loop that ignores none can still be forced") {
  support::real_system sys{1};
  auto ref = troupe::spawn<numbers>(
    sys, {.stopping_grace_period = 5ms, .force_period = troupe::infinite},
    [&](numbers& w) -> task<> {
      for (;;)
        co_await w.get_message();
    });
  ref.startup();
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK_FALSE(how->abandoned());
}

TEST_CASE("A2 a force destroys the wait, and a message that comes is a dead "
          "letter") {
  testing_system sys;
  std::vector<int32_t> got;
  auto ref = troupe::spawn<numbers>(sys, {}, collect(got));
  ref.startup();
  sys.run();
  ref.force_stop();
  ref.send(1);
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::forced);
  CHECK(got.empty());
  auto counts = ref.queue();
  CHECK(counts.sent == 1);
  CHECK(counts.dead_letters() == 1);
  CHECK(counts.queued == 0);
}

// -- stops ---------------------------------------------------------------------

TEST_CASE("Q6 a stop discards what is queued, and refuses what comes") {
  testing_system sys;
  std::vector<int32_t> got;
  auto ref = troupe::spawn<numbers>(sys, {}, [&](numbers& w) -> task<> {
    while (auto m = co_await w.get_message()) {
      got.push_back(*m);
      co_await w.sleep_for(1s);
    }
  });
  ref.startup();
  for (int32_t i = 1; i <= 5; ++i)
    ref.send(i);
  sys.run();
  CHECK(ref.queue_size() == 4);
  ref.gracefully_stop();
  CHECK_FALSE(ref.send(6));
  CHECK(ref.queue_size() == 0);
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == std::vector<int32_t>{1});
  auto counts = ref.queue();
  CHECK(counts.sent == 6);
  CHECK(counts.handled == 1);
  CHECK(counts.discarded == 4);
  CHECK(counts.closed == 1);
}

TEST_CASE("Q6 drain finishes what is queued, then the worker stops") {
  testing_system sys;
  std::vector<int32_t> got;
  auto ref = troupe::spawn<numbers>(sys, {}, [&](numbers& w) -> task<> {
    while (auto m = co_await w.get_message()) {
      got.push_back(*m);
      co_await w.sleep_for(1s);
    }
  });
  ref.startup();
  for (int32_t i = 1; i <= 5; ++i)
    ref.send(i);
  ref.drain();
  CHECK_FALSE(ref.send(6));
  CHECK(ref.state() == worker_state::stopping);
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == std::vector<int32_t>{1, 2, 3, 4, 5});
  CHECK(ref.queue().handled == 5);
  CHECK(ref.queue().closed == 1);
}

TEST_CASE("Q6 drain of a worker that waits for a message wakes it") {
  testing_system sys;
  std::vector<int32_t> got;
  auto ref = troupe::spawn<numbers>(sys, {}, collect(got));
  ref.startup();
  sys.run();
  auto begin = sys.now();
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(sys.now() == begin);
}

TEST_CASE(
  "Q6 a drain is over when the grace period is, the rest is discarded") {
  testing_system sys;
  std::vector<int32_t> got;
  auto ref = troupe::spawn<numbers>(
    sys, {.stopping_grace_period = 3500ms}, [&](numbers& w) -> task<> {
      while (auto m = co_await w.get_message()) {
        got.push_back(*m);
        // The first sleep is cut short by the stop.
        co_await w.sleep_for(1s);
      }
    });
  ref.startup();
  for (int32_t i = 1; i <= 10; ++i)
    ref.send(i);
  ref.drain();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK(how->duration() == 3500ms);
  auto counts = ref.queue();
  CHECK(counts.handled == got.size() - 1);
  CHECK(counts.lost == 1);
  CHECK(counts.discarded == 10 - got.size());
  CHECK(counts.queued == 0);
}

TEST_CASE("Q6 a worker may drain by its options, at every stop") {
  testing_system sys;
  std::vector<int32_t> got;
  auto ref = troupe::spawn<numbers>(
    sys, {.queue = {.on_stop = troupe::on_stop::drain}}, collect(got));
  for (int32_t i = 1; i <= 3; ++i)
    ref.send(i);
  ref.startup();
  CHECK(ref.shutdown()->ok());
  CHECK(got == std::vector<int32_t>{1, 2, 3});
}

TEST_CASE("Q6 shutdown after drain lets the drain finish") {
  testing_system sys;
  std::vector<int32_t> got;
  {
    troupe::scoped_worker<numbers> worker{sys, {}, collect(got)};
    for (int32_t i = 1; i <= 3; ++i)
      worker.send(i);
    worker.drain();
    CHECK(worker.shutdown().ok());
  }
  CHECK(got == std::vector<int32_t>{1, 2, 3});
}

TEST_CASE("Q7 after the end a send is refused, and counted") {
  testing_system sys;
  std::vector<int32_t> got;
  auto ref = troupe::spawn<numbers>(sys, {},
                                    [&](numbers&) -> task<> { co_return; });
  auto actor = ref.actor();
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK_FALSE(ref.send(1));
  tell(actor, int32_t{2});
  sys.run();
  auto counts = ref.queue();
  CHECK(counts.sent == 2);
  CHECK(counts.closed == 2);
}

TEST_CASE("Q7 a send is refused after the actor system is gone, too") {
  troupe::worker_ref<numbers> ref;
  std::vector<int32_t> got;
  {
    testing_system sys;
    ref = troupe::spawn<numbers>(sys, {}, collect(got));
    ref.startup();
    ref.shutdown();
  }
  CHECK_FALSE(ref.send(1));
  CHECK(ref.queue().closed == 1);
}

// -- backlogs ------------------------------------------------------------------

TEST_CASE("L9 a stop overtakes a million queued messages") {
  constexpr int32_t n = 1'000'000;
  support::real_system sys;
  std::latch begun{1};
  std::promise<void> go_on;
  auto ref = troupe::spawn<clerk>(sys, {}, begun, go_on.get_future().share());
  ref.startup();
  begun.wait();
  for (int32_t i = 0; i < n; ++i)
    ref.send(i);
  CHECK(ref.queue_size() == n);
  ref.gracefully_stop();
  CHECK(ref.state() == worker_state::stopping);
  CHECK(ref.queue_size() == 0);
  go_on.set_value();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.worker()->queued == 0);
  CHECK(ref.queue().discarded == n);
}

TEST_CASE("L9 a stop overtakes a million plain messages in the mailbox") {
  constexpr std::size_t n = 1'000'000;
  support::real_system sys;
  std::latch begun{1};
  std::promise<void> go_on;
  auto ref = troupe::spawn<clerk>(sys, {}, begun, go_on.get_future().share());
  ref.startup();
  begun.wait();
  auto actor = ref.actor();
  auto message = caf::make_message(1.0);
  for (std::size_t i = 0; i < n; ++i)
    tell(actor, message);
  ref.gracefully_stop();
  go_on.set_value();
  CHECK(ref.wait_for_shutdown()->ok());
  // A few may come first: those that the actor has fetched already.
  CHECK(ref.worker()->plain < n / 100);
}

TEST_CASE("L9 a force overtakes a million plain messages in the mailbox") {
  constexpr std::size_t n = 1'000'000;
  support::real_system sys;
  std::latch begun{1};
  std::promise<void> go_on;
  auto ref = troupe::spawn<clerk>(sys, {.force_period = troupe::infinite},
                                  begun, go_on.get_future().share());
  ref.startup();
  begun.wait();
  auto actor = ref.actor();
  auto message = caf::make_message(1.0);
  for (std::size_t i = 0; i < n; ++i)
    tell(actor, message);
  ref.force_stop();
  go_on.set_value();
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::forced);
  CHECK(ref.worker()->plain < n / 100);
}
