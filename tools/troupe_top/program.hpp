// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "arguments.hpp"

namespace troupe_top {

enum exit_code : int { fine = 0, no_status = 1, wrong_usage = 2 };

/// Does what the command line asks for.
/// @returns the exit code.
int run(const arguments& asked);

/// Shows the tree on the terminal until its user has seen enough.
/// @returns the exit code. Does not return if a signal asks the process to end:
///          then that ends it, with the terminal as it was.
int watch(const arguments& asked);

} // namespace troupe_top
