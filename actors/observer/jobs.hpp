// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "observer/http_message.hpp"
#include "system/job_board.hpp"

#include <caf/error.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace troupe::observing {

/// The text of `/jobs.json`. Blocks for as long as the stores do.
/// @param controls Whether there is a token.
[[nodiscard]] std::string jobs_document(const detail::job_board& stores,
                                        bool controls);

/// A request that concerns a job.
struct job_command {
  std::string verb; // `requeue` or `purge`
  std::string store;
  std::int64_t id = 0;

  /// The complaint about it; empty if there is none.
  std::string problem;
};

/// Reads `/jobs/requeue?store=NAME&id=17`.
/// @returns nothing if it is something else.
[[nodiscard]] std::optional<job_command>
parse_job_command(const http_request& what);

/// Does what somebody wants done with a job.
/// @returns nothing, or why it was not done; `errc::not_found` if there is no
///          such store or job.
[[nodiscard]] caf::error control(const detail::job_board& stores,
                                 const job_command& what);

} // namespace troupe::observing
