// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/lifecycle.hpp"

#include <caf/fwd.hpp>

namespace troupe::detail {

class worker_core;

/// Logs that a worker has gone from one stage to another.
/// @param why The reason, if somebody gave one.
void log_transition(const worker_core& of, rules::stage from, rules::stage to,
                    const caf::error* why = nullptr);

} // namespace troupe::detail
