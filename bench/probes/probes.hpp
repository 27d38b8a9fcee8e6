// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "probe.hpp"
#include "stopwatch.hpp"
#include "troupe/child.hpp"
#include "troupe/supervisor_ref.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

/// The probes of this program: each is declared here and has a line in
/// probes.cpp. Times are in nanoseconds where their names do not say otherwise.
namespace troupe::bench {

// Start `size` idle workers, look at the memory, stop them: `start`, `bytes`
// and `stop`, for each.
figures asio_workers(std::size_t size);
[[nodiscard]] bool has_asio() noexcept;    // and its coroutines
figures careful_workers(std::size_t size); // raw CAF, as much by hand
figures raw_workers(std::size_t size);
figures thread_workers(std::size_t size);
figures troupe_workers(std::size_t size);

// `crash`: from a crash until the next life is ready, median of `size`.
figures troupe_crash(std::size_t size);

// From the request to stop until stopped, in a sleep (`stop`), and a message
// there and back (`round_trip`): from a plain thread, median of `size`.
figures raw_round_trip(std::size_t size);
figures troupe_stop(std::size_t size);

// The processor time of an actor system with one idle actor in 5 s:
// `idle_cpu_seconds`. CAF's threads look for work now and then.
figures raw_idle(std::size_t size);

// Start `size` workers that sleep, wait 5 s, and stop them: `work_seconds`,
// `idle_cpu_seconds` and `bytes` for each.
figures troupe_sleepers(std::size_t size);

// A child that crashes as soon as it runs, `size` times: `restart`, for each.
figures troupe_restarts(std::size_t size);

// `size` messages into 1,000 queues, from one thread: `rate`, messages a second
// until the last is taken out, and `peak`, by how much the memory grew, in MB.
figures raw_burst(std::size_t size);
figures troupe_burst(std::size_t size);

// `size` timers of an hour: `arm`, for each, and then `pair`, one more armed
// and cancelled.
figures raw_timers(std::size_t size);
figures troupe_timers(std::size_t size);

// The hot paths, see scripts/instructions. They find nothing out themselves.
figures path_ask(std::size_t size);
figures path_restart(std::size_t size);
figures path_send(std::size_t size);
figures path_sleep(std::size_t size);
figures path_start(std::size_t size);
figures path_start_stop(std::size_t size);

// `size` lines by TCP, through parsers, into a file of SQLite's: `rate`, lines
// a second until the last one is there.
figures hand_log_service(std::size_t size);
figures troupe_log_service(std::size_t size);

// Durable jobs, see durable/place.hpp. `size` jobs whose handler does nothing:
// `rate`, jobs a second until the end of the last one is in the store.
figures hand_jobs_in_sqlite(std::size_t size);
figures troupe_jobs(std::size_t size);
figures troupe_jobs_today(std::size_t size); // 50 times as many for tomorrow

// One job put by itself, median of `size` (`put`), and jobs a second put by
// eight threads, `size` by each (`rate`).
figures hand_puts_in_postgres(std::size_t size);
figures hand_puts_in_sqlite(std::size_t size);
figures troupe_puts(std::size_t size);

// `begun`: from the call of `put` until an idle worker begins with the job,
// median of `size`.
figures hand_begun_in_postgres(std::size_t size);
figures troupe_begun(std::size_t size);

// `takeover`: from the kill of a process that has a job until another one
// begins with it, median of `size`.
figures troupe_takeover(std::size_t size);

// `idle_cpu_seconds`: the processor time of `size` workers of an empty store
// in 5 s.
figures troupe_idle_store(std::size_t size);

// -- what they share -----------------------------------------------------------

/// What was measured of `size` workers.
[[nodiscard]] inline figures for_each(std::size_t size, double start_ns,
                                      double bytes, double stop_ns) {
  const auto n = static_cast<double>(size);
  return {{"start", start_ns / n}, {"bytes", bytes / n}, {"stop", stop_ns / n}};
}

/// Starts `size` children, and waits until they are ready.
template <class W>
void start_children(const supervisor_ref& tree, std::size_t size) {
  std::vector<child_call> calls;
  calls.reserve(size);
  for (std::size_t i = 0; i < size; ++i)
    calls.push_back(tree.start_child(child<W>(std::to_string(i), {})));
  for (const auto& x : calls)
    if (auto result = x.get(); !result)
      throw std::runtime_error{to_string(result.error)};
}

/// What a crowd of children costs as a whole, in nanoseconds and bytes.
struct crowd_costs {
  double start = 0;
  double bytes = 0;
  double stop = 0;
};

/// Starts `size` children, calls `meanwhile`, and stops them.
template <class W, class F>
[[nodiscard]] crowd_costs measure_crowd(std::size_t size, F meanwhile) {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  auto tree = spawn(sys, supervisor_spec{.name = "crowd",
                                         .strategy = strategy::dynamic});
  if (auto err = tree.startup())
    throw std::runtime_error{to_string(err)};
  crowd_costs result;
  const auto before = resident_bytes();
  auto start = stopwatch::now();
  start_children<W>(tree, size);
  result.start = nanos_since(start);
  result.bytes = resident_bytes() - before;
  meanwhile();
  start = stopwatch::now();
  tree.shutdown();
  result.stop = nanos_since(start);
  return result;
}

} // namespace troupe::bench
