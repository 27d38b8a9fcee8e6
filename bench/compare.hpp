// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "probe.hpp"
#include "report.hpp"

#include <string>

namespace troupe::bench {

/// Adds a row for what two probes have found, or says that a peer is missing.
void compare(report& out, row what, const samples& ours,
             const probe_command& whose, const samples& theirs,
             const std::string& figure, const std::string& their_figure);

} // namespace troupe::bench
