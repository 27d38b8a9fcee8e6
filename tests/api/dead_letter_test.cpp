// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/dead_letter.hpp"

#include "support/accounts.hpp"
#include "support/dice.hpp"
#include "support/log_file.hpp"
#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <map>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
using support::scene_consumer;
using support::settled;
using troupe::dead_letter;
using troupe::dead_letter_reason;
using troupe::on_dead_letter;
using troupe::on_error;
using troupe::overflow;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

using texts = scene_consumer<std::string>;
using lines = std::vector<std::string>;

const std::string long_text = "a text that does not fit into the string object";

/// Collects letters, as lines. Outlives the actor system.
class collector {
public:
  auto function() {
    return [this](const dead_letter& x) {
      std::unique_lock guard{mtx_};
      lines_.push_back(to_string(x.reason) + " "
                       + (x.message.match_elements<std::string>()
                            ? x.message.get_as<std::string>(0)
                            : "nothing"));
      times_.push_back(x.at);
      paths_.push_back(x.path);
    };
  }

  [[nodiscard]] ::lines lines() const {
    std::unique_lock guard{mtx_};
    return lines_;
  }

  [[nodiscard]] std::vector<troupe::time_point> times() const {
    std::unique_lock guard{mtx_};
    return times_;
  }

  [[nodiscard]] ::lines paths() const {
    std::unique_lock guard{mtx_};
    return paths_;
  }

private:
  mutable std::mutex mtx_;
  ::lines lines_;
  ::lines paths_;
  std::vector<troupe::time_point> times_;
};

task<> handle_all(texts& w) {
  while (auto m = co_await w.get_message())
    co_await w.sleep_for(1s);
}

task<> fail_on_the_first(texts& w) {
  co_await w.get_message();
  throw std::runtime_error("told to fail");
}

} // namespace

TEST_CASE("Q8 a dead letter says why, whose, when and what") {
  collector all;
  testing_system sys;
  auto sub = on_dead_letter(sys, all.function());
  auto ref = troupe::spawn<texts>(sys, {.name = "printer"}, handle_all);
  ref.startup();
  ref.shutdown();
  sys.advance(3s);
  ref.send(long_text);
  sys.run();
  CHECK(all.lines() == lines{"closed " + long_text});
  CHECK(all.paths() == lines{"/printer"});
  CHECK(all.times() == std::vector{sys.now()});
}

TEST_CASE("Q8 each reason for which a message dies is told") {
  collector all;
  testing_system sys;
  auto sub = on_dead_letter(sys, all.function());
  SECTION("closed, also for who waited for room") {
    auto ref = troupe::spawn<texts>(
      sys, {.queue = {.capacity = 1, .overflow = overflow::block}}, handle_all);
    ref.send("1");
    auto from = troupe::spawn<support::scene>(
      sys, {}, [&](support::scene& w) -> task<> {
        auto sending = w.send_to(ref, std::string{"2"});
        auto error = co_await std::move(sending);
        CHECK(error == troupe::errc::queue_closed);
      });
    from.startup();
    sys.run();
    auto actor = ref.actor();
    support::tell(actor, caf::exit_msg{actor.address(),
                                       caf::exit_reason::user_shutdown});
    sys.run();
    CHECK(all.lines() == lines{"discarded 1", "closed 2"});
  }
  SECTION("rejected") {
    auto ref = troupe::spawn<texts>(sys, {.queue = {.capacity = 1}},
                                    handle_all);
    ref.send("1");
    ref.send("2");
    sys.run();
    CHECK(all.lines() == lines{"rejected 2"});
  }
  SECTION("dropped") {
    auto oldest = troupe::spawn<texts>(
      sys, {.queue = {.capacity = 1, .overflow = overflow::drop_oldest}},
      handle_all);
    auto newest = troupe::spawn<texts>(
      sys, {.queue = {.capacity = 1, .overflow = overflow::drop_newest}},
      handle_all);
    for (auto& x : {oldest, newest}) {
      x.send("1");
      x.send("2");
    }
    sys.run();
    CHECK(all.lines() == lines{"dropped 1", "dropped 2"});
  }
  SECTION("failed") {
    auto ref = troupe::spawn<troupe::queue_worker<std::string>>(
      sys, {.queue = {.on_error = on_error::skip}}, [](std::string x) {
        auto gone = std::move(x);
        throw std::runtime_error("told to fail");
      });
    ref.startup();
    ref.send(long_text);
    sys.run();
    CHECK(all.lines() == lines{"failed " + long_text});
    ref.shutdown();
  }
  SECTION("lost, and discarded") {
    auto ref = troupe::spawn<texts>(sys, {}, fail_on_the_first);
    for (auto x : {"1", "2", "3"})
      ref.send(long_text + x);
    ref.startup();
    ref.wait_for_shutdown();
    sys.run();
    CHECK(all.lines()
          == lines{"lost " + long_text + "1", "discarded " + long_text + "2",
                   "discarded " + long_text + "3"});
  }
  SECTION("lost in a hand-over") {
    auto ref = troupe::spawn<troupe::queue_worker<std::string>>(
      sys, {.queue = {.on_stop = troupe::on_stop::hand_over}},
      [](const std::string&) {},
      [](lines) { throw std::runtime_error("told to fail"); });
    ref.send("1");
    ref.send("2");
    ref.start();
    ref.gracefully_stop();
    ref.wait_for_shutdown();
    sys.run();
    auto seen = all.lines();
    std::sort(seen.begin(), seen.end());
    CHECK(seen == lines{"lost 1", "lost 2"});
  }
}

TEST_CASE("Q8 a letter has what the callback threw on it last") {
  std::vector<std::string> texts; // on this thread
  testing_system sys;
  auto sub = on_dead_letter(sys, [&](const dead_letter& x) {
    texts.push_back(to_string(x.reason) + ": "
                    + (x.thrown ? troupe::text_of(x.thrown) : "nothing"));
    if (x.thrown)
      CHECK(to_string(x).ends_with(": " + troupe::text_of(x.thrown)));
  });
  auto tries = 0;
  auto ref = troupe::spawn<troupe::queue_worker<std::string>>(
    sys, {.queue = {.on_error = on_error::retry(1, {.initial = 20s})}},
    [&tries](const std::string& x) {
      throw std::runtime_error(x + ' ' + std::to_string(++tries));
    });
  ref.startup();
  for (const auto* x : {"a", "b", "c"})
    ref.send(x);
  sys.advance(30s); // the second one waits for its other try
  ref.force_stop();
  ref.wait_for_shutdown();
  sys.run();
  CHECK(texts == lines{"failed: a 2", "lost: b 3", "discarded: nothing"});
}

TEST_CASE("Q8 the messages of an abandoned worker are told of") {
  collector all;
  std::latch begun{1};
  std::promise<void> go_on;
  {
    std::counting_semaphore<> told{0};
    support::real_system sys;
    auto sub = on_dead_letter(sys, [&, f = all.function()](const auto& x) {
      f(x);
      told.release();
    });
    auto ref
      = troupe::spawn<texts>(sys,
                             {.stopping_grace_period = 0s, .force_period = 1ms},
                             [&](texts& w) -> task<> {
                               co_await w.get_message();
                               begun.count_down();
                               go_on.get_future().wait();
                             });
    ref.send("1");
    ref.send("2");
    ref.startup();
    begun.wait();
    ref.force_stop();
    CHECK(ref.wait_for_shutdown()->abandoned());
    told.acquire();
    told.acquire();
    CHECK(settled(ref.queue()));
    go_on.set_value();
  }
  auto seen = all.lines();
  std::sort(seen.begin(), seen.end());
  CHECK(seen == lines{"abandoned 1", "abandoned 2"});
}

TEST_CASE("Q8 who was given a message before anybody subscribed keeps it") {
  collector all;
  testing_system sys;
  auto ref = troupe::spawn<texts>(sys, {}, [](texts& w) -> task<> {
    co_await w.get_message();
    co_await w.sleep_for(1h);
    co_await w.sleep_for(1h);
  });
  ref.send("1");
  ref.startup();
  sys.run();
  auto sub = on_dead_letter(sys, all.function());
  ref.force_stop();
  ref.wait_for_shutdown();
  sys.run();
  CHECK(all.lines() == lines{"lost nothing"});
  CHECK(ref.queue().lost == 1);
}

TEST_CASE(
  "Q8 a letter of a variant holds the plain message, to be sent again") {
  using either = std::variant<int32_t, std::string>;
  collector all;
  testing_system sys;
  auto ref = troupe::spawn<scene_consumer<either>>(
    sys, {.queue = {.capacity = 1}}, [](auto& w) -> task<> {
      while (auto m = co_await w.get_message())
        co_await w.yield();
    });
  caf::message again;
  {
    auto sub = on_dead_letter(sys,
                              [&](const dead_letter& x) { again = x.message; });
    ref.send(1);
    ref.send(long_text);
    sys.run();
  }
  CHECK(again.match_elements<std::string>());
  ref.startup();
  sys.run();
  support::tell(ref.actor(), again);
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.queue().handled == 2);
  CHECK(ref.queue().rejected == 1);
}

TEST_CASE("Q8 one may subscribe to one tree, and to nobody is an error") {
  collector some;
  testing_system sys;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<texts>("child", {.worker = {.queue = {.capacity = 1}}}, handle_all);
  troupe::scoped_supervisor tree{sys, std::move(spec)};
  auto sub = on_dead_letter(tree.ref(), some.function());
  auto other = troupe::spawn<texts>(sys,
                                    {.name = "tree2", .queue = {.capacity = 1}},
                                    handle_all);
  troupe::worker_ref<texts> child{tree->child("child")};
  for (auto x : {"1", "2"}) {
    other.send(x);
    child.send(x);
  }
  sys.run();
  CHECK(some.paths() == lines{"/tree/child"});
  CHECK_THROWS_AS(on_dead_letter(troupe::worker_handle{}, some.function()),
                  std::invalid_argument);
  CHECK_THROWS_AS(on_dead_letter(sys, nullptr), std::invalid_argument);
  CHECK_THROWS_AS(on_dead_letter(sys, some.function(), 0),
                  std::invalid_argument);
}

TEST_CASE(
  "Q8 a slow subscriber misses letters, which are counted and logged, and "
  "holds up "
  "nobody") {
  support::log_file log;
  std::latch begun{1};
  std::promise<void> go_on;
  std::atomic<int> seen = 0;
  {
    support::real_system sys{
      [&log](support::real_config& config) { log.attach_to(config); }};
    auto sub = on_dead_letter(
      sys,
      [&, first = true](const dead_letter&) mutable {
        ++seen;
        if (std::exchange(first, false)) {
          begun.count_down();
          go_on.get_future().wait();
        }
      },
      10);
    auto ref = troupe::spawn<texts>(sys, {.queue = {.capacity = 1}},
                                    handle_all);
    ref.send("kept");
    ref.send("first");
    begun.wait();
    for (int i = 0; i < 100; ++i)
      ref.send("more");
    CHECK(ref.queue().rejected == 101);
    CHECK(sub.missed() == 90);
    go_on.set_value();
    while (seen < 11)
      std::this_thread::yield();
    sub.cancel();
    ref.send("nobody is told of this");
    CHECK(seen == 11);
  }
  CHECK(log.lines("on_dead_letter has missed 90").size() == 1);
}

TEST_CASE("Q8 who sends a dead letter to the same full queue is told once") {
  support::log_file log;
  {
    std::atomic<int> first = 0;
    std::atomic<int> second = 0;
    support::real_system sys{
      [&log](support::real_config& config) { log.attach_to(config); }};
    auto ref = troupe::spawn<texts>(sys, {.queue = {.capacity = 1}},
                                    handle_all);
    auto again = [ref](std::atomic<int>& calls) {
      return [ref, &calls](const dead_letter& x) {
        ++calls;
        ref.send(x.message.get_as<std::string>(0));
        support::tell(ref.actor(), x.message);
      };
    };
    auto one = on_dead_letter(sys, again(first));
    auto other = on_dead_letter(sys, again(second));
    ref.send("kept");
    for (int i = 0; i < 10; ++i)
      ref.send("more");
    // All that was sent comes to each of them, and nothing of what they send.
    while (first < 10 || second < 10
           || one.missed() + other.missed() < 2 * 2 * 20)
      std::this_thread::yield();
    CHECK(one.missed() == 40);
    CHECK(other.missed() == 40);
    CHECK(ref.queue().rejected == 50);
    one.cancel();
    other.cancel();
    CHECK(first == 10);
    CHECK(second == 10);
  }
  CHECK(log.lines("sends messages that are dead letters again").size() == 2);
}

TEST_CASE("Q8 the letters of a run by chance are those that are counted") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    support::dice dice{seed};
    std::mutex mtx;
    std::map<dead_letter_reason, std::uint64_t> told;
    auto whole = true;
    testing_system sys{{.seed = seed}};
    auto sub = on_dead_letter(sys, [&](const dead_letter& x) {
      std::unique_lock guard{mtx};
      ++told[x.reason];
      whole = whole && x.message.match_elements<std::string>()
              && x.message.get_as<std::string>(0) == long_text;
    });
    troupe::supervisor_spec spec{.name = "tree",
                                 .intensity = {.max_restarts = 1000,
                                               .within = troupe::infinite}};
    spec.add<troupe::queue_worker<std::string>>(
      "child",
      {.worker
       = {.stopping_grace_period = 1s,
          .queue = {.capacity = 1 + dice.below(5),
                    .overflow = static_cast<overflow>(dice.below(4)),
                    .on_stop = static_cast<troupe::on_stop>(dice.below(3)),
                    .on_error = dice.chance(50) ? on_error::skip
                                                : on_error::fail,
                    .redeliver = static_cast<int>(dice.below(3))}}},
      [&dice](const std::string&) {
        if (dice.chance(30))
          throw std::runtime_error("by chance");
      },
      [&dice](const lines&) {
        if (dice.chance(50))
          throw std::runtime_error("by chance");
      });
    {
      troupe::scoped_supervisor tree{sys, std::move(spec)};
      troupe::worker_ref<troupe::queue_worker<std::string>> ref{
        tree->child("child")};
      for (int i = 0; i < 60; ++i) {
        ref.send(long_text);
        if (dice.chance(30))
          sys.step();
      }
      if (dice.chance(20))
        ref.force_stop();
      tree.shutdown();
      ref.send(long_text);
      sys.run();
      auto x = ref.queue();
      CHECK(settled(x));
      using enum dead_letter_reason;
      CHECK(told[closed] == x.closed);
      CHECK(told[rejected] == x.rejected);
      CHECK(told[dropped] == x.dropped);
      CHECK(told[discarded] == x.discarded);
      CHECK(told[failed] == x.failed);
      CHECK(told[lost] == x.lost);
      CHECK(told[abandoned] == x.abandoned);
      CHECK(whole);
    }
  }
}
