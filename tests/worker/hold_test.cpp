// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/hold.hpp"

#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <future>
#include <thread>
#include <utility>

using namespace std::chrono_literals;
using support::scene;
using troupe::hold_token;
using troupe::outcome_kind;
using troupe::task;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

/// A worker that hands out a token and ends its `run()`.
auto holding(hold_token& out) {
  return [&out](scene& w) -> task<> {
    out = w.hold();
    co_return;
  };
}

} // namespace

TEST_CASE("A11 while a token lives, the end of run() is not the worker's end") {
  testing_system sys;
  hold_token token;
  auto ref = troupe::spawn<scene>(sys, {}, holding(token));
  ref.startup();
  sys.advance(24h);
  CHECK(ref.state() == worker_state::running);
  CHECK(ref.status().holds == 1);
  token.release();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.state() == worker_state::stopped);
  CHECK(ref.status().holds == 0);
}

TEST_CASE("A11 the last of several tokens counts, moved or not") {
  testing_system sys;
  hold_token first;
  hold_token second;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    first = w.hold();
    second = w.hold();
    co_return;
  });
  ref.startup();
  sys.run();
  CHECK(ref.status().holds == 2);
  hold_token moved = std::move(first);
  first.release(); // nothing is left in it
  CHECK(ref.status().holds == 2);
  second = std::move(moved); // lets go of its own
  sys.run();
  CHECK(ref.status().holds == 1);
  CHECK(ref.state() == worker_state::running);
  second = hold_token{};
  CHECK(ref.wait_for_shutdown()->ok());
}

TEST_CASE("A11 a stop waits for a token") {
  testing_system sys;
  hold_token token;
  auto ref = troupe::spawn<scene>(sys, {.stopping_grace_period = 10s},
                                  holding(token));
  ref.startup();
  ref.gracefully_stop();
  sys.advance(9s);
  CHECK(ref.state() == worker_state::stopping);
  token.release();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->ok());
  CHECK(how->duration() == 9s);
}

TEST_CASE("A11 a stop waits for a token up to the grace period") {
  testing_system sys;
  hold_token token;
  auto ref = troupe::spawn<scene>(sys, {.stopping_grace_period = 10s},
                                  holding(token));
  ref.startup();
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK(how->duration() == 10s);
  token.release();
  sys.run();
  CHECK(ref.state() == worker_state::force_stopped);
}

TEST_CASE("A11 a force does not care about tokens") {
  testing_system sys;
  hold_token token;
  auto ref = troupe::spawn<scene>(sys, {}, holding(token));
  ref.startup();
  auto begin = sys.now();
  ref.force_stop();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK(sys.now() == begin);
}

TEST_CASE("A11 a token in run()'s frame is released with it") {
  testing_system sys;
  auto ref = troupe::spawn<scene>(sys, {}, [](scene& w) -> task<> {
    auto token = w.hold();
    co_await w.stop_requested();
  });
  ref.startup();
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.status().holds == 0);
}

TEST_CASE("A11 a token may be dropped by any thread") {
  support::real_system sys;
  for (int round = 0; round < 50; ++round) {
    std::promise<hold_token> out;
    auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
      out.set_value(w.hold());
      co_return;
    });
    ref.startup();
    // The stop and the end of the token come from two threads at once.
    std::thread dropping{
      [token = out.get_future().get()]() mutable { token.release(); }};
    ref.gracefully_stop();
    auto how = ref.wait_for_shutdown();
    dropping.join();
    REQUIRE(how);
    CHECK(how->ok());
  }
}

TEST_CASE("A11 a token outlives its worker, its handle and its actor system") {
  hold_token token;
  {
    testing_system sys;
    auto ref = troupe::spawn<scene>(sys, {}, holding(token));
    ref.startup();
    ref.force_stop();
    ref.wait_for_shutdown();
  }
  token.release();
  CHECK(true);
}
