// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/child_info.hpp"
#include "troupe/options.hpp"
#include "troupe/outcome.hpp"
#include "troupe/queue_counts.hpp"
#include "troupe/status.hpp"
#include "troupe/status_fields.hpp"
#include "troupe/supervisor_options.hpp"
#include "troupe/time.hpp"

#include <caf/fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// The options with which a worker runs, as far as they matter to whoever looks
/// at it.
struct worker_policy {
  /// When its supervisor starts it again; none if it has no supervisor.
  std::optional<troupe::restart> restart;

  /// Whether its end can end its supervisor.
  bool significant = false;

  /// How long it may take for a stop.
  timespan grace{0};

  /// The fate of queued messages at a stop; none if it has no queue.
  std::optional<troupe::on_stop> on_stop;

  /// The other children that it restarts with one; none if it is no supervisor.
  std::optional<troupe::strategy> strategy;

  template <class Inspector>
  friend bool inspect(Inspector& f, worker_policy& x) {
    return f.object(x).fields(f.field("restart", x.restart),
                              f.field("significant", x.significant),
                              f.field("grace", x.grace),
                              f.field("on_stop", x.on_stop),
                              f.field("strategy", x.strategy));
  }
};

/// The status of a worker and of all below it: a tree of values, read as
/// handles do it, without a message. So a worker that is stuck is shown as
/// stuck, and keeps nobody waiting. (S29)
struct tree_status {
  /// The worker itself.
  worker_status self;

  /// What it is: a worker, a supervisor, a plain CAF actor.
  child_kind kind = child_kind::worker;

  /// The worst that it and all below it say about themselves.
  troupe::health health = troupe::health::healthy;

  /// How its last life ended, or none if it is in its first one.
  std::optional<outcome> last_end;

  /// Where the messages of its queue are; all zero if it has none.
  queue_counts queue;

  /// Whether it has a queue at all.
  bool has_queue = false;

  /// How many times its supervisor has started it again.
  std::uint64_t restarts = 0;

  /// How long until it is started again, if it backs off.
  std::optional<timespan> next_retry;

  /// `false` if it was asked, and its code has not returned in time: it sits in
  /// a handler, or between two waits.
  bool answering = true;

  /// `true` if it would have been asked, but the time was over: whether it
  /// answers, and what it says about itself, is not known.
  bool overlooked = false;

  /// The fields that its `worker::describe` has returned, if it was asked.
  status_fields fields;

  /// For a supervisor, how many restarts count at this moment against its
  /// intensity, and how many it takes.
  std::uint64_t recent_restarts = 0;
  /// How many it takes before it gives up.
  std::uint64_t max_restarts = 0;

  /// For a supervisor, how many of its children are ready, and have not been
  /// told to stop.
  std::uint64_t ready_children = 0;

  /// The options with which it runs.
  worker_policy policy;

  /// The children of a supervisor in the order of their start, also those that
  /// are stopped; those that a worker has started with `start<W>`.
  std::vector<tree_status> children;

  template <class Inspector>
  friend bool inspect(Inspector& f, tree_status& x) {
    return f.object(x).fields(
      f.field("self", x.self), f.field("kind", x.kind),
      f.field("health", x.health), f.field("last_end", x.last_end),
      f.field("queue", x.queue), f.field("has_queue", x.has_queue),
      f.field("restarts", x.restarts), f.field("next_retry", x.next_retry),
      f.field("answering", x.answering), f.field("overlooked", x.overlooked),
      f.field("fields", x.fields),
      f.field("recent_restarts", x.recent_restarts),
      f.field("max_restarts", x.max_restarts),
      f.field("ready_children", x.ready_children), f.field("policy", x.policy),
      f.field("children", x.children));
  }
};

/// Renders a tree, one line for each worker, indented by depth.
/// @relates tree_status
std::string to_string(const tree_status& x);

/// The status of all workers of an actor system: a tree for each that has
/// nobody above it, be it a supervisor or not, the oldest first. (S29)
[[nodiscard]] std::vector<tree_status> status_trees(caf::actor_system& sys);

/// The same, with what the workers say about themselves, and whether they
/// answer, as `worker_handle::status_tree(timespan)`. Blocks.
/// @throws std::logic_error inside a troupe actor, which must not block.
[[nodiscard]] std::vector<tree_status> status_trees(caf::actor_system& sys,
                                                    timespan patience);

} // namespace troupe
