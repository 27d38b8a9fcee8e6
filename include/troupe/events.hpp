// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/enum_names.hpp"
#include "troupe/fwd.hpp"
#include "troupe/subscription.hpp"
#include "troupe/time.hpp"

#include <caf/error.hpp>
#include <caf/fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace troupe {

/// Something that has happened to a worker.
enum class event_kind : std::uint8_t {
  /// Its first life has begun.
  started,
  /// Another life has begun.
  restarted,
  /// It is ready.
  ready,
  /// A graceful stop was asked for; or a supervisor has begun to stop because
  /// of what became of its children.
  stopping,
  /// A life has ended normally.
  stopped,
  /// A life was ended by force.
  forced,
  /// A life has failed; so has a start that did not succeed.
  failed,
  /// A life was ended from outside: killed, quit, made unreachable.
  cancelled,
  /// It sits in code that does not return, and nobody waits for it any more.
  abandoned,
  /// The code of an abandoned life has returned after all.
  came_back,
  /// It has ended, and waits for its restart.
  backing_off,
  /// A supervisor has had too many restarts; or a child too many failures, and
  /// is left stopped.
  gave_up,
  /// Its code has not returned within its watchdog.
  stalled,
  /// It has said that it is degraded, or why it still is.
  degraded,
  /// It has said that it is healthy again.
  recovered,
  /// A durable worker has lost its claim of a job. (J8)
  lost_claim,
};

/// @relates event_kind
constexpr detail::name_list<16> names_of(event_kind) noexcept {
  return {"started",   "restarted", "ready",       "stopping",
          "stopped",   "forced",    "failed",      "cancelled",
          "abandoned", "came_back", "backing_off", "gave_up",
          "stalled",   "degraded",  "recovered",   "lost_claim"};
}

/// One thing that has happened to one worker. Every transition is one. (S28)
struct lifecycle_event {
  /// What has happened.
  event_kind kind = event_kind::started;

  /// The path of the worker.
  std::string path;

  /// Which of its lives.
  std::uint64_t incarnation = 1;

  /// When, on the clock of its actor system.
  time_point at{};

  /// Why, where there is a why: for `failed`, `forced`, `cancelled`,
  /// `abandoned`, `backing_off`, `gave_up`, `degraded` and `lost_claim`; and
  /// for `stopping` if a reason was given along with the stop.
  caf::error reason;

  /// For `ready` how long the start took, for the end of a life how long that
  /// was, for `backing_off` how long until the restart, for `stalled` how long
  /// its code has not returned.
  timespan span{0};
};

/// Renders one event in one line: a line break in the reason, or whatever else
/// a terminal would obey, becomes an escape such as `\x0a`.
/// @relates lifecycle_event
std::string to_string(const lifecycle_event& x);

/// How many events a subscriber may be late by, see `on_event`.
inline constexpr std::size_t default_event_capacity = 4096;

/// Has `f` called with each event of an actor system's workers, in a tree or
/// not, from now on. The events of one worker come in their order; `f` is
/// called for one at a time, on a thread where it may block. It never slows a
/// worker: when it is `capacity` events late it misses the next ones, which
/// `subscription::missed` counts. Costs nothing while nobody has subscribed.
///
/// ~~~
/// auto sub = troupe::on_event(sys, [](const troupe::lifecycle_event& x) {
///   std::clog << to_string(x) << '\n';
/// });
/// ~~~
///
/// To wait for an event, or to look back at the last ones, use an `event_log`.
/// @param f What it throws is logged.
/// @returns a value that ends the subscription when it goes, and waits for `f`
///          to return then: do not destroy it where `f` waits for you.
subscription on_event(caf::actor_system& sys,
                      std::function<void(const lifecycle_event&)> f,
                      std::size_t capacity = default_event_capacity);

/// As above, for one worker and all below it.
subscription on_event(const worker_handle& root,
                      std::function<void(const lifecycle_event&)> f,
                      std::size_t capacity = default_event_capacity);

} // namespace troupe
