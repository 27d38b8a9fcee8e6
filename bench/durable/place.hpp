// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "report.hpp"
#include "stopwatch.hpp"

#include <cstddef>
#include <latch>
#include <string>
#include <thread>
#include <utility>
#include <vector>

/// Shared by the probes of durable jobs. The argument of a probe is the number
/// of jobs, so two environment variables say the rest:
///
/// - `TROUPE_BENCH_STORE`: the file of SQLite's, or the URL of PostgreSQL's.
/// - `TROUPE_BENCH_IN_HAND`: how many jobs are in hand at once; default: 1.
namespace troupe::bench {

/// The store of the probe, as somebody else has left it.
/// @throws std::runtime_error if there is none.
[[nodiscard]] std::string store_of_probe();

/// The store of the probe, empty: a file that is not there, or a database
/// without tables.
/// @throws std::runtime_error if there is none.
[[nodiscard]] std::string empty_store_of_probe();

/// How many jobs are in hand at once.
[[nodiscard]] std::size_t in_hand_of_probe();

/// Calls something so often in each of so many threads.
/// @param begin Makes what a thread calls, on that thread.
/// @returns calls per second, of all threads together.
template <class F>
double rate_of_threads(std::size_t threads, std::size_t each, F begin) {
  std::latch ready{static_cast<std::ptrdiff_t>(threads) + 1};
  std::vector<std::jthread> all;
  all.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i)
    all.emplace_back([&] {
      auto call = begin();
      ready.arrive_and_wait();
      for (std::size_t n = 0; n < each; ++n)
        call();
    });
  ready.arrive_and_wait();
  const auto start = stopwatch::now();
  all.clear();
  return static_cast<double>(threads * each) / (nanos_since(start) / 1e9);
}

/// @returns the time of one call, in nanoseconds, the median of so many.
template <class F>
double median_time(std::size_t times, F call) {
  std::vector<double> all;
  all.reserve(times);
  for (std::size_t i = 0; i < times; ++i) {
    const auto start = stopwatch::now();
    call();
    all.push_back(nanos_since(start));
  }
  return median(std::move(all));
}

} // namespace troupe::bench
