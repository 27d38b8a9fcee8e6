// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/queue.hpp"

#include <string>

namespace troupe {

/// How many dead letters there are, and why: `3 dead letters (2 discarded, 1
/// lost)`; empty if there are none.
[[nodiscard]] std::string dead_letters_in(const queue_counts& x);

} // namespace troupe
