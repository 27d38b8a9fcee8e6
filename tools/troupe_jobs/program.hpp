// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "arguments.hpp"

namespace troupe_jobs {

enum exit_code : int {
  fine = 0,
  store_failed = 1,
  wrong_usage = 2,
  no_such_job = 3
};

/// Does what the command line asks for.
/// @returns the exit code.
/// @throws std::exception if the store cannot be opened or does not work.
int run(const arguments& asked);

} // namespace troupe_jobs
