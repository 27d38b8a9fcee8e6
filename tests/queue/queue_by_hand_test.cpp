// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Queues of workers that somebody restarts.

#include "support/accounts.hpp"
#include "support/real_system.hpp"
#include "troupe/event.hpp"
#include "troupe/event_log.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker_pool.hpp"

#include <caf/exit_reason.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::balanced;
using support::settled;
using troupe::on_error;
using troupe::strategy;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

using texts = std::vector<std::string>;

/// Takes a second for each message.
class slow : public troupe::queue_consumer<std::string> {
public:
  explicit slow(texts& seen) : seen_(seen) {
    // nop
  }

  task<> run() override {
    while (auto m = co_await get_message()) {
      seen_.push_back(*m);
      const auto until = now() + 1s;
      while (now() < until)
        co_await sleep_until(until); // also when it is to stop
    }
  }

private:
  texts& seen_;
};

/// Never comes to the end of a message.
class stuck : public troupe::queue_consumer<std::string> {
public:
  explicit stuck(texts& seen) : seen_(seen) {
    // nop
  }

  task<> run() override {
    while (auto m = co_await get_message()) {
      seen_.push_back(*m);
      troupe::event never;
      co_await never;
    }
  }

private:
  texts& seen_;
};

using counter = troupe::queue_worker<int32_t>;

} // namespace

TEST_CASE("S33 a restart keeps the queue open, and loses nothing") {
  testing_system sys;
  texts seen;
  troupe::supervisor_spec spec{.name = "tree",
                               .intensity = {.max_restarts = 0, .within = 1h}};
  spec.add<slow>("child", {}, std::ref(seen));
  troupe::scoped_supervisor tree{sys, spec};
  troupe::event_log log{tree.ref()};
  troupe::worker_ref<slow> ref{tree->child("child")};
  for (auto x : {"1", "2", "3"})
    ref.send(x);
  sys.run();
  auto call = tree->restart_child(
    "child", caf::make_error(caf::exit_reason::user_shutdown, "by hand"));
  auto same = tree->restart_child("child");
  sys.run();
  CHECK(ref.state() == troupe::worker_state::stopping);
  CHECK(ref.send("4"));
  CHECK(ref.queue().queued == 3);
  CHECK(ref.queue().in_progress == 1);
  sys.advance(10s);
  CHECK(call.get());
  CHECK(same.get());
  CHECK(ref.incarnation() == 2);
  CHECK(seen == texts{"1", "2", "3", "4"});
  CHECK(ref.queue().handled == 4);
  CHECK(ref.queue().dead_letters() == 0);
  const auto stop = log.wait_for(troupe::event_kind::stopping, "/tree/child");
  REQUIRE(stop);
  CHECK(troupe::text_of(stop->reason) == "by hand");
  // The next stop has a reason of its own.
  CHECK(tree->terminate_child("child").get());
  const auto other = log.wait_for(troupe::event_kind::stopping, "/tree/child",
                                  2);
  REQUIRE(other);
  CHECK_FALSE(other->reason);
}

TEST_CASE("S33 Q10 a message whose worker is forced is given out again") {
  testing_system sys;
  texts seen;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<stuck>("child",
                  {.worker = {.stopping_grace_period = 1s,
                              .queue = {.redeliver = 1}}},
                  std::ref(seen));
  troupe::scoped_supervisor tree{sys, spec};
  troupe::worker_ref<stuck> ref{tree->child("child")};
  ref.send("1");
  ref.send("2");
  sys.run();
  CHECK(tree->restart_child("child").get());
  sys.run();
  CHECK(seen == texts{"1", "1"});
  CHECK(tree->restart_child("child").get());
  sys.run();
  CHECK(seen == texts{"1", "1", "2"});
  CHECK(ref.queue().lost == 1);
  CHECK(balanced(ref.queue()));
}

TEST_CASE("S33 Q9 a restart ends the delay of a retry, and it comes again") {
  testing_system sys;
  std::vector<int32_t> seen;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<counter>("child",
                    {.worker = {.queue = {.on_error = on_error::retry(
                                            3, {.initial = 1h, .max = 1h})}}},
                    [&seen](int32_t x) {
                      seen.push_back(x);
                      if (seen.size() == 1)
                        throw std::runtime_error{"not yet"};
                    });
  troupe::scoped_supervisor tree{sys, spec};
  troupe::worker_ref<counter> ref{tree->child("child")};
  ref.send(1);
  ref.send(2);
  sys.run();
  CHECK(tree->restart_child("child").get());
  sys.run();
  CHECK(seen == std::vector<int32_t>{1, 1, 2});
  CHECK(ref.queue().handled == 2);
}

TEST_CASE("S33 a group is restarted as a whole, and loses nothing either") {
  testing_system sys;
  texts first;
  texts second;
  troupe::supervisor_spec spec{.name = "tree",
                               .strategy = strategy::one_for_all,
                               .intensity = {.max_restarts = 0, .within = 1h}};
  spec.add<slow>("first", {}, std::ref(first));
  spec.add<slow>("second", {}, std::ref(second));
  troupe::scoped_supervisor tree{sys, spec};
  std::vector<troupe::worker_ref<slow>> refs;
  for (auto name : {"first", "second"}) {
    refs.emplace_back(tree->child(name));
    for (auto x : {"1", "2", "3"})
      refs.back().send(x);
  }
  sys.run();
  auto call = tree->restart_child("second");
  sys.advance(1h);
  CHECK(call.get());
  for (auto& x : refs) {
    CHECK(x.incarnation() == 2);
    CHECK(x.queue().handled == 3);
  }
  CHECK(first == texts{"1", "2", "3"});
  CHECK(second == texts{"1", "2", "3"});
}

TEST_CASE("S33 P7 a pool and each of its workers can be restarted") {
  testing_system sys;
  texts seen;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add(
    troupe::worker_pool<slow>({.name = "pool", .size = 2}, std::ref(seen)));
  troupe::scoped_supervisor tree{sys, spec};
  const auto pool = troupe::lookup<troupe::worker_pool<slow>>(sys,
                                                              "/tree/pool");
  REQUIRE(pool);
  auto send = [&](int n) {
    for (int i = 0; i < n; ++i)
      CHECK(pool->send(std::to_string(i)));
  };
  send(6);
  sys.run();
  const troupe::supervisor_ref workers{troupe::worker_handle{*pool}};
  auto one = workers.restart_child(workers.which_children()[0].name);
  sys.run();
  send(4);
  sys.advance(1h);
  CHECK(one.get());
  CHECK(pool->queue().handled == 10);
  send(6);
  sys.run();
  auto all = tree->restart_child("pool");
  sys.run();
  send(4);
  sys.advance(1h);
  CHECK(all.get());
  CHECK(pool->queue().handled == 20);
  CHECK(pool->queue().dead_letters() == 0);
}

TEST_CASE("S33 restarts while threads send: each message is handled") {
  support::real_system sys;
  std::atomic<std::uint64_t> handled = 0;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<counter>("child", {}, [&handled](int32_t) {
    ++handled;
    handled.notify_all();
  });
  troupe::scoped_supervisor tree{sys, spec};
  troupe::worker_ref<counter> ref{tree->child("child")};
  constexpr int each = 20'000;
  std::vector<std::jthread> senders;
  for (int i = 0; i < 2; ++i)
    senders.emplace_back([&] {
      for (int k = 0; k < each; ++k)
        if (!ref.send(k))
          return;
    });
  for (int i = 0; i < 200; ++i)
    REQUIRE(tree->restart_child("child").get());
  senders.clear();
  for (auto n = handled.load(); n < 2 * each; n = handled.load())
    handled.wait(n);
  CHECK(ref.incarnation() == 201);
  tree.shutdown();
  CHECK(ref.queue().handled == 2 * each);
  CHECK(settled(ref.queue()));
}
