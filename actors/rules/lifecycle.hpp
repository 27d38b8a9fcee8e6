// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/lifecycle.hpp"
#include "troupe/options.hpp"

#include <array>
#include <cstdint>
#include <string_view>

/// The lifecycle of one incarnation as one table: stage x event -> stage and
/// actions. Pure values: no clock, no thread, no actor. Every change of state
/// in troupe goes through `transition`; nobody sets a stage by hand.
namespace troupe::rules {

/// Where an incarnation is. Users see it as `worker_state` and `worker_phase`.
enum class stage : std::uint8_t {
  created,         ///< Spawned.
  starting,        ///< In `on_startup()`.
  starting_stop,   ///< In `on_startup()`, asked to stop.
  warming,         ///< In `run()`, which has not called `ready()` yet.
  ready,           ///< In `run()`.
  draining,        ///< In `run()`, asked to stop.
  closing,         ///< `run()` ended by itself: joins, then `on_shutdown()`.
  closing_stop,    ///< The same, after a stop was asked for.
  forcing,         ///< Its coroutine is to be destroyed.
  closing_forced,  ///< The coroutine is gone: joins, then `on_shutdown()`.
  cleanup_forcing, ///< The coroutine of `on_shutdown()` is to be destroyed.
  killing,         ///< Killed from outside: destroyed without `on_shutdown()`.
  stopped,         ///< Final.
  force_stopped,   ///< Final, outcome forced.
  abandoned,       ///< Final, its thread never came back.
};

inline constexpr std::size_t num_stages = 15;

/// An event in the life of an incarnation.
enum class event : std::uint8_t {
  start,            ///< Somebody called `startup()`.
  started,          ///< `on_startup()` returned; that makes the worker ready.
  started_unready,  ///< `on_startup()` returned; `run()` will call `ready()`.
  started_to_drain, ///< The same after a drain, and something is queued.
  startup_failed,   ///< `on_startup()` threw.
  became_ready,     ///< `run()` called `ready()`.
  stop,             ///< A graceful stop was asked for.
  run_returned,     ///< `run()` returned and nobody holds the worker.
  run_failed,       ///< `run()` threw, or a handler or child failed the worker.
  deadline,         ///< The one deadline of the current stage passed.
  force,            ///< Somebody asked for an immediate end.
  join_overdue,     ///< Either of the two, before `on_shutdown()` has begun.
  destroyed,        ///< The coroutine that was to go is gone.
  closed,           ///< Children joined, `on_shutdown()` returned (or not due).
  close_failed,     ///< The same, but `on_shutdown()` threw.
  kill,             ///< Killed, quit or made unreachable from outside.
};

inline constexpr std::size_t num_events = 16;

/// The actions that the feeder of the event has to carry out, as a set.
enum class action : std::uint32_t {
  none = 0,
  begin_startup = 1u << 0,     ///< Run `on_startup()`.
  begin_run = 1u << 1,         ///< Run `run()`.
  begin_close = 1u << 2,       ///< Stop and join children, `on_shutdown()`.
  destroy_frame = 1u << 3,     ///< Destroy the coroutine where it waits.
  wake_waits = 1u << 4,        ///< End the idle waits: a stop was asked for.
  announce_ready = 1u << 5,    ///< Release who waits in `startup()`.
  arm_start_timeout = 1u << 6, ///< Set the deadline: start timeout.
  arm_grace = 1u << 7,         ///< Set the deadline: grace period.
  arm_cleanup = 1u << 8,       ///< Set the deadline: budget of the clean-up.
  arm_force = 1u << 9,         ///< Set the deadline: force period.
  disarm = 1u << 10,           ///< No deadline in the new stage.
  note_normal = 1u << 11,      ///< The outcome is normal unless noted before.
  note_failed = 1u << 12,      ///< The outcome is failed unless noted before.
  note_forced = 1u << 13,      ///< The outcome is forced unless failed before.
  note_cancelled = 1u << 14,   ///< The outcome is cancelled unless noted.
  finish = 1u << 15,           ///< The end: `after_shutdown()`, waiters.
  abandon = 1u << 16,          ///< The end without the worker's own thread.
  record_return = 1u << 17,    ///< Abandoned code came back: record it.
  refuse_start = 1u << 18,     ///< Tell the caller: already started.
  arm_farewell = 1u << 19,     ///< Set the deadline: of `after_shutdown()`.
};

constexpr action operator|(action x, action y) noexcept {
  return static_cast<action>(static_cast<std::uint32_t>(x)
                             | static_cast<std::uint32_t>(y));
}

/// Whether `set` contains `x`.
constexpr bool has(action set, action x) noexcept {
  return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(x)) != 0;
}

/// One cell of the table.
struct step {
  stage next;
  action actions = action::none;

  friend constexpr bool operator==(const step&, const step&) = default;
};

/// Looks `e` up in the table. An event that means nothing in `s` leaves the
/// stage alone and asks for nothing.
[[nodiscard]] step transition(stage s, event e) noexcept;

/// How an incarnation is going to be remembered, see `outcome_kind`.
enum class verdict : std::uint8_t { open, normal, forced, failed, cancelled };

/// Merges what `actions` note into what is known already: the first failure is
/// never hidden, a force turns a normal end into a forced one.
[[nodiscard]] verdict merge(verdict known, action actions) noexcept;

/// The lifecycle of one incarnation: the only holder of a stage.
class lifecycle {
public:
  /// Feeds `e` and returns what is to be done. At the end it resolves the
  /// final stage from the verdict: forced ends in `force_stopped`.
  action feed(event e) noexcept;

  [[nodiscard]] stage at() const noexcept {
    return stage_;
  }

  [[nodiscard]] rules::verdict verdict() const noexcept {
    return verdict_;
  }

  /// Whether `on_startup()` succeeded, and so `on_shutdown()` is due.
  [[nodiscard]] bool cleanup_due() const noexcept {
    return cleanup_due_;
  }

private:
  stage stage_ = stage::created;
  rules::verdict verdict_ = rules::verdict::open;
  bool cleanup_due_ = false;
};

/// The state that users see for a stage.
[[nodiscard]] constexpr worker_state state_of(stage s) noexcept {
  switch (s) {
    case stage::created:
      return worker_state::init;
    case stage::starting:
    case stage::warming:
    case stage::ready:
    case stage::closing:
      return worker_state::running;
    case stage::starting_stop:
    case stage::draining:
    case stage::closing_stop:
    case stage::forcing:
    case stage::closing_forced:
    case stage::cleanup_forcing:
    case stage::killing:
      return worker_state::stopping;
    case stage::stopped:
      return worker_state::stopped;
    case stage::force_stopped:
    case stage::abandoned:
      break;
  }
  return worker_state::force_stopped;
}

/// @copydoc state_of
[[nodiscard]] worker_phase phase_of(stage s) noexcept;

/// Whether a stop was asked for, in whatever way, and the end is not reached.
[[nodiscard]] constexpr bool stop_asked(stage s) noexcept {
  return state_of(s) == worker_state::stopping;
}

/// Whether `s` is the clean-up: what waits for children and handlers, and
/// `on_shutdown()`.
[[nodiscard]] constexpr bool is_closing(stage s) noexcept {
  return s == stage::closing || s == stage::closing_stop
         || s == stage::closing_forced;
}

/// Whether the coroutines must not go on: they are to be destroyed.
[[nodiscard]] constexpr bool is_frozen(stage s) noexcept {
  return s == stage::forcing || s == stage::cleanup_forcing
         || s == stage::killing || s == stage::abandoned;
}

/// Whether the end follows when the coroutines are gone: no join, and no
/// `on_shutdown()`, comes after that.
[[nodiscard]] constexpr bool ends_without_joining(stage s) noexcept {
  return s == stage::killing || s == stage::cleanup_forcing;
}

/// Whether `s` is final.
[[nodiscard]] constexpr bool is_final(stage s) noexcept {
  return s == stage::stopped || s == stage::force_stopped
         || s == stage::abandoned;
}

/// Whether the end of a linked child fails its parent: not if the child had
/// never been ready, since then its start has an error, nor if it was forced or
/// killed. (L29)
[[nodiscard]] constexpr bool fails_parent(bool has_failed, bool was_ready,
                                          on_failure how) noexcept {
  return has_failed && was_ready && how == on_failure::fail_parent;
}

std::string_view to_string(stage s) noexcept;

std::string_view to_string(event e) noexcept;

} // namespace troupe::rules
