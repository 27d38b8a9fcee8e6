// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Offloaded calls of workers where there are fewer threads than calls. What the
// pool does by itself is in offload_pool_test.cpp.

#include "troupe/offload.hpp"

#include "support/real_system.hpp"
#include "support/scenes.hpp"

#include "troupe/call_later.hpp"
#include "troupe/config.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::real_system;
using support::scene;
using troupe::outcome_kind;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

/// A system in which so many calls run at once.
struct narrow_system : real_system {
  explicit narrow_system(int64_t bound = 1)
    : real_system([bound](support::real_config& config) {
        config.set("troupe.offload-threads", bound);
      }) {
    // nop
  }
};

struct narrow_config : troupe::config {
  narrow_config() {
    set("troupe.offload-threads", int64_t{1});
  }
};

/// Where calls sit until the test lets them go.
class block {
public:
  ~block() {
    open();
  }

  auto entered() {
    return [this] {
      in_.count_down();
      out_.get_future().wait();
    };
  }

  void await() {
    in_.wait();
  }

  void open() {
    if (!std::exchange(is_open_, true))
      out_.set_value();
  }

private:
  std::latch in_{1};
  std::promise<void> out_;
  bool is_open_ = false;
};

/// A worker that offloads `f`, and says so before.
template <class F>
auto offloading(F f, std::latch& asks) {
  return [f = std::move(f), &asks](scene& w) -> task<> {
    auto call = w.offload(f);
    asks.count_down();
    co_await std::move(call);
  };
}

template <class F>
auto offloading(F f) {
  return [f = std::move(f)](scene& w) -> task<> {
    auto call = w.offload(f);
    co_await std::move(call);
  };
}

} // namespace

TEST_CASE("A6 calls of different workers share the threads") {
  std::atomic<int> calls = 0;
  block there;
  narrow_system sys;
  auto first = troupe::spawn<scene>(sys, {}, offloading(there.entered()));
  first.startup();
  there.await();
  std::vector<troupe::worker_ref<scene>> others;
  for (int i = 0; i < 10; ++i) {
    others.push_back(
      troupe::spawn<scene>(sys, {}, offloading([&calls] { ++calls; })));
    others.back().startup();
  }
  CHECK(calls == 0);
  there.open();
  for (auto& x : others)
    CHECK(x.wait_for_shutdown()->ok());
  CHECK(first.wait_for_shutdown()->ok());
  CHECK(calls == 10);
}

TEST_CASE("A6 a forced worker whose call waits is over at once") {
  std::atomic<int> calls = 0;
  block there;
  narrow_system sys;
  auto first = troupe::spawn<scene>(sys, {}, offloading(there.entered()));
  first.startup();
  there.await();
  auto second = troupe::spawn<scene>(sys, {.force_period = 1h},
                                     offloading([&calls] { ++calls; }));
  second.startup();
  second.force_stop();
  auto how = second.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK_FALSE(how->abandoned());
  there.open();
  CHECK(first.wait_for_shutdown()->ok());
  CHECK(calls == 0);
}

TEST_CASE("A6 a stop does not take back a call that waits: its token is set") {
  std::atomic<bool> stopped = false;
  block there;
  narrow_system sys;
  auto first = troupe::spawn<scene>(sys, {}, offloading(there.entered()));
  first.startup();
  there.await();
  std::latch told{1};
  auto second = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto call = w.offload(
      [&stopped](std::stop_token stop) { stopped = stop.stop_requested(); });
    auto until_told = [](scene& self, std::latch& out) -> task<> {
      co_await self.stop_requested();
      out.count_down();
    };
    auto both = w.when_all(std::move(call), until_told(w, told));
    co_await std::move(both);
  });
  second.startup();
  second.gracefully_stop();
  told.wait();
  CHECK_FALSE(second.outcome());
  there.open();
  CHECK(second.wait_for_shutdown()->ok());
  CHECK(stopped);
}

TEST_CASE("A6 a hundred calls for one thread, half of them cancelled") {
  std::atomic<int> calls = 0;
  block there;
  narrow_system sys;
  auto first = troupe::spawn<scene>(sys, {}, offloading(there.entered()));
  first.startup();
  there.await();
  std::vector<troupe::worker_ref<scene>> all;
  std::latch asking{100};
  for (int i = 0; i < 100; ++i) {
    all.push_back(
      troupe::spawn<scene>(sys, {}, offloading([&calls] { ++calls; }, asking)));
    all.back().startup();
  }
  asking.wait();
  for (std::size_t i = 0; i < all.size(); i += 2)
    all[i].force_stop();
  for (std::size_t i = 0; i < all.size(); i += 2)
    CHECK(all[i].wait_for_shutdown()->kind() == outcome_kind::forced);
  there.open();
  for (std::size_t i = 1; i < all.size(); i += 2)
    CHECK(all[i].wait_for_shutdown()->ok());
  CHECK(first.wait_for_shutdown()->ok());
  CHECK(calls == 50);
}

TEST_CASE("A6 call_later does not wait behind offloaded calls") {
  std::promise<void> called;
  block there;
  narrow_system sys;
  auto first = troupe::spawn<scene>(sys, {}, offloading(there.entered()));
  first.startup();
  there.await();
  auto second = troupe::spawn<scene>(sys, {}, offloading([] {}));
  second.startup();
  troupe::call_later(sys, 0s, [&called] { called.set_value(); });
  called.get_future().wait();
  CHECK_FALSE(second.outcome());
  there.open();
  CHECK(second.wait_for_shutdown()->ok());
}

TEST_CASE("A6 a call with a thread of its own waits for nobody") {
  std::atomic<bool> done = false;
  block there;
  narrow_system sys;
  auto first = troupe::spawn<scene>(sys, {}, offloading(there.entered()));
  first.startup();
  there.await();
  auto second = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto call = w.offload([&] { done = true; }, troupe::thread_use::own);
    co_await std::move(call);
  });
  second.startup();
  CHECK(second.wait_for_shutdown()->ok());
  CHECK(done);
  there.open();
}

TEST_CASE("L17 the thread of an abandoned call is not missed") {
  block there;
  narrow_system sys;
  auto stuck
    = troupe::spawn<scene>(sys,
                           {.stopping_grace_period = 0s, .force_period = 1ms},
                           [&](scene& w) -> task<> {
                             auto call = w.offload(there.entered());
                             co_await std::move(call);
                           });
  stuck.startup();
  there.await();
  std::atomic<int> calls = 0;
  std::vector<troupe::worker_ref<scene>> others;
  for (int i = 0; i < 3; ++i) {
    others.push_back(
      troupe::spawn<scene>(sys, {}, offloading([&calls] { ++calls; })));
    others.back().startup();
  }
  CHECK(stuck.shutdown()->abandoned());
  for (auto& x : others)
    CHECK(x.wait_for_shutdown()->ok());
  CHECK(calls == 3);
  there.open();
  while (stuck.actor() != nullptr)
    std::this_thread::yield();
  // The bound is what it was.
  auto last = troupe::spawn<scene>(sys, {}, offloading([&calls] { ++calls; }));
  last.startup();
  CHECK(last.wait_for_shutdown()->ok());
}

TEST_CASE("L17 a call that waits when its worker is abandoned is never made") {
  // The worker sits in one handler, while another one waits for a thread.
  class two_handed : public troupe::worker {
  public:
    two_handed(block& there, std::atomic<int>& calls, std::latch& asking)
      : there_(there), calls_(calls), asking_(asking) {
      // nop
    }

    task<> run() override {
      auto both = when_all(wait_for_thread(), sit());
      co_await std::move(both);
    }

  private:
    task<> wait_for_thread() {
      auto call = offload([this] { ++calls_; });
      co_await std::move(call);
    }

    task<> sit() {
      asking_.count_down();
      there_.entered()();
      co_return;
    }

    block& there_;
    std::atomic<int>& calls_;
    std::latch& asking_;
  };
  std::atomic<int> calls = 0;
  std::latch asking{1};
  block busy;
  block there;
  narrow_system sys;
  auto first = troupe::spawn<scene>(sys, {}, offloading(busy.entered()));
  first.startup();
  busy.await();
  auto stuck = troupe::spawn<two_handed>(
    sys, {.stopping_grace_period = 0s, .force_period = 1ms}, there, calls,
    asking);
  stuck.start();
  asking.wait();
  CHECK(stuck.shutdown()->abandoned());
  busy.open();
  CHECK(first.wait_for_shutdown()->ok());
  // It has had its turn, were there one to be had: here is the next.
  auto last = troupe::spawn<scene>(sys, {}, offloading([] {}));
  last.startup();
  CHECK(last.wait_for_shutdown()->ok());
  there.open();
  while (stuck.actor() != nullptr)
    std::this_thread::yield();
  CHECK(calls == 0);
}

TEST_CASE("A6 time does not jump while calls run, or wait for those that do") {
  narrow_config config;
  testing_system sys{config};
  auto begin = sys.now();
  std::atomic<int> calls = 0;
  // The first call is over only when the others wait behind it.
  std::latch asking{20};
  std::vector<troupe::worker_ref<scene>> all;
  for (int i = 0; i < 20; ++i)
    all.push_back(troupe::spawn<scene>(sys, {},
                                       offloading(
                                         [&] {
                                           asking.wait();
                                           ++calls;
                                         },
                                         asking)));
  for (auto& x : all)
    x.start();
  auto sleeper = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    const auto slept = co_await w.sleep_for(1h);
    CHECK(slept);
    CHECK(calls == 20);
  });
  sleeper.startup();
  CHECK(sleeper.wait_for_shutdown()->ok());
  CHECK(sys.now() - begin == 1h);
  for (auto& x : all)
    CHECK(x.wait_for_shutdown()->ok());
}

TEST_CASE("A6 a call that waits for a worker lets time go on, whoever waits "
          "behind it") {
  narrow_config config;
  // It does not end by the patience for threads that are stuck.
  testing_system sys{config, {.patience = 1h}};
  auto begin = sys.now();
  auto sleeper = troupe::spawn<scene>(sys, {}, [](scene& w) -> task<> {
    static_cast<void>(co_await w.sleep_for(1h));
  });
  sleeper.startup();
  auto waits = troupe::spawn<scene>(sys, {}, offloading([sleeper] {
                                      sleeper.wait_for_shutdown();
                                    }));
  waits.startup();
  auto behind = troupe::spawn<scene>(sys, {}, offloading([] {}));
  behind.startup();
  CHECK(behind.wait_for_shutdown()->ok());
  CHECK(waits.wait_for_shutdown()->ok());
  CHECK(sys.now() - begin == 1h);
}

TEST_CASE("A6 the threads of a test's system are given up as well") {
  narrow_config config;
  block there;
  testing_system sys{config, {.patience = 0s}};
  auto stuck = troupe::spawn<scene>(sys, {}, offloading(there.entered()));
  stuck.startup();
  there.await();
  auto second = troupe::spawn<scene>(sys, {}, offloading([] {}));
  second.startup();
  CHECK(stuck.shutdown()->abandoned());
  sys.patience(10s);
  CHECK(second.wait_for_shutdown()->ok());
  there.open();
  sys.run();
}
