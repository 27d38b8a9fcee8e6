// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/queue.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// Appends `3 lost` to a list in words, after a comma if it is not the first;
/// nothing if there are none.
void add_count(std::string& to, std::uint64_t n, std::string_view what);

/// How many dead letters there are, and why: `3 dead letters (2 discarded, 1
/// lost)`; empty if there are none.
[[nodiscard]] std::string dead_letters_in(const queue_counts& x);

} // namespace troupe
