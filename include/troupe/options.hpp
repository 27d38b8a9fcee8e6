// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

/// When a started worker counts as ready.
enum class readiness : std::uint8_t {
  /// As soon as `on_startup()` has finished.
  automatic,
  /// When `run()` has called `ready()`.
  explicit_ready,
};

/// What becomes of queued messages when a worker is asked to stop.
enum class on_stop : std::uint8_t {
  /// They become dead letters, reason `discarded`.
  discard,
  /// The worker goes on until the queue is empty or its grace period is over.
  drain,
};

/// What the failure of a linked child means to its parent.
enum class on_failure : std::uint8_t {
  /// It fails the parent as well.
  fail_parent,
  /// The parent goes on.
  ignore,
};

/// How the queue of a `queue_consumer` behaves.
struct queue_options {
  /// What becomes of queued messages at a stop.
  troupe::on_stop on_stop = troupe::on_stop::discard;
};

/// How a worker is to be run. An aggregate for designated initializers; the
/// order of its members is part of the interface.
///
/// Durations are those of `std::chrono` that become nanoseconds without loss:
/// whole numbers of nanoseconds or of anything coarser, such as `500ms`, `2s`
/// or `1h`. Fractions go through `to_timespan`: `to_timespan(0.5s)`. A negative
/// one is an error, named in the exception that `spawn` throws.
struct worker_options {
  /// What logs and reports call it; without it the name of its class in
  /// snake_case.
  std::string name = {};

  /// How long the worker may take to stop by itself before it is forced. Zero
  /// forces at once, `infinite` never does. Without it, the setting
  /// `troupe.stopping-grace-period`, else 10 s.
  std::optional<timespan> stopping_grace_period = {};

  /// How long the worker may take to become ready; expiry is a failed start.
  timespan start_timeout = infinite;

  /// When the worker counts as ready.
  troupe::readiness readiness = troupe::readiness::automatic;

  /// How its queue behaves, if it has one.
  queue_options queue = {};

  /// What its failure means to the worker that started it with `start<W>`.
  troupe::on_failure on_failure = troupe::on_failure::fail_parent;

  /// What `on_shutdown()` gets at least, also after a force. Without it, the
  /// setting `troupe.cleanup-period`, else 1 s.
  std::optional<timespan> cleanup_period = {};

  /// How long a forced worker may sit in code that does not return before it is
  /// no longer waited for. Without it, the setting `troupe.force-period`, else
  /// 1 s.
  std::optional<timespan> force_period = {};
};

} // namespace troupe
