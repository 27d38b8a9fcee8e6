// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>

namespace troupe::testing {

class pump;

/// How a `testing::system` behaves. An aggregate for designated initializers.
struct system_options {
  /// Decides which of the actors that could run runs next, and nothing else
  /// does: the same seed gives the same order again. Zero is first come, first
  /// served; any other value is an order of its own, so that a test that loops
  /// over a hundred seeds meets a hundred ways in which its actors may be
  /// interleaved.
  std::uint64_t seed = 0;

  /// How long, in real time, to wait for a sign of life from threads outside
  /// the scheduler (an offloaded function, say) before they count as stuck and
  /// time moves on without them. Zero never waits for them.
  timespan patience = std::chrono::seconds{10};
};

/// Thrown by a wait when nothing will ever happen again: no actor has anything
/// to do, no timer is armed, no thread outside is at work. The text says who
/// was waiting, and which plain actors are there.
class deadlock : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// An actor system for tests, in which nothing depends on chance: one thread,
/// the one that calls, runs all actors one message at a time, and time stands
/// still until it is told to move or until everybody waits for it.
///
/// ~~~
/// troupe::testing::system sys;
/// auto worker = troupe::spawn<simple_worker>(sys, {.name = "simple"});
/// worker.startup();
/// sys.advance(10min); // takes milliseconds
/// auto how = worker.shutdown();
/// CHECK((how && how->ok()));
/// ~~~
///
/// The rules of such a system:
///
/// - Every blocking call of troupe (`startup()`, `shutdown()`,
///   `wait_for_shutdown()`) runs the actors until it has what it waits for.
///   When nothing can run, time jumps to the next timer. When there is none,
///   the call throws `deadlock`: a test that would hang fails instead.
/// - CAF's own clock is the same clock. Delayed messages, `run_delayed` and the
///   timeouts of requests and of behaviors follow it.
/// - Threads outside count as running. While an offloaded function runs, time
///   does not jump; see `system_options::patience`.
///
/// And what does not:
///
/// - A `receive` of a blocking actor or `caf::scoped_actor` blocks its thread
///   for real, and nobody runs the actors meanwhile. On the test's own thread
///   call `await_mail` first. Timeouts given to `receive`, and with CAF 1.x
///   those of requests that blocking actors make, are measured in real time.
/// - Nothing tells whether a detached actor of plain CAF is at work right now.
///   Time does not wait for it (hold an `outside_work` where that matters); a
///   deadlock is only reported once nothing has been heard of it for the length
///   of the patience.
/// - Brokers and everything else that does I/O live in real time as well.
///
/// Any thread may call; while one runs the actors, others wait. From inside an
/// actor the calls are refused with `std::logic_error`.
///
/// The destructor runs what can still run, without moving time, and drops what
/// was due later. Actors that are alive even then are reported on standard
/// error and killed. So whatever an actor refers to must be declared before the
/// system.
class system {
public:
  /// Makes a system with a default configuration.
  explicit system(system_options options = {});

  /// Makes a system with a given configuration, which must outlive it. The
  /// settings `caf.scheduler.*` have no effect. The message types of CAF and
  /// troupe are set up here; for your own call `caf::init_global_meta_objects`
  /// before.
  explicit system(caf::actor_system_config& config,
                  system_options options = {});

  system(const system&) = delete;

  system& operator=(const system&) = delete;

  ~system();

  // -- properties --------------------------------------------------------------

  /// Converts to the actor system, so that `spawn(sys, ...)` and the like work.
  operator caf::actor_system&() noexcept {
    return sys();
  }

  /// Returns the actor system, for its member functions:
  /// `sys.sys().spawn(...)`.
  [[nodiscard]] caf::actor_system& sys() noexcept;

  /// Returns the present moment. It has nothing to do with the real time.
  [[nodiscard]] time_point now() const noexcept;

  /// Returns the wall clock, which moves with `now()`. At the start it is the
  /// first of January 2024, a Monday, 0:00 UTC.
  [[nodiscard]] wall_time wall_now() const noexcept;

  /// Sets the wall clock; `now()` and timers stay as they are. A schedule that
  /// waits for a slot looks at it at least once a minute of `now()`.
  void set_wall_clock(wall_time to) noexcept;

  /// Changes `system_options::patience`. Threads that counted as stuck are
  /// waited for again.
  void patience(timespan real_time);

  // -- running actors ----------------------------------------------------------

  /// Lets one actor handle one message, or do whatever else it was woken for.
  /// @returns `false` if nobody has anything to do at present.
  bool step();

  /// Runs all actors that can run, and all that follows, until nobody has
  /// anything to do at present. Waits for threads outside. Time does not move.
  /// @returns How many steps that took.
  std::size_t run();

  /// Moves time on by `length`. Stops at every timer on the way and runs,
  /// before it goes on, whatever follows from it.
  /// @throws std::invalid_argument If `length` is negative or `infinite`.
  void advance(timespan length);

  /// Runs until `done()` holds, which is asked before each step. When nothing
  /// can run, time jumps to the next timer.
  /// @param limit How far time may move.
  /// @returns `false` if `done()` still does not hold at the end of `limit`.
  /// @throws deadlock If `limit` is `infinite` and nothing will happen any
  /// more.
  bool run_until(const std::function<bool()>& done, timespan limit = infinite);

  /// Runs, as `run_until` does, until there is mail for `self`, so that its
  /// next `receive` has something to look at and need not block:
  ///
  /// ~~~
  /// caf::scoped_actor self{sys};
  /// auto response = self->request(server, 5s, caf::get_atom_v);
  /// sys.await_mail(self);
  /// std::move(response).receive(...);
  /// ~~~
  ///
  /// In CAF 1.x the second line is
  /// `auto response = self->mail(caf::get_atom_v).request(server, 5s);`.
  /// A worker can be asked with `troupe::ask`, which needs none of this.
  bool await_mail(caf::scoped_actor& self, timespan limit = infinite);

private:
  class impl;

  std::unique_ptr<impl> impl_;
};

/// Says that something outside the scheduler is at work, as long as it lives: a
/// thread of the test that is going to send a message, for example. The system
/// waits for it, in real time, instead of moving its own time or reporting a
/// deadlock. May be destroyed by any thread, also after the system.
///
/// ~~~
/// std::jthread sender{[&, busy = troupe::testing::outside_work{sys}] {
///   worker.send("hello");
/// }};
/// ~~~
class [[nodiscard]] outside_work {
public:
  /// Begins it.
  explicit outside_work(system& where);

  outside_work(outside_work&& other) noexcept = default;

  outside_work& operator=(outside_work&& other) noexcept;

  ~outside_work();

private:
  std::shared_ptr<pump> where_;
};

} // namespace troupe::testing
