// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "cell.hpp"
#include "troupe/shutdown_all.hpp"

namespace troupe {

/// What a report says of a worker that is in the way of a stop.
[[nodiscard]] stop_blocker describe_blocker(const cell& x, time_point now);

/// Whether its present life, or its last one, ended by force.
[[nodiscard]] bool was_forced(const cell& x);

} // namespace troupe
