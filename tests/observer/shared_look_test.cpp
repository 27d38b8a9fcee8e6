// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/shared_look.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using troupe::tree_status;
using troupe::observing::shared_look;

namespace {

/// Looks that are numbered, and held up until the test lets them go.
struct scene {
  std::counting_semaphore<> begun{0};
  std::counting_semaphore<> may_end{0};
  std::atomic<int> looks{0};
  shared_look shared{[this] {
    const auto number = ++looks;
    begun.release();
    may_end.acquire();
    if (number == bad)
      throw std::runtime_error{"no"};
    std::vector<tree_status> result(1);
    result[0].self.path = std::to_string(number);
    return result;
  }};
  int bad = 0;

  std::string take() {
    return shared.take()->front().self.path;
  }

  void await_takers(std::size_t n) const {
    while (shared.takers() != n)
      std::this_thread::yield();
  }
};

} // namespace

TEST_CASE("S29 many that look at the same time share the look that begins "
          "after they have come") {
  scene it;
  std::atomic<int> late_ones{0};
  std::vector<std::jthread> threads;
  threads.emplace_back([&it] { CHECK(it.take() == "1"); });
  it.begun.acquire();
  for (int i = 0; i < 5; ++i)
    threads.emplace_back([&] {
      if (it.take() == "2")
        ++late_ones;
    });
  it.await_takers(6);
  it.may_end.release();
  it.begun.acquire();
  it.may_end.release();
  threads.clear();
  CHECK(late_ones == 5);
  CHECK(it.looks == 2);
  it.may_end.release();
  CHECK(it.take() == "3");
}

TEST_CASE("S29 a look that fails is that of one reader only") {
  scene it;
  it.bad = 1;
  std::atomic<bool> has_failed{false};
  std::vector<std::jthread> threads;
  threads.emplace_back([&] {
    try {
      it.take();
    } catch (const std::runtime_error&) {
      has_failed = true;
    }
  });
  it.begun.acquire();
  threads.emplace_back([&it] { CHECK(it.take() == "2"); });
  it.await_takers(2);
  it.may_end.release(2);
  threads.clear();
  CHECK(has_failed);
}
