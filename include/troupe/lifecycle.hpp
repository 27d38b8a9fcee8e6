// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/enum_names.hpp"

#include <cstdint>
#include <string>

namespace troupe {

/// The state of a worker, as users see and print it. `stopped` and
/// `force_stopped` are final for an incarnation.
enum class worker_state : std::uint8_t {
  /// Spawned; nothing runs yet, messages to a queue are kept.
  init,
  /// Started: `on_startup()` or `run()` is under way.
  running,
  /// A stop was asked for and the worker is still at it.
  stopping,
  /// Over, by itself or after a stop that it honoured.
  stopped,
  /// Over because somebody lost patience: its coroutine was destroyed, or it
  /// is no longer waited for.
  force_stopped,
  /// Of no worker: the answer of a handle that points to nobody.
  nobody,
};

/// @relates worker_state
constexpr detail::name_list<6> names_of(worker_state) noexcept {
  return {"init", "running", "stopping", "stopped", "force_stopped", "nobody"};
}

/// Where in its life a worker is: finer than `worker_state`, for reports.
enum class worker_phase : std::uint8_t {
  /// Spawned, not started.
  created,
  /// In `on_startup()`, or in `run()` before it called `ready()`.
  starting,
  /// In `run()`, doing its work.
  ready,
  /// In `run()`, asked to stop.
  draining,
  /// Past `run()`: joins its linked children, then runs `on_shutdown()`.
  cleaning_up,
  /// Waits for its next start (children of a supervisor only).
  backing_off,
  /// Over.
  done,
  /// Sits in code that does not return; nobody waits for it any longer.
  abandoned,
  /// Of no worker: the answer of a handle that points to nobody.
  nobody,
};

/// @relates worker_phase
constexpr detail::name_list<9> names_of(worker_phase) noexcept {
  return {"created",     "starting", "ready",     "draining", "cleaning_up",
          "backing_off", "done",     "abandoned", "nobody"};
}

/// Whether no event can change `x` any more.
[[nodiscard]] constexpr bool is_final(worker_state x) noexcept {
  return x == worker_state::stopped || x == worker_state::force_stopped;
}

} // namespace troupe
