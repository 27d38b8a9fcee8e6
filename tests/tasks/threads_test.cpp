// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Threads for code that blocks, and what is left of it when they are stopped.

#include "tasks/threads.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <latch>
#include <memory>
#include <thread>
#include <utility>

using troupe::detail::threads;

namespace {

/// Takes a while, as whatever a call owns may when it goes.
void dawdle() {
  for (int i = 0; i < 20'000; ++i)
    std::this_thread::yield();
}

} // namespace

TEST_CASE("L30 a call that has returned is put away before the threads stop") {
  threads all;
  std::latch returned{1};
  std::atomic<bool> gone = false;
  all.run(
    [&] {
      const auto mark = threads::has_returned();
      returned.count_down();
      dawdle();
      gone = true;
    },
    threads::at_stop::leave);
  returned.wait();
  all.stop();
  CHECK(gone);
}

TEST_CASE("L30 a call that has not returned keeps nobody waiting") {
  std::latch begun{1};
  std::latch go_on{1};
  std::latch over{1};
  {
    threads all;
    all.run(
      [&] {
        begun.count_down();
        go_on.wait();
        // Too late for anybody to wait.
        const auto mark = threads::has_returned();
        over.count_down();
      },
      threads::at_stop::leave);
    begun.wait();
    all.stop();
  }
  go_on.count_down();
  over.wait();
}

TEST_CASE("on another thread there is nobody to be told of a return") {
  auto mark = threads::has_returned();
  mark = threads::has_returned();
  const auto moved = std::move(mark);
}
