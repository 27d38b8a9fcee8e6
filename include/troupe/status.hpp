// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/health.hpp"
#include "troupe/lifecycle.hpp"
#include "troupe/outcome.hpp"
#include "troupe/time.hpp"
#include "troupe/type_ids.hpp"

#include <cstdint>
#include <string>

namespace troupe {

/// The status of a worker: the reply to `status_atom`. Answered at once, also
/// while the worker sits in a handler.
struct worker_status {
  /// Its name.
  std::string name;
  /// Its path, with those above it.
  std::string path;
  /// Its state.
  worker_state state = worker_state::init;
  /// Its phase, which is finer.
  worker_phase phase = worker_phase::created;
  /// Counted from 1.
  std::uint64_t incarnation = 1;
  /// Since the start; zero before it, the duration of its life after its end.
  timespan uptime{0};
  /// Since it was asked to stop; zero unless it is stopping.
  timespan stopping{0};
  /// Messages waiting in its queue.
  std::uint64_t queued = 0;
  /// How many holds keep it from ending.
  std::uint64_t holds = 0;
  /// Whether it has ended, so that `last_outcome` means something.
  bool ended = false;
  /// How it ended.
  outcome last_outcome;
  /// The health that it reports; healthy before its start and after its end.
  troupe::health health = troupe::health::healthy;
  /// Why it is degraded.
  std::string health_reason;

  template <class Inspector>
  friend bool inspect(Inspector& f, worker_status& x) {
    return f.object(x).fields(
      f.field("name", x.name), f.field("path", x.path),
      f.field("state", x.state), f.field("phase", x.phase),
      f.field("incarnation", x.incarnation), f.field("uptime", x.uptime),
      f.field("stopping", x.stopping), f.field("queued", x.queued),
      f.field("holds", x.holds), f.field("ended", x.ended),
      f.field("last_outcome", x.last_outcome), f.field("health", x.health),
      f.field("health_reason", x.health_reason));
  }
};

/// Renders the status in one line.
/// @relates worker_status
std::string to_string(const worker_status& x);

} // namespace troupe
