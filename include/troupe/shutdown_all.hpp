// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/lifecycle.hpp"
#include "troupe/time.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// A worker that did not stop in time, and what it was doing.
struct stop_blocker {
  std::string path;
  worker_state state = worker_state::init;
  worker_phase phase = worker_phase::created;
  /// Since it was asked to stop.
  timespan elapsed{0};
  /// Messages in its queue.
  std::uint64_t queued = 0;
  /// How many holds kept it.
  std::uint64_t holds = 0;
};

/// Renders one blocker in one line.
/// @relates stop_blocker
std::string to_string(const stop_blocker& x);

/// Who blocked a stop: empty when all went well.
using stop_report = std::vector<stop_blocker>;

/// @copydoc shutdown_all
stop_report shutdown_all_within(caf::actor_system& sys, timespan deadline);

/// Stops all workers of an actor system that were started, gracefully, and
/// waits for their end; when a quarter of the time is left, those that still
/// run are forced. Workers in `init` are left alone. Blocks its thread.
/// @param deadline Any `std::chrono` duration, for everything together.
/// @returns who had to be forced or abandoned, or is still there.
/// @throws std::logic_error when called inside a troupe actor.
template <class Rep, class Period>
stop_report shutdown_all(caf::actor_system& sys,
                         std::chrono::duration<Rep, Period> deadline) {
  return shutdown_all_within(sys, to_timespan(deadline));
}

} // namespace troupe
