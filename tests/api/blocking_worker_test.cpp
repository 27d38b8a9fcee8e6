// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/blocking_worker.hpp"

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"

#include "troupe/ask.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/shutdown_all.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

using support::journal;
using support::lines;
using troupe::errc;
using troupe::outcome_kind;
using troupe::worker_phase;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

/// Blocks until the token is set.
void wait_for_stop(const std::stop_token& stop) {
  std::mutex mtx;
  std::condition_variable_any signal;
  std::unique_lock guard{mtx};
  signal.wait(guard, stop, [] { return false; });
}

/// As the first base of a class, tells when its object is gone, all of it.
class last_word {
public:
  explicit last_word(std::binary_semaphore* gone) : gone_(gone) {
    // nop
  }

  ~last_word() {
    if (gone_ != nullptr)
      gone_->release();
  }

  last_word(const last_word&) = delete;
  last_word& operator=(const last_word&) = delete;

private:
  std::binary_semaphore* gone_;
};

/// A blocking worker that does what the test says, and notes down its hooks.
class thread_worker : private last_word, public troupe::blocking_worker {
public:
  using body = std::function<void(thread_worker&, std::stop_token)>;

  thread_worker(journal& log, body what, std::binary_semaphore* gone = nullptr)
    : last_word(gone), log_(log), what_(std::move(what)) {
    // nop
  }

  using blocking_worker::ready;
  using blocking_worker::sleep_for;

  troupe::task<> on_startup() override {
    log_.note("on_startup");
    co_return;
  }

  void run(std::stop_token stop) override {
    log_.note("run");
    what_(*this, std::move(stop));
    log_.note("run returns");
  }

  troupe::task<> on_shutdown() override {
    log_.note("on_shutdown");
    co_return;
  }

  void after_shutdown(const troupe::outcome&) override {
    log_.note("after_shutdown");
  }

  troupe::message_handlers handlers() override {
    return {[](int32_t x) { return x + 1; }};
  }

private:
  journal& log_;
  body what_;
};

void until_stop(thread_worker&, std::stop_token stop) {
  wait_for_stop(stop);
}

const lines whole_life{"on_startup", "run", "run returns", "on_shutdown",
                       "after_shutdown"};

} // namespace

TEST_CASE("L12 a stop sets the token, and run() returns") {
  journal log;
  support::real_system sys;
  auto ref = troupe::spawn<thread_worker>(sys, {}, log, until_stop);
  CHECK_FALSE(ref.startup());
  CHECK(ref.state() == worker_state::running);
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(how->ok());
  CHECK(log.lines() == whole_life);
}

TEST_CASE("L13 a blocking worker may end by itself") {
  journal log;
  // What a thread sees is looked at here: Catch2 knows one thread.
  std::atomic<bool> as_expected = false;
  support::real_system sys;
  auto ref = troupe::spawn<thread_worker>(
    sys, {}, log, [&](thread_worker& self, std::stop_token stop) {
      as_expected = !stop.stop_requested() && self.is_running()
                    && self.name() == "thread_worker";
    });
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(as_expected);
  CHECK(log.lines() == whole_life);
}

TEST_CASE("L14 what a blocking worker throws fails it") {
  journal log;
  support::real_system sys;
  auto ref = troupe::spawn<thread_worker>(
    sys, {}, log, [](thread_worker&, std::stop_token) {
      throw std::runtime_error{"no device"};
    });
  ref.startup();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::failed);
  CHECK(how->reason() == errc::worker_failed);
  CHECK_THROWS_AS(how->rethrow(), std::runtime_error);
  CHECK(log.lines()
        == lines{"on_startup", "run", "on_shutdown", "after_shutdown"});
}

TEST_CASE("L4 run() has a thread of its own, and keeps none from others") {
  journal log;
  std::thread::id there;
  std::latch here{4};
  // More of them than there are threads for actors and for offloaded calls.
  support::real_system sys{[](support::real_config& config) {
    config.set("caf.scheduler.max-threads", std::size_t{1});
    config.set("troupe.offload-threads", int64_t{1});
  }};
  std::vector<troupe::worker_ref<thread_worker>> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(troupe::spawn<thread_worker>(
      sys, {}, log, [&here](thread_worker&, std::stop_token stop) {
        here.arrive_and_wait();
        wait_for_stop(stop);
      }));
    all.back().startup();
  }
  here.wait();
  // And the actor goes on serving.
  for (auto& x : all)
    CHECK(*troupe::ask<int32_t>(x, 10s, int32_t{1}) == 2);
  CHECK(troupe::shutdown_all(sys, 10s).empty());
  for (auto& x : all)
    CHECK(x.outcome()->ok());
}

TEST_CASE("L5 a blocking worker may say when it is ready") {
  journal log;
  std::binary_semaphore go{0};
  support::real_system sys;
  auto ref = troupe::spawn<thread_worker>(
    sys, {.readiness = troupe::readiness::explicit_ready}, log,
    [&go](thread_worker& self, std::stop_token stop) {
      go.acquire();
      self.ready();
      wait_for_stop(stop);
    });
  ref.start();
  CHECK(ref.phase() != worker_phase::ready);
  go.release();
  CHECK(ref.startup() == errc::already_started);
  CHECK(ref.shutdown()->kind() != outcome_kind::forced);
}

TEST_CASE("L9 a stop at any moment of the start reaches run()") {
  journal log;
  support::real_system sys;
  for (int i = 0; i < 200; ++i) {
    auto ref = troupe::spawn<thread_worker>(sys, {.stopping_grace_period = 5s},
                                            log, until_stop);
    if (i % 2 == 0)
      ref.startup();
    else
      ref.start();
    if (i % 3 == 0)
      std::this_thread::yield();
    ref.gracefully_stop();
    REQUIRE(ref.wait_for_shutdown()->ok());
  }
}

TEST_CASE("L16 a force at any moment of the start ends a blocking worker") {
  journal log;
  support::real_system sys;
  for (int i = 0; i < 200; ++i) {
    auto ref = troupe::spawn<thread_worker>(sys, {.force_period = 5s}, log,
                                            until_stop);
    if (i % 2 == 0)
      ref.startup();
    else
      ref.start();
    if (i % 3 == 0)
      std::this_thread::yield();
    ref.force_stop();
    auto how = ref.wait_for_shutdown();
    REQUIRE(how->kind() == outcome_kind::forced);
    REQUIRE_FALSE(how->abandoned());
  }
}

TEST_CASE("L16 a force sets the token, and on_shutdown() follows") {
  journal log;
  std::latch begun{1};
  support::real_system sys;
  auto ref = troupe::spawn<thread_worker>(sys, {.force_period = 1h}, log,
                                          [&begun](thread_worker&,
                                                   std::stop_token stop) {
                                            begun.count_down();
                                            wait_for_stop(stop);
                                          });
  ref.startup();
  begun.wait();
  ref.force_stop();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK_FALSE(how->abandoned());
  CHECK(log.lines() == whole_life);
}

TEST_CASE("L23 a kill sets the token, and no hook follows") {
  journal log;
  std::latch begun{1};
  support::real_system sys;
  auto ref = troupe::spawn<thread_worker>(sys, {.force_period = 1h}, log,
                                          [&begun](thread_worker&,
                                                   std::stop_token stop) {
                                            begun.count_down();
                                            wait_for_stop(stop);
                                          });
  ref.startup();
  begun.wait();
  caf::anon_send_exit(ref.actor(), caf::exit_reason::kill);
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::cancelled);
  CHECK_FALSE(log.has("on_shutdown"));
}

TEST_CASE("L17 a blocking worker that ignores its token is abandoned, and "
          "destroyed when it returns") {
  journal log;
  std::binary_semaphore gone{0};
  std::binary_semaphore go_on{0};
  std::latch begun{1};
  support::real_system sys;
  auto ref = troupe::spawn<thread_worker>(
    sys,
    {.stopping_grace_period = 1ms, .cleanup_period = 1ms, .force_period = 1ms},
    log,
    [&](thread_worker&, std::stop_token) {
      begun.count_down();
      go_on.acquire();
    },
    &gone);
  ref.startup();
  begun.wait();
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK(how->abandoned());
  CHECK(ref.phase() == worker_phase::abandoned);
  CHECK(ref.worker() == nullptr);
  CHECK(log.lines() == lines{"on_startup", "run"});
  go_on.release();
  gone.acquire();
  CHECK(log.lines() == lines{"on_startup", "run", "run returns"});
}

TEST_CASE("L17 a blocking worker is abandoned when every scheduler thread is "
          "stuck") {
  journal log;
  journal stuck_log;
  std::binary_semaphore gone{0};
  std::binary_semaphore way_out{0};
  std::latch sitting{1};
  std::latch begun{1};
  support::real_system sys{1};
  auto ref = troupe::spawn<thread_worker>(
    sys,
    {.stopping_grace_period = 1ms, .cleanup_period = 1ms, .force_period = 1ms},
    log,
    [&](thread_worker&, std::stop_token stop) {
      begun.count_down();
      wait_for_stop(stop);
    },
    &gone);
  ref.startup();
  begun.wait();
  support::script what;
  what.run = [&](support::scripted&) -> troupe::task<> {
    sitting.count_down();
    way_out.acquire();
    co_return;
  };
  auto stuck = support::spawn(sys, stuck_log, {}, what);
  stuck.start();
  sitting.wait();
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(how->abandoned());
  // Its actor gets to hear of it, and then so does run().
  way_out.release();
  gone.acquire();
  CHECK(log.lines() == lines{"on_startup", "run", "run returns"});
  CHECK(stuck.wait_for_shutdown()->ok());
}

TEST_CASE("S6 a blocking worker that fails is started again") {
  journal log;
  std::atomic<int> lives = 0;
  std::latch third{1};
  support::real_system sys;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<thread_worker>("device", {}, std::ref(log),
                          thread_worker::body{
                            [&](thread_worker&, std::stop_token stop) {
                              if (++lives < 3)
                                throw std::runtime_error{"no device"};
                              third.count_down();
                              wait_for_stop(stop);
                            }});
  troupe::scoped_supervisor tree{sys, std::move(spec)};
  third.wait();
  tree.shutdown();
  CHECK(lives == 3);
}

TEST_CASE("A1 a blocking sleep follows the clock, and a stop wakes it") {
  journal log;
  testing_system sys;
  std::atomic<int> rounds = 0;
  std::atomic<bool> stopped = false;
  std::atomic<bool> slept_again = true;
  auto ref = troupe::spawn<thread_worker>(
    sys, {}, log, [&](thread_worker& self, std::stop_token stop) {
      while (self.sleep_for(stop, 10min))
        ++rounds;
      stopped = stop.stop_requested();
      slept_again = self.sleep_for(stop, 10min); // not any more, at once
    });
  auto begin = sys.now();
  ref.startup();
  sys.advance(1h + 1min);
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(how->ok());
  CHECK(rounds == 6);
  CHECK(stopped);
  CHECK_FALSE(slept_again);
  CHECK(sys.now() - begin == 1h + 1min);
}

TEST_CASE("A1 a blocking sleep in real time") {
  journal log;
  std::latch once{1};
  support::real_system sys;
  std::atomic<bool> slept = false;
  std::atomic<bool> slept_for_ever = true;
  auto ref = troupe::spawn<thread_worker>(
    sys, {}, log, [&](thread_worker& self, std::stop_token stop) {
      slept = self.sleep_for(stop, 1ms);
      once.count_down();
      slept_for_ever = self.sleep_for(stop, troupe::infinite);
    });
  ref.startup();
  once.wait();
  CHECK(ref.shutdown()->ok());
  CHECK(slept);
  CHECK_FALSE(slept_for_ever);
}

TEST_CASE("L24 a blocking worker that is not started does not run") {
  journal log;
  std::binary_semaphore gone{0};
  support::real_system sys;
  {
    auto ref = troupe::spawn<thread_worker>(sys, {}, log, until_stop, &gone);
  }
  gone.acquire();
  CHECK(log.lines().empty());
}
