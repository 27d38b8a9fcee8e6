// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/stop_report.hpp"
#include "worker/core_ptr.hpp"
#include "worker/worker_core.hpp"

#include <string_view>
#include <vector>

namespace troupe::detail {

/// The entry in a report of a worker that delays a stop.
[[nodiscard]] stop_blocker describe_blocker(const worker_core& x,
                                            time_point now);

/// Whether its present life, or its last one, ended by force.
[[nodiscard]] bool was_forced(const worker_core& x);

/// Leaves out who was in the way only because somebody of `all` below was: a
/// supervisor, which has no code of its own, or a parent that has ended well.
[[nodiscard]] std::vector<core_ptr>
without_bystanders(const std::vector<core_ptr>& all);

/// Whether it was started and has not ended.
[[nodiscard]] bool is_live(const worker_core& x);

/// Those in the tree of `root` that live, itself and linked children included.
[[nodiscard]] std::vector<core_ptr> inhabitants(runtime& rt,
                                                std::string_view root);

} // namespace troupe::detail
