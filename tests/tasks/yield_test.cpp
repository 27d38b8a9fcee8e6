// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/yield.hpp"

#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <chrono>
#include <latch>
#include <string>

using namespace std::chrono_literals;
using support::scene;
using troupe::outcome_kind;
using troupe::task;
using testing_system = troupe::testing::system;

TEST_CASE("A10 yield lets other workers run, on a single thread too") {
  support::real_system sys{1};
  std::atomic<bool> flag = false;
  auto waiting = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    while (!flag)
      co_await w.yield();
  });
  auto setting = troupe::spawn<scene>(sys, {}, [&](scene&) -> task<> {
    flag = true;
    co_return;
  });
  waiting.startup();
  setting.startup();
  CHECK(waiting.wait_for_shutdown()->ok());
  CHECK(setting.wait_for_shutdown()->ok());
}

TEST_CASE("A10 yield lets the parts of one worker take turns") {
  testing_system sys;
  std::string log;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto part = [&](char x) -> task<> {
      for (int i = 0; i < 3; ++i) {
        log += x;
        co_await w.yield();
      }
    };
    auto both = w.when_all(part('a'), part('b'));
    co_await std::move(both);
  });
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(log == "ababab");
}

TEST_CASE("A10 a loop that yields sees the stop") {
  std::latch begun{1};
  support::real_system sys{1};
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    begun.count_down();
    while (w.is_running())
      co_await w.yield();
  });
  ref.startup();
  begun.wait();
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
}

TEST_CASE("A10 a loop that only yields can be forced") {
  std::latch begun{1};
  support::real_system sys{1};
  auto ref = troupe::spawn<scene>(
    sys, {.stopping_grace_period = 5ms, .force_period = troupe::infinite},
    [&](scene& w) -> task<> {
      begun.count_down();
      for (;;)
        co_await w.yield();
    });
  ref.startup();
  begun.wait();
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK_FALSE(how->abandoned());
}

TEST_CASE("A10 a million yields take no stack") {
  testing_system sys;
  int n = 0;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    for (; n < 1'000'000; ++n)
      co_await w.yield();
  });
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(n == 1'000'000);
}
