// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "cell.hpp"
#include "troupe/tree_status.hpp"

namespace troupe {

/// The status of a worker and of all below it. Waits for nobody but those who
/// hold the lock of a cell or a nursery, which is never for long. (S29)
[[nodiscard]] tree_status describe_tree(const cell& x);

} // namespace troupe
