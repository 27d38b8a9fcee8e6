// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/actor_system_config.hpp>

namespace troupe {

/// Adds troupe's settings to a configuration, so that the command line and the
/// help text know them:
///
/// - `troupe.stopping-grace-period`: how long workers may take to stop.
/// - `troupe.cleanup-period`: the least time that `on_shutdown()` gets.
/// - `troupe.force-period`: how long a forced worker is waited for.
/// - `troupe.offload-threads`: how many calls of `offload` run at once.
/// - `troupe.complain`: `stderr`, or `none` for a program that stays silent
///   about failures that nobody reads and no log shows. (L40)
/// - `troupe.observer.address`, `troupe.observer.port`,
/// `troupe.observer.token`:
///   see `observer_options`.
///
/// The periods are a whole number, zero or more, and a unit, without a space:
/// `10s` or `500ms`; in the environment and in a file also a number of seconds.
/// The number of threads is one or more. A wrong value makes `spawn` throw
/// `std::invalid_argument`. A configuration file and the environment
/// (`TROUPE_STOPPING_GRACE_PERIOD` and so on) work without this. Those of the
/// core are read once for each actor system, when it first uses troupe; those
/// of the observer when that is made.
void add_options(caf::actor_system_config& cfg);

/// A configuration that knows troupe's settings. Types of messages are known to
/// CAF once `CAF_MAIN` was given `caf::id_block::troupe`.
class config : public caf::actor_system_config {
public:
  config();
};

} // namespace troupe
