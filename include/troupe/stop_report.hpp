// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/lifecycle.hpp"
#include "troupe/time.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// A worker that did not stop in time, and its state at that time.
struct stop_blocker {
  /// The worker's path.
  std::string path;
  /// Its state when the report was made.
  worker_state state = worker_state::init;
  /// Its phase then.
  worker_phase phase = worker_phase::created;
  /// Since it was asked to stop.
  timespan elapsed{0};
  /// Messages in its queue.
  std::uint64_t queued = 0;
  /// How many holds kept it.
  std::uint64_t holds = 0;
  /// Messages that were in its queue and that nobody will handle.
  std::uint64_t discarded = 0;
  /// Messages that it had in progress and did not finish.
  std::uint64_t lost = 0;

  template <class Inspector>
  friend bool inspect(Inspector& f, stop_blocker& x) {
    return f.object(x).fields(
      f.field("path", x.path), f.field("state", x.state),
      f.field("phase", x.phase), f.field("elapsed", x.elapsed),
      f.field("queued", x.queued), f.field("holds", x.holds),
      f.field("discarded", x.discarded), f.field("lost", x.lost));
  }
};

/// Renders one blocker in one line: `/tree/hung is stopping, draining, 250ms
/// after it was asked to stop, with 3 queued`.
/// @relates stop_blocker
std::string to_string(const stop_blocker& x);

/// The workers that blocked a stop: none when all went well.
using stop_report = std::vector<stop_blocker>;

} // namespace troupe
