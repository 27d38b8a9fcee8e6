// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <string>

namespace troupe {

/// An aggregate for designated initializers; the order of its members is part
/// of the interface.
struct metrics_options {
  /// How often what can only be counted by a look at all workers is brought up
  /// to date: how many there are in which phase, and what is queued. `infinite`
  /// for never: then only `prometheus_text` does it.
  option_time sampling_interval = std::chrono::seconds{10};
};

/// Has the workers counted in the registry of the actor system's metrics, so
/// that whatever exports CAF's metrics has them as well. From now on, until the
/// system goes; when somebody has called it before, it does nothing. While
/// nobody has, nothing is counted.
///
/// - `troupe.workers` (gauge, `phase`): workers in that phase
/// - `troupe.degraded` (gauge): those that say they are
/// - `troupe.queued` (gauge): messages that wait in queues
/// - `troupe.pending-timers` (gauge): timers of the clock
/// - `troupe.starts` (counter): lives that have begun
/// - `troupe.restarts` (counter): those of them that were not the first
/// - `troupe.ends` (counter, `kind`): how lives have ended
/// - `troupe.failures` (counter, `reason`): why, as the name of an `errc`, or
///   `other`
/// - `troupe.give-ups` (counter): supervisors and children that were given up
/// - `troupe.stalls` (counter): code that did not return within its watchdog
/// - `troupe.lost-claims` (counter): claims of durable jobs that were lost
/// - `troupe.dead-letters` (counter, `reason`): messages that nobody handles
/// - `troupe.missed-events` (counter): events that were not counted
/// - `troupe.start-duration` (histogram, seconds): until it was ready
/// - `troupe.stop-duration` (histogram, seconds): from the word to the end
/// - `troupe.handle-duration` (histogram, seconds): how long a message was in
///   hand, from `get_message` to the next one
///
/// If the program has stores of durable jobs, for each (label `store`) and each
/// of its queues (label `queue`):
///
/// - `troupe.job-store-up` (gauge): whether the store answers; while it does
///   not, or is closed, the other gauges are zero
/// - `troupe.jobs` (gauge, `place`): jobs that are `waiting`, `running`,
///   `buried`, in the store
/// - `troupe.oldest-job` (gauge, seconds): how long ago the first of the
/// waiting
///   jobs had its time; zero if none had
/// - `troupe.jobs-put`, `troupe.jobs-done`, `troupe.jobs-purged` (counters): in
///   the store, whichever process has done it
/// - `troupe.job-failures` (counter): handlers that have failed in this process
/// - `troupe.job-crashes` (counter, without `queue`): claims that this process
///   has ended because their owner was gone or did not renew them
///
/// Prometheus' text writes `troupe_restarts_total` for `troupe.restarts`.
///
/// @throws std::invalid_argument if the interval is not more than zero.
void export_metrics(caf::actor_system& sys, metrics_options options = {});

/// All metrics of an actor system, those of CAF and of the program included, in
/// Prometheus' text format, up to date. Without timestamps, so that a program
/// that has gone is seen to be gone; what names and labels hold is escaped. A
/// label whose name is taken, or is `le` in a histogram or `__name__`, has
/// `exported_` before it. Of two metrics of one name and of different types,
/// the first one is there; a histogram has the names that end with `_bucket`,
/// `_sum` and `_count` as well.
[[nodiscard]] std::string prometheus_text(caf::actor_system& sys);

} // namespace troupe
