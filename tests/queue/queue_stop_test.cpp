// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How stops and queues meet.

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/scoped_supervisor.hpp"
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

namespace {

/// Takes a while to start, and then handles numbers in bursts.
class late_riser : public troupe::queue_consumer<int32_t> {
public:
  explicit late_riser(troupe::timespan nap) : nap_(nap) {
    // nop
  }

  task<> on_startup() override {
    if (nap_ > 0s)
      co_await sleep_for(nap_);
  }

  task<> run() override {
    ++runs;
    for (auto awake = false; !awake;) {
      auto sleeping = sleep_for(1h);
      awake = !co_await std::move(sleeping);
    }
    while (auto m = co_await get_message())
      got.push_back(*m);
  }

  task<> on_shutdown() override {
    ++shutdowns;
    co_return;
  }

  int runs = 0;
  int shutdowns = 0;
  std::vector<int32_t> got;

private:
  troupe::timespan nap_;
};

} // namespace

TEST_CASE("L11 Q6 a drain during the start finishes what is queued") {
  testing_system sys;
  troupe::worker_options how;
  SECTION("ready when it has started") {
    // nop
  }
  SECTION("ready when run() says so") {
    how.readiness = troupe::readiness::explicit_ready;
  }
  SECTION("by its options") {
    how.queue.on_stop = troupe::on_stop::drain;
  }
  for (auto nap : {0s, 5s}) {
    auto ref = troupe::spawn<late_riser>(sys, how, nap);
    CHECK(!ref.start());
    if (nap > 0s)
      sys.run();
    CHECK(ref.send(1));
    CHECK(ref.send(2));
    if (how.queue.on_stop == troupe::on_stop::drain)
      ref.gracefully_stop();
    else
      ref.drain();
    CHECK(ref.state() == worker_state::stopping);
    CHECK(!ref.send(3));
    CHECK(ref.startup() == troupe::errc::already_started);
    CHECK(ref.wait_for_shutdown()->ok());
    CHECK(ref.worker()->runs == 1);
    CHECK(ref.worker()->got == std::vector<int32_t>{1, 2});
    CHECK(ref.worker()->shutdowns == 1);
    CHECK(ref.queue().handled == 2);
    CHECK(ref.queue().closed == 1);
  }
}

TEST_CASE("L11 who waits for the start is told of a drain when it is over") {
  testing_system sys;
  auto ref = troupe::spawn<late_riser>(sys, {}, 5s);
  auto waiter = troupe::spawn<support::scene>(
    sys, {}, [ref](support::scene& w) -> task<> {
      auto started = ref.started();
      auto why = co_await std::move(started);
      CHECK(why == troupe::errc::stopped_before_ready);
      static_cast<void>(w);
    });
  CHECK(!ref.start());
  waiter.startup();
  ref.send(1);
  ref.drain();
  CHECK(waiter.wait_for_shutdown()->ok());
  CHECK(ref.outcome()->ok());
  CHECK(ref.queue().handled == 1);
}

TEST_CASE("L11 without anything to drain run() is not called") {
  testing_system sys;
  auto ref = troupe::spawn<late_riser>(sys, {}, 0s);
  CHECK(!ref.start());
  SECTION("nothing is queued") {
    ref.drain();
  }
  SECTION("what is queued is discarded") {
    ref.send(1);
    ref.gracefully_stop();
    CHECK(ref.queue().discarded == 1);
  }
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.worker()->runs == 0);
  CHECK(ref.worker()->shutdowns == 1);
}

TEST_CASE("L11 Q6 a child that starts drains when its tree stops") {
  testing_system sys;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<late_riser>(
    "riser", {.worker = {.queue = {.on_stop = troupe::on_stop::drain}}}, 5s);
  auto tree = troupe::spawn(sys, std::move(spec));
  CHECK(!tree.start());
  sys.run();
  auto riser = *troupe::lookup<late_riser>(sys, "/tree/riser");
  CHECK(riser.phase() == troupe::worker_phase::starting);
  riser.send(1);
  riser.send(2);
  tree.gracefully_stop();
  CHECK(tree.wait_for_shutdown()->ok());
  CHECK(riser.queue().handled == 2);
}

TEST_CASE("L11 Q6 start, send and drain at once lose nothing, 200 times") {
  support::real_system sys;
  for (int i = 0; i < 200; ++i) {
    std::vector<int32_t> got;
    auto ref = troupe::spawn<numbers>(sys, {}, collect(got));
    CHECK(!ref.start());
    for (int32_t x = 0; x < 10; ++x)
      ref.send(x);
    ref.drain();
    CHECK(ref.wait_for_shutdown()->ok());
    CHECK(got.size() == 10);
  }
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
  std::latch begun{1};
  std::promise<void> go_on;
  support::real_system sys;
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
  std::latch begun{1};
  std::promise<void> go_on;
  support::real_system sys;
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
  std::latch begun{1};
  std::promise<void> go_on;
  support::real_system sys;
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
