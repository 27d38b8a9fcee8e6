// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/stop_report.hpp"
#include "troupe/time.hpp"

#include <caf/fwd.hpp>

#include <chrono>

namespace troupe {

/// As `shutdown_all`, for a time in nanoseconds.
stop_report shutdown_all_within(caf::actor_system& sys, timespan deadline);

/// Stops all workers of an actor system that were started, gracefully, and
/// waits for their end; when a quarter of the time is left, those that still
/// run are forced, and those whose code does not return are abandoned before it
/// is over. Workers in `init` are left alone. Blocks its thread.
/// @param deadline Any `std::chrono` duration, for everything together.
/// @returns who had to be forced or abandoned, or is still there; a supervisor
///          only if nobody below it is.
/// @throws std::logic_error when called inside a troupe actor, or in a process
///         that came out of `fork()` when the actor system was there.
template <class Rep, class Period>
stop_report shutdown_all(caf::actor_system& sys,
                         std::chrono::duration<Rep, Period> deadline) {
  return shutdown_all_within(sys, to_timespan(deadline));
}

} // namespace troupe
