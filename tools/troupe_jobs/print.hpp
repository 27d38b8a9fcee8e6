// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/durable/options.hpp"
#include "troupe/durable/receipt.hpp"
#include "troupe/time.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace troupe_jobs {

using troupe::timespan;
using troupe::durable::job_record;
using troupe::durable::queue_totals;
using troupe::durable::wall_time;

/// The jobs of a queue, by where they are.
struct queue_row {
  std::string name;
  queue_totals totals;
  /// How long ago the first of the waiting jobs had its time; zero: none had.
  timespan oldest{0};
};

/// For people: text of one or more lines, harmless for a terminal.
[[nodiscard]] std::string to_text(const std::vector<queue_row>& xs);

/// @copydoc to_text
[[nodiscard]] std::string to_text(const std::vector<job_record>& xs);

/// @copydoc to_text
[[nodiscard]] std::string details(const job_record& x);

[[nodiscard]] nlohmann::json to_json(const queue_row& x);

[[nodiscard]] nlohmann::json to_json(const job_record& x);

/// Such as `2026-11-30T17:00:00Z`.
[[nodiscard]] std::string to_text(wall_time x);

} // namespace troupe_jobs
