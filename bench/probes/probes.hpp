// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "probe.hpp"

#include <cstddef>

/// The probes of this program: each is declared here and has a line in
/// probes.cpp.
namespace troupe::bench {

// Start `size` idle workers, look at the memory, stop them: `start` and `stop`
// in nanoseconds for each, `bytes` for each.
figures raw_workers(std::size_t size);
figures troupe_workers(std::size_t size);

} // namespace troupe::bench
