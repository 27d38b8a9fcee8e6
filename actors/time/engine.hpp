// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "time/timing_wheel.hpp"

#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>

namespace troupe::detail {

/// The common part of all clocks: the wheel, the lock around it, and the loop
/// that fires.
///
/// The lock is held for a moment only, so most callers get it at the first try.
/// The others wait at the door, and so does the firing thread between two
/// stretches of a burst: it then goes behind those who wait already, whereas
/// with the lock alone it would have it back before any of them has woken up.
class clock::engine {
public:
  engine(clock& owner, tick start) : owner_(owner), wheel_(start) {
    // nop
  }

  engine(const engine&) = delete;

  engine& operator=(const engine&) = delete;

  virtual ~engine() = default;

  void arm(timer& t, tick due) noexcept;

  bool cancel(timer& t) noexcept;

  void schedule(job& what, tick due) noexcept;

  bool unschedule(job& what) noexcept;

  [[nodiscard]] std::size_t pending() noexcept;

  [[nodiscard]] bool fires_here() const noexcept {
    return firing_thread_.load(std::memory_order_relaxed)
           == std::this_thread::get_id();
  }

  /// Disarms everything, for good.
  void close() noexcept;

protected:
  using lock = std::unique_lock<std::mutex>;

  static constexpr std::size_t no_limit
    = std::numeric_limits<std::size_t>::max();

  [[nodiscard]] lock enter() noexcept;

  void step_aside(lock& held) noexcept;

  /// Called with the lock held when a timer is about to be linked that is due
  /// before `alarm_`.
  virtual void on_earlier(tick due) noexcept;

  /// Called with the lock held before a timer fires that was due at `due`.
  virtual void on_fire(tick due) noexcept;

  struct firing {
    std::size_t count = 0;

    /// A job has destroyed the clock: nothing of it may be touched any more.
    bool clock_is_gone = false;
  };

  /// Fires what is due at `now`, and what becomes so meanwhile, up to `limit`.
  /// @param stretch How many timers may be moved or fired before others get a
  ///                turn at the lock.
  [[nodiscard]] firing fire(lock& held, tick now, std::size_t limit,
                            std::size_t stretch) noexcept;

  /// To be called when a job destroys the clock that runs it.
  void leave_firing_thread() noexcept {
    *clock_is_gone_ = true;
  }

  clock& owner_;
  std::mutex mutex_;
  std::mutex door_;
  timing_wheel wheel_;
  bool closed_ = false;

  /// When a thread that sleeps will wake up by itself; zero if none sleeps.
  tick alarm_ = 0;

  /// A timer armed for an earlier time is due at this one.
  tick not_before_ = 0;

  /// The thread that fires, if there is one.
  std::atomic<std::thread::id> firing_thread_{};

private:
  /// @returns Whether the timer is linked now.
  [[nodiscard]] bool link(timer& t, tick due) noexcept;

  /// @returns Whether the timer was linked.
  bool unlink(timer& t) noexcept;

  /// Outlives the clock in the hands of `fire`, which looks at it after each
  /// job.
  std::shared_ptr<bool> clock_is_gone_ = std::make_shared<bool>(false);

  /// Whether a callback runs; for the firing thread's eyes only.
  bool calling_back_ = false;
};

} // namespace troupe::detail
