// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A worker that does not live when it is to stop, or fails then, lives once
// more for the messages that are queued.

#include "support/accounts.hpp"
#include "support/real_system.hpp"
#include "troupe/event.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/spawn.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker_pool.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::settled;
using troupe::on_stop;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

using texts = std::vector<std::string>;

/// Notes all down, fails on "bad", and may give the rest away.
class clerk : public troupe::queue_worker<std::string> {
public:
  struct log {
    texts seen;
    texts handed_over;
    std::function<task<>()> before;
  };

  explicit clerk(log& to)
    : queue_worker([this](const std::string& x) {
        log_.seen.push_back(x);
        if (x.starts_with("bad"))
          throw std::runtime_error{"told to fail"};
      }),
      log_(to) {
    // nop
  }

  task<> on_startup() override {
    if (log_.before) {
      auto first = log_.before();
      co_await std::move(first);
    }
  }

  task<> hand_over(std::vector<std::string> rest) override {
    log_.handed_over = std::move(rest);
    co_return;
  }

private:
  log& log_;
};

constexpr troupe::restart_backoff patient{.initial = 1h, .max = 1h};

troupe::supervisor_spec tree_of(clerk::log& to, troupe::queue_options queue) {
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<clerk>("clerk", {.backoff = patient, .worker = {.queue = queue}},
                  std::ref(to));
  return spec;
}

using counter = troupe::queue_worker<int32_t>;

} // namespace

TEST_CASE("S14 a drain has a child that backs off live once more") {
  testing_system sys;
  clerk::log log;
  troupe::scoped_supervisor tree{sys,
                                 tree_of(log, {.on_stop = on_stop::drain})};
  troupe::worker_ref<clerk> ref{tree->child("clerk")};
  for (auto x : {"1", "bad", "2", "3"})
    ref.send(x);
  sys.run();
  REQUIRE(ref.phase() == troupe::worker_phase::backing_off);
  const auto begin = sys.now();
  SECTION("when the tree stops") {
    CHECK(tree->shutdown(10s).empty());
  }
  SECTION("when it is stopped alone") {
    CHECK(tree->terminate_child("clerk").get());
  }
  CHECK(sys.now() == begin);
  CHECK(log.seen == texts{"1", "bad", "2", "3"});
  CHECK(ref.queue().handled == 3);
  CHECK(ref.queue().lost == 1);
  CHECK(settled(ref.queue()));
}

TEST_CASE("S14 drain() of a child that backs off drains its queue") {
  testing_system sys;
  clerk::log log;
  troupe::scoped_supervisor tree{sys, tree_of(log, {})};
  troupe::worker_ref<clerk> ref{tree->child("clerk")};
  for (auto x : {"bad", "1", "2"})
    ref.send(x);
  sys.run();
  SECTION("if that is what is asked for") {
    ref.drain();
    sys.run();
    CHECK(ref.queue().handled == 2);
  }
  SECTION("else it is discarded, as its options say") {
    ref.gracefully_stop();
    sys.run();
    CHECK(ref.queue().discarded == 2);
  }
  CHECK(settled(ref.queue()));
  CHECK(ref.state() == troupe::worker_state::stopped);
}

TEST_CASE("S14 a child that fails while it drains lives once more, and once") {
  testing_system sys;
  clerk::log log;
  troupe::queue_options queue{.on_stop = on_stop::drain};
  SECTION("what was in progress is lost") {
    troupe::scoped_supervisor tree{sys, tree_of(log, queue)};
    troupe::worker_ref<clerk> ref{tree->child("clerk")};
    for (auto x : {"1", "bad", "2", "bad", "3"})
      ref.send(x);
    tree->shutdown();
    CHECK(log.seen == texts{"1", "bad", "2", "bad"});
    CHECK(ref.queue().handled == 2);
    CHECK(ref.queue().lost == 2);
    CHECK(ref.queue().discarded == 1);
    CHECK(settled(ref.queue()));
  }
  SECTION("Q10 or given out again") {
    queue.redeliver = 5;
    troupe::scoped_supervisor tree{sys, tree_of(log, queue)};
    troupe::worker_ref<clerk> ref{tree->child("clerk")};
    for (auto x : {"1", "bad", "2"})
      ref.send(x);
    tree->shutdown();
    CHECK(log.seen == texts{"1", "bad", "bad"});
    CHECK(ref.queue().handled == 1);
    CHECK(ref.queue().discarded == 2);
    CHECK(settled(ref.queue()));
  }
}

TEST_CASE("S14 Q6 the last life hands over what is queued") {
  testing_system sys;
  clerk::log log;
  troupe::scoped_supervisor tree{sys,
                                 tree_of(log, {.on_stop = on_stop::hand_over})};
  troupe::worker_ref<clerk> ref{tree->child("clerk")};
  for (auto x : {"bad", "1", "2"})
    ref.send(x);
  sys.run();
  tree->shutdown();
  CHECK(log.handed_over == texts{"1", "2"});
  CHECK(ref.queue().handed_over == 2);
  CHECK(settled(ref.queue()));
}

TEST_CASE("S14 S15 the last life has no time beyond that of the stop") {
  testing_system sys;
  clerk::log log;
  troupe::scoped_supervisor tree{sys,
                                 tree_of(log, {.on_stop = on_stop::drain})};
  troupe::worker_ref<clerk> ref{tree->child("clerk")};
  for (auto x : {"bad", "1"})
    ref.send(x);
  sys.run();
  log.before = []() -> task<> {
    troupe::event never;
    co_await never;
  };
  const auto begin = sys.now();
  SECTION("it is forced in the end") {
    const auto report = tree->shutdown(8s);
    REQUIRE(report.size() == 1);
    CHECK(report[0].path == "/tree/clerk");
    CHECK(sys.now() - begin <= 8s);
    CHECK(ref.incarnation() == 2);
  }
  SECTION("there is none if there is no time") {
    tree->shutdown(0s);
    CHECK(ref.incarnation() == 1);
  }
  CHECK(ref.queue().discarded == 1);
  CHECK(settled(ref.queue()));
}

TEST_CASE("P8 a drain of a pool has workers that back off live once more") {
  testing_system sys;
  clerk::log log;
  troupe::pool_options options{.name = "pool", .size = 2};
  options.each.backoff = patient;
  auto pool = troupe::spawn(sys,
                            troupe::worker_pool<clerk>(options, std::ref(log)));
  pool.startup();
  for (auto x : {"bad 1", "bad 2", "1", "2", "3", "4"})
    pool.send(x);
  sys.run();
  CHECK(pool.queue().queued == 4);
  pool.drain();
  CHECK(pool.wait_for_shutdown());
  CHECK(pool.queue().handled == 4);
  CHECK(pool.queue().lost == 2);
  CHECK(settled(pool.queue()));
}

TEST_CASE("S14 what was taken is handled, or was in progress in a crash") {
  support::real_system sys;
  constexpr std::size_t size = 4;
  for (int round = 0; round < 25; ++round) {
    troupe::supervisor_spec spec{.name = "tree",
                                 .intensity = {.max_restarts = 1'000}};
    troupe::pool_options options{.name = "pool", .size = size};
    options.each.worker.queue.on_stop = on_stop::drain;
    options.each.backoff = {.initial = 1ms, .max = 1h, .factor = 1'000.0};
    spec.add(troupe::worker_pool<counter>(options, [](int32_t) {}));
    troupe::scoped_supervisor tree{sys, spec};
    const auto pool
      = troupe::lookup<troupe::worker_pool<counter>>(sys, "/tree/pool");
    REQUIRE(pool);
    const troupe::supervisor_ref above{troupe::worker_handle{*pool}};
    std::atomic<std::uint64_t> taken = 0;
    std::latch begun{1};
    std::jthread sender{[&] {
      for (int i = 0; pool->send(i); ++i)
        if (++taken == 1'000)
          begun.count_down();
    }};
    std::jthread killer{[&] {
      begun.wait();
      for (const auto& x : above.which_children())
        caf::anon_send_exit(x.child.actor(), caf::exit_reason::kill);
    }};
    begun.wait();
    CHECK(tree->shutdown(60s).empty());
    sender.join();
    killer.join();
    const auto x = pool->queue();
    CHECK(x.discarded == 0);
    CHECK(x.lost <= size);
    CHECK(x.handled + x.lost == taken);
    CHECK(settled(x));
  }
}
