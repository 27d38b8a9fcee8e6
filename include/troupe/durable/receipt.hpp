// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/durable/options.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace troupe::durable {

/// The number of a job in its store. Never used again.
using job_id = std::int64_t;

/// The result of `put`.
struct receipt {
  /// The number of the job, unique in its store.
  job_id id = 0;

  /// Whether a job with the same unique key was there already: `id` is its id,
  /// and nothing was written. (J11)
  bool existed = false;

  friend bool operator==(const receipt&, const receipt&) = default;
};

/// Where the jobs of a queue are, at one moment:
/// `waiting + running + buried + done + purged == put`. (J17)
struct queue_totals {
  /// How many were ever put.
  std::uint64_t put = 0;
  /// Those whose time has not come are among them.
  std::uint64_t waiting = 0;
  /// Those that some worker has in hand.
  std::uint64_t running = 0;
  /// Those that have failed too often.
  std::uint64_t buried = 0;
  /// How many were ever done.
  std::uint64_t done = 0;
  /// Deleted by a person.
  std::uint64_t purged = 0;

  friend bool operator==(const queue_totals&, const queue_totals&) = default;
};

/// Where a job is.
enum class job_place : std::uint8_t { waiting, running, buried, done };

/// A job as a person sees it.
struct job_record {
  /// The number of the job, unique in its store.
  job_id id = 0;
  /// The name of its queue.
  std::string queue;
  /// The type of its payload.
  std::string type;
  /// JSON.
  std::string payload;
  /// Where it is.
  job_place place = job_place::waiting;
  /// When it may begin.
  wall_time run_at;
  /// When it was put.
  wall_time put_at;
  /// The higher one goes first.
  int priority = 0;
  /// The key that no other waiting or running job of the queue has; or empty.
  std::string unique;
  /// The number of its last claim; zero if it was never claimed.
  std::int64_t claim = 0;
  /// How often its handler has failed.
  int failures = 0;
  /// How often the process that had it in hand has gone.
  int crashes = 0;
  /// The last error.
  std::string error;
};

/// Which jobs to list: those with the smallest ids first.
struct job_filter {
  /// Empty: of all queues.
  std::string queue = {};
  /// None: wherever they are.
  std::optional<job_place> place = {};
  /// Only larger ids, so that a list can be read on.
  job_id after = 0;
  /// How many to list.
  std::size_t at_most = 100;
};

} // namespace troupe::durable
