// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"
#include "troupe/worker_handle.hpp"
#include "worker/held.hpp"

#include <caf/error.hpp>
#include <caf/mailbox_element.hpp>

#include <string>

namespace troupe::detail {

class worker_core;

/// Those who wait for a worker to be ready, or over: threads, coroutines, and
/// actors that have sent a request. A view of the worker's core, whose lock
/// guards all of it. Thread-safe.
class waiters {
public:
  using goal = lifecycle_awaiter::what;

  explicit waiters(worker_core& of) noexcept : of_(of) {
    // nop
  }

  // -- threads ----------------------------------------------------------------

  /// Starts the worker, and blocks until it is ready or over.
  caf::error startup();

  /// Blocks until a worker that was started is ready or over.
  /// @returns nothing, or why it is not ready.
  caf::error wait_until_ready();

  /// Blocks until the worker is over.
  awaited_outcome wait_until_over(timespan timeout);

  /// Why the worker is not ready; nothing if it is or was.
  [[nodiscard]] caf::error why_not_ready() const;

  /// The error of a call that needs a worker that was started.
  [[nodiscard]] caf::error not_started() const;

  // -- coroutines -------------------------------------------------------------

  /// Links `x`, to be posted; returns `false` if there is nothing to wait for.
  bool add(lifecycle_awaiter& x);

  void remove(lifecycle_awaiter& x) noexcept;

  // -- actors -----------------------------------------------------------------

  /// Replies to the request in `request` once the worker is ready or over:
  /// nothing, or an error, for the former, the outcome for the latter.
  void reply_when(caf::mailbox_element& request, goal until);

  // -- releasing them ---------------------------------------------------------

  /// Releases the threads and coroutines that wait for what has just come true.
  void announce(const held& lock, goal upto) noexcept;

  /// Answers the actors that wait for it.
  void send_replies(goal upto) noexcept;

private:
  awaited_outcome block(goal until, timespan timeout);

  /// The words for what a call that blocks waits for.
  [[nodiscard]] std::string waited_for(goal until);

  void unlink(const held& lock, lifecycle_awaiter& x) noexcept;

  worker_core& of_;
};

} // namespace troupe::detail
