// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "report.hpp"

#include <filesystem>

namespace troupe::bench {

/// Measures what the plots in docs show, and writes it as JSON, an object a
/// line: to workers.json the cost of each of so many workers, to timers.json
/// the cost of arming and cancelling one with so many pending.
///
/// In each line the members have the same places, so that it is also a line of
/// columns, and Gnuplot can read it: see bench/plots.
/// @throws std::runtime_error if a file cannot be written.
void measure_series(const std::filesystem::path& folder, const settings& how);

} // namespace troupe::bench
