// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/enum_names.hpp"
#include "troupe/time.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace troupe {

/// When a started worker counts as ready.
enum class readiness : std::uint8_t {
  /// As soon as `on_startup()` has finished.
  automatic,
  /// When `run()` has called `ready()`. Until then requests to its handlers
  /// wait, in each life anew.
  explicit_ready,
  /// The same, but its handlers serve as soon as `run()` begins: for one that
  /// becomes ready by what it is sent.
  explicit_serving,
};

/// Decides about queued messages when a worker is asked to stop.
enum class on_stop : std::uint8_t {
  /// They become dead letters, reason `discarded`.
  discard,
  /// The worker goes on until the queue is empty or its grace period is over.
  drain,
  /// They are given to `queue_consumer::hand_over`, together, when `run()` is
  /// over and before `on_shutdown()`.
  hand_over,
};

/// @relates on_stop
constexpr detail::name_list<3> names_of(on_stop) noexcept {
  return {"discard", "drain", "hand_over"};
}

/// Decides about a message that comes to a full queue: when the message is
/// enqueued, on the sender's thread, however busy the worker is.
enum class overflow : std::uint8_t {
  /// The message is refused: `send` returns `false`, a request gets
  /// `errc::queue_full`. A dead letter, reason `rejected`.
  reject,
  /// The message is taken, and the one that has waited longest is a dead
  /// letter, reason `dropped`.
  drop_oldest,
  /// The message is a dead letter, reason `dropped`. Its sender is told as with
  /// `reject`.
  drop_newest,
  /// A request is held back, and so is its answer, until there is room or the
  /// queue is closed. A one-way send cannot wait, and is treated as with
  /// `reject`.
  block,
};

/// How long it takes until something is tried again: the n-th time
/// `min(max, initial * factor^n * (1 + jitter * U(-1, 1)))`, n counted from 0.
struct retry_backoff {
  /// The first delay; with zero there is none at all.
  option_time initial = timespan{0};
  /// No delay is longer.
  option_time max = std::chrono::seconds{30};
  /// How much longer each wait is than the one before.
  double factor = 2.0;
  /// Between 0 and 1.
  double jitter = 0.2;

  friend bool operator==(const retry_backoff&, const retry_backoff&) = default;
};

/// How a `queue_worker` reacts when its callback fails on a message. (Q9)
///
/// ~~~
/// .queue = {.on_error = troupe::on_error::retry(3, {.initial = 100ms})}
/// ~~~
class on_error {
public:
  /// What becomes of the worker and of the message.
  enum class action : std::uint8_t { fail, skip, retry };

  /// The worker fails.
  static const on_error fail;

  /// The message becomes a dead letter, reason `failed`; the worker goes on.
  static const on_error skip;

  /// The callback is called again with the same message, up to `times` times;
  /// if it fails each time, then as `skip`. A stop ends the delay. **What the
  /// callback did before it threw is done again**: at least once.
  [[nodiscard]] static constexpr on_error
  retry(int times, retry_backoff backoff = {}) noexcept {
    return {action::retry, times, backoff};
  }

  // -- properties -------------------------------------------------------------

  /// What it is, without its limits.
  [[nodiscard]] constexpr action what() const noexcept {
    return what_;
  }

  /// How often it is tried again.
  [[nodiscard]] constexpr int times() const noexcept {
    return times_;
  }

  /// How long it waits before that.
  [[nodiscard]] constexpr const retry_backoff& backoff() const noexcept {
    return backoff_;
  }

  friend bool operator==(const on_error&, const on_error&) = default;

private:
  constexpr on_error(action what, int times, retry_backoff backoff) noexcept
    : what_(what), times_(times), backoff_(backoff) {
    // nop
  }

  action what_;
  int times_;
  retry_backoff backoff_;
};

inline constexpr on_error on_error::fail{action::fail, 0, {}};

inline constexpr on_error on_error::skip{action::skip, 0, {}};

/// The capacity of a queue that takes whatever comes.
inline constexpr std::size_t unbounded
  = std::numeric_limits<std::size_t>::max();

/// How the failure of a linked child affects its parent.
enum class on_failure : std::uint8_t {
  /// It fails the parent as well.
  fail_parent,
  /// The parent goes on.
  ignore,
};

/// How a worker is treated that does not return within its
/// `worker_options::watchdog`.
enum class on_hang : std::uint8_t {
  /// It is reported.
  report,
  /// It is reported, and abandoned at once, as a forced worker is that does not
  /// return. To its supervisor that is an end by force, so another life begins,
  /// by the usual rules; without a supervisor it is the end.
  restart,
};

/// How the queue of a `queue_consumer` behaves. An aggregate for designated
/// initializers; the order of its members is part of the interface.
struct queue_options {
  /// How many messages may wait in it. The one in progress does not count.
  std::size_t capacity = unbounded;

  /// How the queue treats one message more than its capacity. (Q5)
  troupe::overflow overflow = troupe::overflow::reject;

  /// How the queue treats its messages at a stop. (Q6)
  troupe::on_stop on_stop = troupe::on_stop::discard;

  /// How a `queue_worker` treats a message on which its callback fails. A
  /// `queue_consumer` has no callback: its `run()` decides. (Q9)
  troupe::on_error on_error = troupe::on_error::fail;

  /// How often a message may be given out again when the worker ended badly
  /// with it in progress and is started again by its supervisor. After that,
  /// and with zero at once, it is a dead letter, reason `lost`. **It may have
  /// been handled before, in part or as a whole**: at least once. (Q10)
  int redeliver = 0;

  friend bool operator==(const queue_options&, const queue_options&) = default;
};

/// How a worker is to be run. An aggregate for designated initializers; the
/// order of its members is part of the interface.
///
/// Durations are those of `std::chrono` that become nanoseconds without loss:
/// whole numbers of nanoseconds or of anything coarser, such as `500ms`, `2s`
/// or `1h`. A fraction does not compile: write `to_timespan(0.5s)`. A negative
/// one is an error, named in the exception that `spawn` throws.
struct worker_options {
  /// Its name in logs and reports, without `/` and control characters; if left
  /// out, the name of its class in snake_case. (L2)
  std::string name = {};

  /// How long the worker may take to stop by itself before it is forced. Zero
  /// forces at once, `infinite` never does. Without it, the setting
  /// `troupe.stopping-grace-period`, else 10 s.
  optional_time stopping_grace_period = {};

  /// How long the worker may take to become ready; expiry is a failed start.
  option_time start_timeout = infinite;

  /// When the worker counts as ready.
  troupe::readiness readiness = troupe::readiness::automatic;

  /// How its queue behaves, if it has one.
  queue_options queue = {};

  /// How its failure affects the worker that started it with `start<W>`.
  troupe::on_failure on_failure = troupe::on_failure::fail_parent;

  /// The least time that `on_shutdown()` gets, also after a force. Without it,
  /// the setting `troupe.cleanup-period`, else 1 s.
  optional_time cleanup_period = {};

  /// How long a forced worker may sit in code that does not return before it is
  /// no longer waited for. Without it, the setting `troupe.force-period`, else
  /// 1 s. A worker that does return needs a moment as well: some milliseconds,
  /// more on a machine that is busy.
  optional_time force_period = {};

  /// How long a message handler of the worker, or its coroutine between two
  /// waits, may keep a thread without returning, before that is reported: with
  /// the path and the time in the log, and as an event, once each time. Longer
  /// than zero; `infinite` is no watchdog, and costs nothing. A call of
  /// `offload` is no concern of it.
  option_time watchdog = infinite;

  /// The reaction, beyond the report. `restart` needs a `watchdog`.
  troupe::on_hang on_hang = troupe::on_hang::report;
};

} // namespace troupe
