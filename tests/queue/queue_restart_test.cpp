// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Queues and more than one life.

#include "support/accounts.hpp"
#include "support/dice.hpp"
#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "troupe/event.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <caf/event_based_actor.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::balanced;
using support::settled;
using troupe::on_error;
using troupe::outcome_kind;
using troupe::overflow;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

using texts = std::vector<std::string>;
using work = std::function<task<>(const std::string&)>;

const std::string long_text = "a text that does not fit into the string object";

/// Gives each message to a function of the test.
class consumer : public troupe::queue_consumer<std::string> {
public:
  explicit consumer(work what) : what_(std::move(what)) {
    // nop
  }

  task<> run() override {
    while (auto m = co_await get_message()) {
      auto call = what_(*m);
      co_await std::move(call);
    }
  }

private:
  work what_;
};

/// The same with a callback.
class by_callback : public troupe::queue_worker<std::string> {
public:
  explicit by_callback(work what)
    : queue_worker(
        [what = std::move(what)](const std::string& x) { return what(x); }) {
    // nop
  }
};

template <class W>
troupe::supervisor_spec
tree_with(work what, troupe::queue_options queue, int max_restarts = 100) {
  troupe::supervisor_spec spec{.name = "tree",
                               .intensity = {.max_restarts = max_restarts,
                                             .within = troupe::infinite}};
  spec.add<W>("child", {.worker = {.queue = queue}}, std::move(what));
  return spec;
}

template <class W>
troupe::worker_ref<W>
child_of(troupe::scoped_supervisor& tree, const std::string& name = "child") {
  return troupe::worker_ref<W>{tree->child(name)};
}

/// Fails on the text "bad", and notes down all.
work fails_on_bad(texts& seen) {
  return [&seen](const std::string& x) -> task<> {
    seen.push_back(x);
    co_await troupe::yield();
    if (x.starts_with("bad"))
      throw std::runtime_error("told to fail");
  };
}

template <class W>
void check_lost() {
  texts seen;
  testing_system sys;
  troupe::scoped_supervisor tree{
    sys, tree_with<W>(fails_on_bad(seen), {.on_stop = troupe::on_stop::drain})};
  auto ref = child_of<W>(tree);
  for (auto x : {"1", "bad", "2"})
    ref.send(x);
  sys.run();
  CHECK(ref.incarnation() == 2);
  tree.shutdown();
  CHECK(seen == texts{"1", "bad", "2"});
  auto x = ref.queue();
  CHECK(x.lost == 1);
  CHECK(x.handled == 2);
  CHECK(settled(x));
}

template <class W>
void check_redelivered() {
  texts seen;
  testing_system sys;
  troupe::scoped_supervisor tree{
    sys, tree_with<W>(fails_on_bad(seen),
                      {.on_stop = troupe::on_stop::drain, .redeliver = 2})};
  auto ref = child_of<W>(tree);
  auto bad = "bad " + long_text;
  for (auto& x : {std::string{"1"}, bad, std::string{"2"}})
    ref.send(x);
  sys.run();
  CHECK(ref.incarnation() == 4);
  CHECK(balanced(ref.queue()));
  tree.shutdown();
  // It comes first again, and whole.
  CHECK(seen == texts{"1", bad, bad, bad, "2"});
  auto x = ref.queue();
  CHECK(x.sent == 3);
  CHECK(x.lost == 1);
  CHECK(x.handled == 2);
  CHECK(settled(x));
}

} // namespace

TEST_CASE("Q10 the queue survives a restart, the message in progress is lost") {
  SECTION("queue_consumer") {
    check_lost<consumer>();
  }
  SECTION("queue_worker") {
    check_lost<by_callback>();
  }
}

TEST_CASE("Q10 the message in progress is given out again n times, then lost") {
  SECTION("queue_consumer") {
    check_redelivered<consumer>();
  }
  SECTION("queue_worker") {
    check_redelivered<by_callback>();
  }
}

TEST_CASE("Q10 a message that was given out again is handled like any other") {
  texts seen;
  testing_system sys;
  int failures = 0;
  troupe::scoped_supervisor tree{sys, tree_with<consumer>(
                                        [&](const std::string& x) -> task<> {
                                          seen.push_back(x);
                                          if (x == "2" && ++failures < 3)
                                            throw std::runtime_error("not yet");
                                          co_return;
                                        },
                                        {.on_stop = troupe::on_stop::drain,
                                         .redeliver = 5})};
  auto ref = child_of<consumer>(tree);
  for (auto x : {"1", "2", "3"})
    ref.send(x);
  sys.run();
  tree.shutdown();
  CHECK(seen == texts{"1", "2", "2", "2", "3"});
  CHECK(ref.queue().handled == 3);
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q10 a worker without a supervisor gets no second life: lost") {
  testing_system sys;
  texts seen;
  auto ref = troupe::spawn<consumer>(sys, {.queue = {.redeliver = 5}},
                                     fails_on_bad(seen));
  ref.send("bad");
  ref.send("2");
  ref.startup();
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::failed);
  CHECK(ref.queue().lost == 1);
  CHECK(ref.queue().discarded == 1);
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q10 what is left when there is no further life is discarded") {
  testing_system sys;
  texts seen;
  auto tree = troupe::spawn(sys, tree_with<consumer>(fails_on_bad(seen),
                                                     {.redeliver = 100}, 3));
  tree.startup();
  troupe::worker_ref<consumer> ref{tree.child("child")};
  ref.send("bad");
  ref.send("2");
  auto how = tree.wait_for_shutdown();
  CHECK(how->reason() == troupe::errc::max_restarts_exceeded);
  CHECK(seen == texts{"bad", "bad", "bad", "bad"});
  CHECK(ref.queue().discarded == 2);
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q10 a force for good loses the message, a force in a restart gives "
          "it out again") {
  testing_system sys;
  texts seen;
  auto spec = tree_with<consumer>(
    [&](const std::string& x) -> task<> {
      seen.push_back(x);
      troupe::event never_set;
      co_await never_set;
    },
    {.redeliver = 5});
  spec.strategy = troupe::strategy::one_for_all;
  spec.children[0].options.worker.stopping_grace_period = 1s;
  texts ignored;
  spec.add<consumer>("sibling", {}, fails_on_bad(ignored));
  troupe::scoped_supervisor tree{sys, std::move(spec)};
  auto ref = child_of<consumer>(tree);
  ref.send("1");
  ref.send("2");
  sys.run();
  child_of<consumer>(tree, "sibling").send("bad");
  sys.advance(2s);
  CHECK(ref.incarnation() == 2);
  CHECK(seen == texts{"1", "1"});
  CHECK(ref.queue().in_progress == 1);
  CHECK(ref.queue().queued == 1);
  CHECK(balanced(ref.queue()));
  tree.shutdown();
  CHECK(ref.queue().lost == 1);
  CHECK(ref.queue().discarded == 1);
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q9 Q10 a backoff that a restart of the group ends goes on in the "
          "next life") {
  testing_system sys;
  texts seen;
  auto spec = tree_with<by_callback>(
    [&](const std::string& x) -> task<> {
      seen.push_back(x);
      if (seen.size() == 1)
        throw std::runtime_error("not yet");
      co_return;
    },
    {.on_error = on_error::retry(3, {.initial = 1h, .max = 1h})});
  spec.strategy = troupe::strategy::one_for_all;
  texts ignored;
  spec.add<consumer>("sibling", {}, fails_on_bad(ignored));
  troupe::scoped_supervisor tree{sys, std::move(spec)};
  auto ref = child_of<by_callback>(tree);
  ref.send("1");
  ref.send("2");
  sys.run();
  child_of<consumer>(tree, "sibling").send("bad");
  sys.advance(2s);
  CHECK(ref.incarnation() == 2);
  CHECK(seen == texts{"1", "1", "2"});
  tree.shutdown();
  CHECK(ref.queue().handled == 2);
  CHECK(ref.queue().failed == 0);
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q10 a worker that crashes while it drains leaves nothing behind") {
  testing_system sys;
  texts seen;
  SECTION("on its own") {
    auto ref = troupe::spawn<consumer>(sys, {}, fails_on_bad(seen));
    ref.startup();
    for (auto x : {"1", "bad", "2"})
      ref.send(x);
    ref.drain();
    CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::failed);
    CHECK(ref.queue().lost == 1);
    CHECK(ref.queue().discarded == 1);
    CHECK(settled(ref.queue()));
    CHECK(seen == texts{"1", "bad"});
  }
  SECTION("S14 as a child, which lives once more") {
    troupe::scoped_supervisor tree{sys, tree_with<consumer>(fails_on_bad(seen),
                                                            {.redeliver = 3})};
    auto ref = child_of<consumer>(tree);
    for (auto x : {"1", "bad", "2"})
      ref.send(x);
    ref.drain();
    ref.wait_for_shutdown();
    CHECK(ref.incarnation() == 2);
    CHECK(ref.queue().lost == 0);
    CHECK(ref.queue().discarded == 2);
    CHECK(settled(ref.queue()));
    CHECK(seen == texts{"1", "bad", "bad"});
  }
}

TEST_CASE("Q5 Q10 who waits for room waits across a restart") {
  testing_system sys;
  texts seen;
  troupe::scoped_supervisor tree{
    sys, tree_with<consumer>(fails_on_bad(seen),
                             {.capacity = 1,
                              .overflow = overflow::block,
                              .on_stop = troupe::on_stop::drain})};
  auto ref = child_of<consumer>(tree);
  auto actor = ref.actor();
  int answers = 0;
  auto ask = [&](std::string x) {
    sys.sys().spawn([=, &answers](caf::event_based_actor* self) {
      support::request(self, actor, troupe::infinite, x)
        .then([&answers] { ++answers; }, [](caf::error&) {});
    });
  };
  for (auto x : {"bad 1", "2", "bad 3", "4", "5"})
    ask(x);
  sys.run();
  CHECK(answers == 5);
  CHECK(ref.incarnation() == 3);
  tree.shutdown();
  CHECK(seen.size() == 5);
  CHECK(ref.queue().lost == 2);
  CHECK(ref.queue().handled == 3);
  CHECK(settled(ref.queue()));
}

TEST_CASE(
  "Q10 an abandoned worker does not touch the message of the next one") {
  std::promise<void> begun;
  std::promise<void> go_on;
  support::real_system sys{4};
  std::atomic<int> calls = 0;
  auto spec = tree_with<by_callback>(
    [&](const std::string& x) -> task<> {
      if (++calls == 1) {
        begun.set_value();
        go_on.get_future().wait(); // holds its thread
      }
      co_await troupe::yield();
      if (x == "end")
        co_return;
    },
    {.on_stop = troupe::on_stop::drain, .redeliver = 5});
  spec.strategy = troupe::strategy::one_for_all;
  spec.children[0].options.worker.stopping_grace_period = 1ms;
  spec.children[0].options.worker.force_period = 1ms;
  texts ignored;
  spec.add<consumer>("sibling", {}, fails_on_bad(ignored));
  troupe::scoped_supervisor tree{sys, std::move(spec)};
  auto ref = child_of<by_callback>(tree);
  ref.send("stuck");
  begun.get_future().wait();
  for (int i = 0; i < 100; ++i)
    ref.send("more");
  child_of<consumer>(tree, "sibling").send("bad");
  while (ref.incarnation() < 2)
    std::this_thread::yield();
  go_on.set_value();
  for (int i = 0; i < 100; ++i)
    ref.send("more");
  while (!settled(ref.queue()))
    std::this_thread::yield();
  auto x = ref.queue();
  CHECK(x.sent == 201);
  CHECK(x.abandoned == 1);
  CHECK(x.handled == 200);
  CHECK(settled(x));
}

// -- by chance -----------------------------------------------------------------

TEST_CASE("Q8 Q10 children that crash by chance, in every policy: each message "
          "is in one place, in order, and tried no more often than is said") {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    support::dice dice{seed};
    testing_system sys{{.seed = seed}};
    const auto redeliver = static_cast<int>(dice.below(4));
    const auto retries = static_cast<int>(dice.below(3));
    const auto percent = static_cast<unsigned>(10 + 20 * dice.below(3));
    auto policy = on_error::fail;
    if (dice.chance(30))
      policy = on_error::skip;
    else if (dice.chance(30))
      policy = on_error::retry(retries, {.initial = 1ms, .max = 2ms});
    std::map<std::string, int> tries;
    std::string last;
    auto fine = true;
    auto spec = tree_with<by_callback>(
      [&](const std::string& x) -> task<> {
        fine = fine && x >= last && x.size() > long_text.size();
        last = x;
        ++tries[x];
        if (dice.chance(20))
          co_await troupe::yield();
        if (dice.chance(percent))
          throw std::runtime_error("by chance");
      },
      {.capacity = 2 + dice.below(6),
       .overflow = static_cast<overflow>(dice.below(4)),
       .on_stop = static_cast<troupe::on_stop>(dice.below(2)),
       .on_error = policy,
       .redeliver = redeliver},
      1000);
    troupe::scoped_supervisor tree{sys, std::move(spec)};
    auto ref = child_of<by_callback>(tree);
    for (int i = 100; i < 180; ++i) {
      ref.send(std::to_string(i) + long_text);
      fine = fine && balanced(ref.queue());
      if (dice.chance(40))
        sys.step();
      if (dice.chance(5))
        sys.advance(dice.time(3));
      fine = fine && balanced(ref.queue());
    }
    tree.shutdown();
    auto x = ref.queue();
    CHECK(fine);
    CHECK(x.sent == 80);
    CHECK(settled(x));
    auto most = policy.what() == on_error::action::retry ? retries + 1 : 1;
    for (auto& [text, n] : tries)
      CHECK(n <= most + redeliver);
  }
}

TEST_CASE("Q8 Q10 threads send while the worker crashes and is started again") {
  constexpr int senders = 4;
  constexpr int each = 2000;
  std::mutex mtx;
  support::real_system sys{4};
  std::uint64_t good = 0;
  support::dice dice{7};
  auto spec = tree_with<by_callback>(
    [&](const std::string&) -> task<> {
      {
        std::unique_lock guard{mtx};
        if (dice.chance(3))
          throw std::runtime_error("by chance");
        ++good;
      }
      co_return;
    },
    {.capacity = 64,
     .overflow = overflow::drop_oldest,
     .on_stop = troupe::on_stop::drain,
     .redeliver = 1},
    1'000'000);
  troupe::scoped_supervisor tree{sys, std::move(spec)};
  auto ref = child_of<by_callback>(tree);
  std::atomic<int> wrong = 0;
  {
    std::jthread auditor{[&](std::stop_token stop) {
      while (!stop.stop_requested())
        if (auto x = ref.queue(); !balanced(x) || x.in_progress > 1)
          ++wrong;
    }};
    std::vector<std::jthread> threads;
    for (int s = 0; s < senders; ++s)
      threads.emplace_back([&] {
        for (int i = 0; i < each; ++i)
          ref.send(long_text);
      });
  }
  tree.shutdown();
  auto x = ref.queue();
  CHECK(wrong == 0);
  CHECK(x.sent == senders * each);
  CHECK(x.handled == good);
  CHECK(settled(x));
}
