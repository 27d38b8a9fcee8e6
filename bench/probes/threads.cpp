// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "probes/probes.hpp"

#include <condition_variable>
#include <cstddef>
#include <latch>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace troupe::bench {

/// A thread for each worker, which waits until it is to stop: what people do
/// without actors.
figures thread_workers(std::size_t size) {
  std::vector<std::jthread> threads;
  threads.reserve(size);
  std::mutex mtx;
  std::condition_variable_any never;
  std::latch ready{static_cast<std::ptrdiff_t>(size)};
  const auto before = resident_bytes();
  auto start = stopwatch::now();
  for (std::size_t i = 0; i < size; ++i)
    threads.emplace_back([&](const std::stop_token& stop) {
      ready.count_down();
      std::unique_lock guard{mtx};
      never.wait(guard, stop, [] { return false; });
    });
  ready.wait();
  const auto started = nanos_since(start);
  const auto bytes = resident_bytes() - before;
  start = stopwatch::now();
  for (auto& x : threads)
    x.request_stop();
  threads.clear();
  return for_each(size, started, bytes, nanos_since(start));
}

} // namespace troupe::bench
