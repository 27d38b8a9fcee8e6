// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

/// The part of CAF that a driver needs and that differs between its versions.
/// `scheduler_0_18.cpp` and `scheduler_1.cpp` define all of it, once each.
namespace troupe::testing {

class driver;

/// The next state of a job that has run.
enum class resumption : std::uint8_t {
  again,   ///< It wants to run again.
  waiting, ///< It will be scheduled again when there is something to do.
  ended,   ///< It does not run again.
};

/// Makes an actor system that leaves its jobs and its timers to `drv`.
std::unique_ptr<caf::actor_system>
make_actor_system(caf::actor_system_config& config,
                  std::shared_ptr<driver> drv);

/// Returns whom the system leaves its jobs to, or null if to CAF itself.
std::shared_ptr<driver> find_driver(caf::actor_system& sys) noexcept;

/// Runs a job for the length of one message.
resumption resume(caf::resumable& job, caf::actor_system& sys);

/// Ends a job that will not run any more, and drops a reference to it.
void discard(caf::resumable* job);

/// Runs an action.
/// @returns Whether it may run again.
bool run_action(caf::action& what);

} // namespace troupe::testing
