// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/shutdown_all.hpp"
#include "troupe/supervisor_spec.hpp"
#include "troupe/time.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <vector>

namespace troupe {

class supervisor_ref;

/// How `run` ends if a worker sits in code that does not return: the thread it
/// occupies would keep the destructor of the actor system waiting for ever.
enum class on_abandoned : std::uint8_t {
  /// Reports, flushes what was printed, and ends the process with the exit
  /// code, at the latest two seconds after the stop's time, whatever standard
  /// output, standard error and the system's log do. No destructor runs, and
  /// nothing that was registered with `atexit`.
  exit_process,
  /// Returns the exit code; the caller knows what to do.
  return_code,
};

/// How `run` runs. An aggregate for designated initializers; the order of its
/// members is part of the interface.
struct run_options {
  /// How long the stop that the first signal begins may take in all. Zero
  /// forces at once, which still takes up to 100 ms; `infinite` leaves it to
  /// the workers' own grace periods.
  option_time stop_timeout = std::chrono::seconds{25};

  /// The signals that mean "stop"; none: signals are left alone.
  std::vector<int> signals = {SIGINT, SIGTERM};

  /// How the process ends if a worker does not come back.
  troupe::on_abandoned on_abandoned = troupe::on_abandoned::exit_process;

  /// Called, before `run` returns, if somebody was in the way of the stop. By
  /// default each gets a line on `std::cerr`. On the thread that has called
  /// `run`, and `run` waits for it; but if the process is to end because a
  /// worker does not come back, on another one, and for a second at most. Then
  /// an exception out of it is printed; else it comes out of `run`.
  std::function<void(const stop_report&)> report = {};

  /// Called once with the tree when all of it is ready, on the thread that has
  /// called `run`. The tree runs meanwhile, and signals are heard; a tree that
  /// ends by itself may have ended already, and then has no children. An
  /// exception stops the tree, and comes out of `run`; but if the process is to
  /// end because a worker does not come back, it is printed instead. With
  /// `exit_process`, a function that has not returned two seconds after the
  /// time of a signal's stop does not keep the process.
  std::function<void(const supervisor_ref&)> on_ready = {};
};

/// Runs a tree of workers as a service: starts it and waits until it has ended,
/// by itself or because of a signal. The first signal stops it gracefully, a
/// second one forces it, and a third one ends the process at once with 128 plus
/// the signal's number.
///
/// ~~~
/// int caf_main(caf::actor_system& sys) {
///   troupe::supervisor_spec tree{.name = "pipeline"};
///   tree.add<writer>("writer");
///   return troupe::run(sys, std::move(tree), {.stop_timeout = 10s});
/// }
/// ~~~
///
/// Blocks its thread, so it is for `main` and plain threads. Signal handlers
/// belong to the whole process, so there is one `run` at a time, and while it
/// runs nobody else may set handlers for its signals; at its end it gives them
/// back to their former handlers. One after another is fine. A child process
/// that was forked and has not called `exec` yet dies of such a signal, as if
/// there were no `run`.
///
/// With a `testing::system`, `run` moves the time on as every call does that
/// waits. A tree that ends by itself can be tested like that. Signals come from
/// the real world, for which virtual time does not wait: a tree in which
/// nothing is due any more is a `testing::deadlock`, also if a signal is on its
/// way. Test signals with a real system.
/// @returns the exit code of the process. 0: the tree ended well. 1: somebody
///          was stopped by force when the tree ended, or a worker of the actor
///          system is abandoned. 2: the tree did not start,
///          or its root failed, gave up or was cancelled; then why is printed
///          to `std::cerr`.
/// @throws std::invalid_argument if the tree's spec is wrong, naming what is,
///         the timeout is negative, or a signal cannot be caught.
/// @throws std::logic_error if there is another `run` in this process, it is
///         called inside a troupe actor, or in a process that came out of
///         `fork()` when the actor system was there.
/// @throws std::system_error if there is no thread for the signals or for the
///         end; nothing has been started then.
int run(caf::actor_system& sys, supervisor_spec tree, run_options options = {});

} // namespace troupe
