// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/durable/receipt.hpp"

#include <span>
#include <string>
#include <vector>

namespace troupe_jobs {

using troupe::durable::job_filter;
using troupe::durable::job_id;

/// The text of `--help`.
extern const char* const usage;

/// The orders of the command line.
struct arguments {
  enum class task { help, version, count, list, show, requeue, purge, put };

  task what = task::help;
  std::string store;
  bool json = false;
  /// For `count` the queue, if one is named; for `list` which jobs.
  job_filter which;
  /// For `show`, `requeue` and `purge`.
  std::vector<job_id> ids;
  /// For `put`, beside the queue in `which`.
  std::string type;
  std::string payload;
  std::string unique;
  int priority = 0;
  double delay = 0; // seconds

  /// The complaint about it, for people; empty if there is none.
  std::string problem;
};

/// Reads the command line.
/// @param args Without the name of the program.
[[nodiscard]] arguments parse_arguments(std::span<const char* const> args);

} // namespace troupe_jobs
