// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/small_mutex.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include <pthread.h>
#include <sched.h>

using troupe::detail::small_mutex;

TEST_CASE("a small mutex takes four bytes") {
  STATIC_CHECK(sizeof(small_mutex) == 4);
}

TEST_CASE("one thread at a time holds a small mutex") {
  constexpr std::size_t num_threads = 4;
  constexpr std::size_t rounds = 5'000;
  small_mutex mtx;
  std::size_t count = 0; // ThreadSanitizer minds it as well
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < num_threads; ++i)
      threads.emplace_back([&] {
        for (std::size_t j = 0; j < rounds; ++j) {
          std::unique_lock guard{mtx};
          ++count;
        }
      });
  }
  CHECK(count == num_threads * rounds);
}

TEST_CASE("whoever has to wait for a small mutex gets it when it is free") {
  constexpr std::size_t num_threads = 3;
  small_mutex mtx;
  std::atomic<std::size_t> came{0};
  std::size_t had_it = 0;
  {
    std::unique_lock guard{mtx};
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < num_threads; ++i)
      threads.emplace_back([&] {
        ++came;
        std::unique_lock inner{mtx};
        ++had_it;
      });
    // So long that they fall asleep, which is not needed for them to get it.
    while (came < num_threads)
      std::this_thread::yield();
    for (std::size_t i = 0; i < 1'000; ++i)
      std::this_thread::yield();
    CHECK(had_it == 0);
    guard.unlock();
  }
  CHECK(had_it == num_threads);
}

TEST_CASE("a thread that waits for a small mutex gets it, however often others "
          "lock it") {
  // On one processor a thread that holds it nearly always is nearly always
  // interrupted while it holds it: without fairness the other one would find it
  // held each time that it has the processor.
  cpu_set_t before;
  REQUIRE(pthread_getaffinity_np(pthread_self(), sizeof(before), &before) == 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (auto i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &before)) {
      CPU_SET(i, &one);
      break;
    }
  REQUIRE(pthread_setaffinity_np(pthread_self(), sizeof(one), &one) == 0);
  constexpr std::size_t wanted = 50;
  small_mutex mtx;
  std::atomic<std::size_t> had_it{0};
  {
    std::jthread waiting{[&] {
      while (had_it < wanted) {
        std::unique_lock guard{mtx};
        ++had_it;
      }
    }};
    volatile std::size_t work = 0;
    while (had_it < wanted) {
      std::unique_lock guard{mtx};
      for (std::size_t i = 0; i < 10'000; ++i)
        work = work + i;
    }
  }
  CHECK(had_it == wanted);
  REQUIRE(pthread_setaffinity_np(pthread_self(), sizeof(before), &before) == 0);
}
