// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/enum_names.hpp"
#include "troupe/detail/read_mark.hpp"
#include "troupe/type_ids.hpp"

#include <caf/error.hpp>
#include <caf/is_error_code_enum.hpp>

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

namespace troupe {

/// The errors of troupe, as a CAF error category. An error that troupe makes
/// carries a text that names the worker, what was wrong and what to do;
/// `text_of` gives it, `to_string` shows it together with the code.
enum class errc : std::uint8_t {
  /// No error.
  none = 0,
  /// `startup()` on a worker that was started before.
  already_started,
  /// The call needs a worker that has been started.
  not_started,
  /// A call that blocks its thread, made inside a troupe actor.
  would_block,
  /// `on_startup()` threw.
  start_failed,
  /// The worker was not ready within its `start_timeout`.
  start_timeout,
  /// A stop was asked for before the worker was ready.
  stopped_before_ready,
  /// `run()` ended without having called `ready()`.
  ended_before_ready,
  /// `run()`, a handler or `on_shutdown()` threw.
  worker_failed,
  /// A linked child failed.
  child_failed,
  /// The worker was stopped by force.
  forced,
  /// The worker sits in code that does not return.
  abandoned,
  /// The worker was killed, quit or made unreachable from outside.
  cancelled,
  /// A wait was given up; the work that it waited for goes on.
  timed_out,
  /// The actor system is gone.
  system_gone,
  /// The queue takes no more messages: its worker stops or has ended.
  queue_closed,
  /// An argument or option is out of its range.
  invalid_argument,
  /// A supervisor has given up: too many restarts within its period.
  max_restarts_exceeded,
  /// A supervisor starts, is restarted, or restarts a group; ask again later.
  busy,
  /// The supervisor stops or has ended.
  supervisor_stopping,
  /// A supervisor has no child of that name, or nobody has that path.
  not_found,
  /// A supervisor has a child of that name, which is stopped or backs off.
  already_present,
  /// The call needs a child that is stopped.
  child_running,
  /// The call needs a child that is stopped; this one waits for its restart.
  child_restarting,
  /// A dynamic supervisor has `max_children` children.
  too_many_children,
  /// The queue has no room for another message.
  queue_full,
  /// A worker has said that it does not do all of its work.
  degraded,
  /// This process came out of `fork()`; the threads of the actor system are in
  /// its parent.
  forked,
  /// The receiver of an ask has ended, or there was none.
  receiver_gone,
  /// A store of durable jobs could not do what it was asked; the text is its
  /// own.
  store_failed,
  /// A worker has lost its claim of a durable job: somebody else may have it.
  claim_lost,
};

/// @relates errc
constexpr detail::name_list<31> names_of(errc) noexcept {
  return {"none",
          "already_started",
          "not_started",
          "would_block",
          "start_failed",
          "start_timeout",
          "stopped_before_ready",
          "ended_before_ready",
          "worker_failed",
          "child_failed",
          "forced",
          "abandoned",
          "cancelled",
          "timed_out",
          "system_gone",
          "queue_closed",
          "invalid_argument",
          "max_restarts_exceeded",
          "busy",
          "supervisor_stopping",
          "not_found",
          "already_present",
          "child_running",
          "child_restarting",
          "too_many_children",
          "queue_full",
          "degraded",
          "forked",
          "receiver_gone",
          "store_failed",
          "claim_lost"};
}

/// Returns the text that `err` carries, else its code in words.
[[nodiscard]] std::string text_of(const caf::error& err);

/// Returns the text of an exception: `what()` of a standard exception, the
/// string itself for thrown strings, else a text that says that the type is
/// unknown.
[[nodiscard]] std::string text_of(const std::exception_ptr& what);

/// Thrown where a value cannot be returned: by the constructor of
/// `scoped_worker` when the worker does not start.
class start_error : public std::runtime_error {
public:
  /// @param cause Why the worker did not start; its text becomes `what()`.
  /// @param thrown What the worker itself threw, if it did.
  explicit start_error(caf::error cause, std::exception_ptr thrown = nullptr);

  /// Why the worker did not start.
  [[nodiscard]] const caf::error& cause() const noexcept {
    return cause_;
  }

  /// The exception that the worker threw, or null.
  [[nodiscard]] const std::exception_ptr& thrown() const noexcept {
    return thrown_;
  }

private:
  caf::error cause_;
  std::exception_ptr thrown_;
};

/// Why a start did not succeed: false in a condition when it did. It may be
/// ignored, which a `caf::error` must not: the outcome of the worker tells the
/// same later.
class startup_result : public caf::error {
public:
  startup_result() = default;

  /// @param mark For the library: notes that somebody has looked at it.
  startup_result(caf::error why, detail::read_mark mark = {}) noexcept
    : caf::error(std::move(why)), mark_(std::move(mark)) {
    // nop
  }

  /// Whether there is an error, as for a `caf::error`.
  [[nodiscard]] explicit operator bool() const noexcept {
    mark_.set();
    return caf::error::operator bool();
  }

private:
  detail::read_mark mark_;
};

} // namespace troupe

CAF_ERROR_CODE_ENUM(troupe::errc)
