// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace troupe_top {

/// The one schema of status.json that this program knows.
inline constexpr std::int64_t known_schema = 1;

/// How a life of a worker ended.
struct life_end {
  std::string kind;
  std::string reason;
  bool abandoned = false;
};

/// The counts of a queue, since the worker was made.
struct queue_counts {
  std::uint64_t queued = 0;
  std::uint64_t in_progress = 0;
  std::uint64_t sent = 0;
  std::uint64_t handled = 0;
  std::uint64_t dead_letters = 0;
};

/// One worker of a tree. All durations are in seconds.
struct worker {
  /// How many are above it.
  std::size_t depth = 0;
  std::string path;
  std::string name;
  std::string kind;
  std::string state;
  std::string phase;
  std::uint64_t incarnation = 1;
  double uptime = 0;
  bool answering = true;
  bool overlooked = false;
  /// Empty while it is healthy.
  std::string health;
  std::string health_reason;
  std::uint64_t restarts = 0;
  std::optional<double> next_retry;
  std::optional<life_end> last_end;
  std::optional<queue_counts> queue;
  std::uint64_t holds = 0;
  /// What it says about itself: a name and a value each.
  std::vector<std::pair<std::string, std::string>> fields;
  /// How many of those that follow are below it.
  std::size_t below = 0;
};

/// Somebody for whom a stop waits.
struct awaited_worker {
  std::string path;
  std::string state;
  std::string phase;
  double elapsed = 0;
  std::uint64_t queued = 0;
  std::uint64_t holds = 0;
};

/// A stop that is under way.
struct stop_in_progress {
  double since = 0;
  std::vector<awaited_worker> awaited;
};

/// What an observer says, see docs/observer.md, as far as it is shown.
struct status {
  std::string version;
  /// In seconds since 1970.
  double at = 0;
  bool ready = false;
  std::string why_not_ready;
  std::optional<stop_in_progress> stopping;
  /// Each worker, before all that are below it.
  std::vector<worker> workers;
};

/// The text is no status.json, or one of a schema that is not known. Says what
/// is wrong with it, in one line.
class not_a_status : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Reads a status.json. What is not known in it is ignored; what must be there
/// and is not, or has another type, is an error.
/// @throws not_a_status
[[nodiscard]] status decode_status(std::string_view text);

} // namespace troupe_top
