// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "testing/caf_timers.hpp"
#include "testing/roster.hpp"
#include "testing/run_queue.hpp"
#include "time/pump.hpp"
#include "troupe/testing.hpp"

#include <caf/fwd.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace troupe::testing {

/// Decides what happens next in a `testing::system`: the next job, or else the
/// next timer, or else waiting for threads outside, or else nothing ever.
///
/// Its parts are: jobs, that CAF's scheduler interface hands over on any thread
/// and that run on the thread that drives; the clock; a count of the work
/// outside; and the threads that wait for something, of which one drives at a
/// time.
class driver final : public pump {
public:
  /// How many steps to run of a system that goes down, in case it never gets to
  /// an end by itself.
  static constexpr std::size_t last_steps = 100'000;

  explicit driver(system_options options);

  ~driver() override;

  // -- pump --------------------------------------------------------------------

  detail::virtual_clock& clock() noexcept override;

  bool inside() const noexcept override;

  bool run_until(const std::function<bool()>& done, time_point limit) override;

  void external_begin() noexcept override;

  void external_end() noexcept override;

  void notify() noexcept override;

  void on_deadlock(std::function<std::string()> describe) override;

  // -- for CAF's scheduler -----------------------------------------------------

  /// Tells which system the jobs belong to. Before the first `schedule`.
  void attach(caf::actor_system& sys) noexcept;

  /// Takes over a job, with a reference to it. Any thread.
  void schedule(caf::resumable* job);

  /// Runs what is left, for a while, and discards the rest and whatever comes
  /// later: the system goes down.
  void stop();

  // -- for CAF's clock ---------------------------------------------------------

  caf_timers& timers() noexcept {
    return timers_;
  }

  // -- for testing::system -----------------------------------------------------

  /// The system is complete: actors and threads that exist by now are CAF's
  /// own.
  void system_started();

  void patience(timespan real_time);

  bool step();

  /// @param at_most How many steps to take.
  std::size_t run(std::size_t at_most = SIZE_MAX);

  void advance(timespan length);

  /// The actors that are still there, see `roster::survivors`.
  std::vector<caf::strong_actor_ptr> survivors(bool hidden);

  /// Waits, in real time, until `done()` holds, and runs actors meanwhile.
  /// @returns `false` if it does not hold when the patience is over.
  bool wait_for_threads(const std::function<bool()>& done);

  /// Sends away the threads that wait in `run_until`.
  void close();

private:
  class turn;
  class visit;

  using lock_type = std::unique_lock<std::mutex>;

  // -- driving, without the lock; by whoever has the turn ------------------------

  bool run_until_impl(const std::function<bool()>& done, time_point limit);

  /// Takes out the next job, with the reference to it; null if there is none.
  caf::resumable* next_job();

  /// Runs one job.
  bool run_job();

  /// Runs one job, or one timer that is due by now.
  /// @returns `false` if there was neither.
  bool run_something(std::size_t& steps);

  /// Runs everything there is at present.
  std::size_t run_all(std::size_t at_most);

  /// Moves the time to the next timer that somebody waits for, and fires it.
  /// @returns `false` if there is none that is due by `limit`.
  bool fire_next(time_point limit);

  /// Moves the time on, past timers that are of no interest.
  void move_to(time_point when);

  [[noreturn]] void throw_deadlock();

  // -- watching the other threads ------------------------------------------------

  /// How often something has changed. To be read before asking `done()`, so
  /// that no change is missed after that.
  std::uint64_t changes();

  /// Waits for work outside, unless something has changed since `seen`.
  /// @returns Whether something has changed, so that it is worth another look.
  bool await_external(std::uint64_t seen);

  /// As above, for actors with threads of their own; what they do need not
  /// change anything here, so `done()` is asked meanwhile.
  bool await_detached(std::uint64_t seen, const std::function<bool()>& done);

  /// Waits for something that CAF does on threads of its own.
  /// @param limit How long, in real time.
  /// @returns Whether `done()` holds or something has changed.
  bool await_caf(std::uint64_t seen, const std::function<bool()>& done,
                 time_point limit);

  /// Until when, in real time, to wait for threads from now on.
  time_point end_of_patience();

  /// Waits until something changes.
  /// @returns `false` if nothing did for the length of the patience.
  bool await_change(lock_type& lock, std::uint64_t seen);

  /// Waits, for a thread in `run_until`, until it may drive.
  /// @returns The answer of `run_until` if it need not drive any more.
  std::optional<bool> await_turn(const std::function<bool()>& done,
                                 time_point limit, bool external);

  /// Says that those who wait in `run_until` may have what they wait for.
  void tell_guests();

  /// Says so to everybody. To be called with the lock held.
  void changed() noexcept;

  // -- state: constant, or of whoever has the turn ---------------------------------

  const std::uint64_t seed_;
  run_queue jobs_;
  detail::virtual_clock clock_;
  const time_point start_;
  caf_timers timers_;
  caf::actor_system* sys_ = nullptr;
  std::size_t own_threads_ = 0;
  roster roster_;

  // -- state: written under the lock, read without ---------------------------------

  std::atomic<std::uint64_t> changes_{0};
  std::atomic<bool> has_incoming_{false};
  std::atomic<bool> stopped_{false};

  /// Threads in `run_until` that do not drive.
  std::atomic<std::size_t> guests_{0};

  /// Outside work under way.
  std::atomic<std::size_t> external_{0};

  // -- state: under the lock -------------------------------------------------------

  std::mutex mtx_;

  /// Signals that `changes_` has grown, a turn has ended, or a guest has
  /// settled.
  std::condition_variable cv_;

  /// Jobs that come from other threads than the one that drives.
  std::vector<caf::resumable*> incoming_;

  timespan patience_;

  /// Whether a thread has the turn to drive.
  bool driven_ = false;

  /// How many guests have asked their `done()` since the last change.
  std::size_t settled_ = 0;

  /// Outside work that sits in `run_until` itself; and that which was waited
  /// for in vain.
  std::size_t parked_ = 0;
  std::size_t stuck_ = 0;

  bool closed_ = false;
  std::function<std::string()> describe_;
};

} // namespace troupe::testing
