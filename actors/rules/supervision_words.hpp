// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/backoff.hpp"
#include "troupe/supervisor_options.hpp"
#include "troupe/time.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

// The values that a supervisor's decisions are made of.
namespace troupe::rules {

/// A child of one supervisor. The lower half is the slot it has, the upper half
/// how many children had that slot before: it means no other child until a slot
/// was used 2^32 times.
using child_id = std::uint64_t;

/// Stands for no child.
inline constexpr child_id no_child = ~child_id{0};

/// Returns a small number that no other child has at the same time: an index
/// for what somebody else keeps about the child.
[[nodiscard]] constexpr std::uint32_t slot_of(child_id who) noexcept {
  return static_cast<std::uint32_t>(who);
}

/// The facts that a supervisor needs about one child.
struct child_rules {
  troupe::restart restart = troupe::restart::permanent;
  restart_backoff backoff = {};
  restart_limit give_up_after = {};
  troupe::on_give_up on_give_up = troupe::on_give_up::escalate;
  bool significant = false;
};

/// The rules of the whole group.
struct group_rules {
  troupe::strategy strategy = troupe::strategy::one_for_one;
  restart_intensity intensity = {};
  troupe::auto_shutdown auto_shutdown = troupe::auto_shutdown::never;
  /// Start and stop many at once, in a window. `dynamic` always does.
  bool concurrent = false;
  /// How many may be starting, or stopping, at once; 0 means 1.
  std::size_t window = 64;
  std::size_t max_children = static_cast<std::size_t>(-1);
};

/// Whether children that were stopped on purpose count as well. (S13)
[[nodiscard]] constexpr bool counts_stops(auto_shutdown x) noexcept {
  return x == auto_shutdown::any_significant_over
         || x == auto_shutdown::all_significant_over;
}

/// Whether the end of one of them is enough. (S13)
[[nodiscard]] constexpr bool any_is_enough(auto_shutdown x) noexcept {
  return x == auto_shutdown::any_significant
         || x == auto_shutdown::any_significant_over;
}

/// Where a child is, for its supervisor.
enum class child_stage : std::uint8_t {
  stopped,     ///< Not running, and nothing planned: the spec alone is there.
  planned,     ///< Is going to be started: its turn has not come yet.
  starting,    ///< Told to start, not ready yet.
  running,     ///< Ready.
  stopping,    ///< Told to stop, not over yet.
  backing_off, ///< Over; a restart waits for its time.
};

/// Where a supervisor is.
enum class group_stage : std::uint8_t {
  created,   ///< Not started.
  starting,  ///< Its children are started for the first time.
  running,   ///< All have been started.
  unwinding, ///< A group restart: stops those that are to be restarted.
  pausing,   ///< A group restart: waits for a backoff.
  rewinding, ///< A group restart: starts them again.
  stopping,  ///< Stops all children, for good.
  stopped,   ///< All children are over.
};

/// Why a supervisor stops its children for good.
enum class group_end : std::uint8_t {
  none,
  asked,        ///< Somebody asked for it: `stop`.
  start_failed, ///< A child failed to start the first time. (S3)
  gave_up,      ///< Too many restarts. (S5, S12)
  child_ended,  ///< The strategy is `stop_all`, and a child ended.
  significant,  ///< Significant children ended. (S13)
};

/// How a child ended, whoever asked for it.
enum class child_end : std::uint8_t {
  normal,
  failed, ///< Failed, cancelled; a plain actor down with an error.
  forced, ///< Its time was over, or somebody wanted it so.
};

enum class command_kind : std::uint8_t {
  /// Begin an incarnation of `who`. Answered by `child_ready` or `child_ended`.
  start,
  /// Ask `who` to stop. Answered by `child_ended`.
  stop,
  /// `who` is over and will not be restarted unless somebody asks for it: it
  /// has come to its final end. Its spec is kept. Comes again, without a
  /// `start` in between, for one that a group restart had planned to bring back
  /// and that did not get there.
  retire,
  /// The same, and its spec is gone; the id means nothing any more.
  forget,
  /// Call `retry_due(who)` at `when`. Replaces an earlier one for `who`; for
  /// `no_child` it is that of the group.
  set_retry,
  /// Do not.
  clear_retry,
  /// All children have been ready, or were told to stop: the supervisor is
  /// ready. Once.
  group_ready,
  /// The supervisor has begun to stop for a reason of its own, see
  /// `supervision::end()`; `who` is the child that is to blame. Its `retire` or
  /// `forget` comes before.
  group_ends,
  /// All children are over: the supervisor can end. Last.
  group_over,
};

/// Something to be done.
struct command {
  command_kind what;
  child_id who = no_child;
  time_point when = never;

  friend bool operator==(const command&, const command&) = default;
};

/// Why a call at run time was refused.
enum class refusal : std::uint8_t {
  none,
  busy,              ///< Starts, restarts a group, or stops. (S16)
  stopping,          ///< Is going to end, or has ended.
  running,           ///< The child is not stopped. (S20, S21)
  ending,            ///< The child is being stopped. (S33)
  restarting,        ///< The child waits for a restart. (S20, S21)
  lives_once,        ///< The child is temporary. (S33)
  too_many_children, ///< (S18)
};

/// How many children are where: O(1). (S22)
struct child_counts {
  std::size_t specs = 0;
  /// Starting, running or stopping.
  std::size_t active = 0;
  /// Running: it has been ready.
  std::size_t ready = 0;
};

} // namespace troupe::rules
