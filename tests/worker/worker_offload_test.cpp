// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Offloaded calls as a worker sees them; offload_test.cpp has the rest.

#include "troupe/offload.hpp"

#include "support/leaks.hpp"
#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using support::real_system;
using support::scene;
using troupe::outcome_kind;
using troupe::task;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

/// Blocks until the token is set.
void wait_for_stop(std::stop_token stop) {
  std::mutex mtx;
  std::condition_variable_any signal;
  std::unique_lock guard{mtx};
  signal.wait(guard, stop, [] { return false; });
}

/// Sets a flag when it is destroyed: a variable of a coroutine.
struct mark {
  std::atomic<bool>& flag;

  explicit mark(std::atomic<bool>& x) : flag(x) {
    // nop
  }

  mark(const mark&) = delete;

  mark& operator=(const mark&) = delete;

  ~mark() {
    flag = true;
  }
};

} // namespace

TEST_CASE("A6 an offloaded function runs on a thread of its own") {
  real_system sys;
  std::thread::id here;
  std::thread::id there;
  std::string got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    here = std::this_thread::get_id();
    auto f = [&there, text = std::string{"a text that has memory of its own"}] {
      there = std::this_thread::get_id();
      return text + text;
    };
    got = co_await w.offload(std::move(f));
  });
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(here != there);
  CHECK(got
        == "a text that has memory of its owna text that has memory of its "
           "own");
}

TEST_CASE("A6 what an offloaded function throws fails the worker") {
  testing_system sys;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto f = [] { throw std::runtime_error("no such file"); };
    co_await w.offload(std::move(f));
  });
  ref.startup();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::failed);
  CHECK_THROWS_AS(how->rethrow(), std::runtime_error);
}

TEST_CASE("A6 a stop sets the token of the call, and run() gets its result") {
  std::latch begun{1};
  real_system sys;
  std::string got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto f = [&](std::stop_token stop) {
      begun.count_down();
      wait_for_stop(stop);
      return std::string{"the part that was done when the stop came"};
    };
    got = co_await w.offload(std::move(f));
  });
  ref.startup();
  begun.wait();
  CHECK(ref.state() == worker_state::running);
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == "the part that was done when the stop came");
}

TEST_CASE("A6 a call that begins after the stop finds its token set") {
  testing_system sys;
  bool stopped = false;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    co_await w.stop_requested();
    auto f = [](std::stop_token stop) { return stop.stop_requested(); };
    stopped = co_await w.offload(std::move(f));
  });
  ref.startup();
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(stopped);
}

TEST_CASE(
  "A6 a stop that comes when run() is about to begin reaches its calls") {
  real_system sys;
  for (int i = 0; i < 300; ++i) {
    auto ref = troupe::spawn<scene>(sys, {.stopping_grace_period = 5s},
                                    [&](scene& w) -> task<> {
                                      co_await w.offload(wait_for_stop);
                                    });
    ref.startup();
    ref.gracefully_stop();
    REQUIRE(ref.wait_for_shutdown()->ok());
  }
}

TEST_CASE("A6 the calls of on_shutdown() are not told to stop") {
  testing_system sys;
  std::optional<bool> stopped;
  auto ref = troupe::spawn<scene>(
    sys, {}, [](scene& w) -> task<> { co_await w.stop_requested(); },
    [&](scene& w) -> task<> {
      auto f = [](std::stop_token stop) { return stop.stop_requested(); };
      stopped = co_await w.offload(std::move(f));
    });
  ref.startup();
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(stopped == false);
}

TEST_CASE("A6 a stop does not interrupt a function without a token") {
  std::latch begun{1};
  std::promise<int> result;
  real_system sys;
  int got = 0;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto f = [&] {
      begun.count_down();
      return result.get_future().get();
    };
    got = co_await w.offload(std::move(f));
  });
  ref.startup();
  begun.wait();
  ref.gracefully_stop();
  CHECK(ref.state() == worker_state::stopping);
  result.set_value(42);
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == 42);
}

TEST_CASE("A6 a stop sets the tokens of all calls, those of handlers too") {
  class busy : public troupe::worker {
  public:
    explicit busy(std::latch& begun) : begun_(begun) {
      // nop
    }

    troupe::message_handlers handlers() override {
      return {
        [this](int32_t x) -> task<int32_t> {
          auto f = [this](std::stop_token stop) {
            begun_.count_down();
            wait_for_stop(stop);
          };
          co_await offload(std::move(f));
          co_return x;
        },
      };
    }

    task<> run() override {
      auto f = [this](std::stop_token stop) {
        begun_.count_down();
        wait_for_stop(stop);
      };
      auto g = f;
      auto both = when_all(offload(std::move(f)), offload(std::move(g)));
      co_await std::move(both);
    }

  private:
    std::latch& begun_;
  };
  std::latch begun{3};
  real_system sys;
  auto ref = troupe::spawn<busy>(sys, {}, begun);
  ref.startup();
  std::optional<int32_t> answer;
  auto asking = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto x = co_await w.ask<int32_t>(ref, 10s, int32_t{3});
    if (x)
      answer = *x;
  });
  asking.startup();
  begun.wait();
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(asking.wait_for_shutdown()->ok());
  CHECK(answer == 3);
}

TEST_CASE("A6 after a force, frame and object live until the call is back") {
  std::latch begun{1};
  std::latch told{1};
  std::promise<void> go_on;
  real_system sys;
  std::atomic<bool> frame_gone = false;
  std::atomic<bool> gone_too_early = false;
  bool resumed = false;
  bool shut_down = false;
  auto ref = troupe::spawn<scene>(
    sys, {.force_period = troupe::infinite},
    [&](scene& w) -> task<> {
      mark m{frame_gone};
      std::string local = "which the function may use, since it is joined";
      auto f = [&](std::stop_token stop) {
        begun.count_down();
        wait_for_stop(stop);
        told.count_down();
        go_on.get_future().wait();
        gone_too_early = frame_gone || local.size() != 46;
      };
      co_await w.offload(std::move(f));
      resumed = true;
    },
    [&](scene&) -> task<> {
      shut_down = true;
      co_return;
    });
  ref.startup();
  begun.wait();
  ref.force_stop();
  told.wait();
  CHECK_FALSE(frame_gone);
  CHECK_FALSE(ref.outcome());
  CHECK(ref.worker() == nullptr);
  go_on.set_value();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK_FALSE(how->abandoned());
  CHECK(frame_gone);
  CHECK_FALSE(gone_too_early);
  CHECK_FALSE(resumed);
  CHECK(shut_down);
}

TEST_CASE("A6 a stop lets a call go on that takes the second token, a force "
          "ends it") {
  std::latch begun{1};
  std::latch told{1};
  real_system sys;
  bool forced_by_stop = true;
  bool resumed = false;
  auto ref = troupe::spawn<scene>(
    sys, {.stopping_grace_period = troupe::infinite}, [&](scene& w) -> task<> {
      auto f = [&](std::stop_token stop, std::stop_token force) {
        begun.count_down();
        wait_for_stop(stop);
        forced_by_stop = force.stop_requested();
        told.count_down();
        wait_for_stop(force);
      };
      co_await w.offload(std::move(f));
      resumed = true;
    });
  ref.startup();
  begun.wait();
  ref.gracefully_stop();
  told.wait();
  CHECK_FALSE(forced_by_stop);
  CHECK_FALSE(ref.outcome());
  ref.force_stop();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK_FALSE(how->abandoned());
  CHECK_FALSE(resumed);
}

TEST_CASE("A6 a force without a stop sets both tokens") {
  std::latch begun{1};
  real_system sys;
  bool stopped = false;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto f = [&](std::stop_token stop, std::stop_token force) {
      begun.count_down();
      wait_for_stop(force);
      stopped = stop.stop_requested();
    };
    co_await w.offload(std::move(f));
  });
  ref.startup();
  begun.wait();
  ref.force_stop();
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::forced);
  CHECK(stopped);
}

TEST_CASE("A6 the grace period forces a worker whose call does not return") {
  testing_system sys;
  std::promise<void> go_on;
  auto begin = sys.now();
  auto ref = troupe::spawn<scene>(
    sys, {.stopping_grace_period = 3s}, [&](scene& w) -> task<> {
      auto f = [](std::stop_token stop) { wait_for_stop(stop); };
      co_await w.offload(std::move(f));
      // The call has honoured the stop; this does not.
      for (;;)
        co_await w.sleep_for(1h);
    });
  ref.startup();
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK(sys.now() - begin == 3s);
}

TEST_CASE("L17 a worker is abandoned whose call does not return, and destroyed "
          "when it does") {
  class stuck : public troupe::worker {
  public:
    stuck(std::latch& begun, std::shared_future<void> go_on,
          std::promise<void>& gone, std::atomic<int>& hooks)
      : begun_(begun), go_on_(std::move(go_on)), gone_(gone), hooks_(hooks) {
      // nop
    }

    ~stuck() override {
      gone_.set_value();
    }

    task<> run() override {
      auto f = [this] {
        begun_.count_down();
        go_on_.wait();
      };
      co_await offload(std::move(f));
      ++hooks_;
    }

    task<> on_shutdown() override {
      ++hooks_;
      co_return;
    }

    void after_shutdown(const troupe::outcome&) override {
      ++hooks_;
    }

  private:
    std::latch& begun_;
    std::shared_future<void> go_on_;
    std::promise<void>& gone_;
    std::atomic<int>& hooks_;
  };
  std::latch begun{1};
  std::promise<void> go_on;
  std::promise<void> gone;
  std::atomic<int> hooks = 0;
  real_system sys;
  auto ref
    = troupe::spawn<stuck>(sys,
                           {.stopping_grace_period = 0s, .force_period = 1ms},
                           begun, go_on.get_future().share(), gone, hooks);
  ref.startup();
  begun.wait();
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK(how->code() == 1);
  CHECK(how->abandoned());
  CHECK(how->reason() == troupe::errc::abandoned);
  CHECK(ref.state() == worker_state::force_stopped);
  CHECK(ref.phase() == troupe::worker_phase::abandoned);
  CHECK(ref.worker() == nullptr);
  go_on.set_value();
  // The handle lives on, the object does not.
  gone.get_future().wait();
  while (ref.actor() != nullptr)
    std::this_thread::yield();
  CHECK(ref.worker() == nullptr);
  CHECK(ref.outcome()->abandoned());
  CHECK(hooks == 0);
}

TEST_CASE("L17 an abandoned call may return after its actor system is gone") {
  std::latch begun{1};
  std::promise<void> go_on;
  auto back = std::make_shared<std::promise<void>>();
  troupe::worker_ref<scene> ref;
  {
    real_system sys;
    // Nothing can take the worker apart once its actor system is gone.
    support::leaks_allowed here;
    ref
      = troupe::spawn<scene>(sys,
                             {.stopping_grace_period = 0s, .force_period = 1ms},
                             [&](scene& w) -> task<> {
                               auto f = [&, back] {
                                 begun.count_down();
                                 go_on.get_future().wait();
                                 back->set_value();
                               };
                               co_await w.offload(std::move(f));
                             });
    ref.startup();
    begun.wait();
    CHECK(ref.shutdown()->abandoned());
  }
  go_on.set_value();
  back->get_future().wait();
  CHECK(ref.state() == worker_state::force_stopped);
}
