// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/tree_status.hpp"
#include "worker/core_ptr.hpp"
#include "worker/status_poll.hpp"
#include "worker/worker_core.hpp"

#include <vector>

namespace troupe::detail {

/// The status of a worker and of all below it. Waits for nobody but those who
/// hold the lock of a core or a supervisor_core, which is never for long. (S29)
/// @param answers What they have said when they were asked, or null.
[[nodiscard]] tree_status describe_tree(worker_core& x,
                                        const status_poll* answers = nullptr);

/// The same of several, each of which is asked first what it has to say.
/// @param patience How long to wait for their answers.
/// @throws std::logic_error if the calling thread must not block.
[[nodiscard]] std::vector<tree_status>
ask_trees(runtime& rt, const std::vector<core_ptr>& roots, timespan patience);

} // namespace troupe::detail
