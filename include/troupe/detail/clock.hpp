// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/fwd.hpp"
#include "troupe/time.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace troupe::detail {

// -- timer ---------------------------------------------------------------------

/// The place of a timer among the pending ones. Only the clock looks inside.
struct timer_hook {
  static constexpr std::uint16_t unlinked = 0xffff;

  timer_hook* prev = nullptr;
  timer_hook* next = nullptr;
  std::uint64_t tick = 0;
  std::atomic<std::uint16_t> place{unlinked};
};

/// Something that is due at a point in time. A timer is a member or base of
/// what it wakes, so arming one allocates nothing and cancelling one leaves
/// nothing behind.
///
/// ~~~
/// struct sleeper : timer {
///   sleeper() : timer([](timer& self) noexcept {
///     static_cast<sleeper&>(self).wake_up();
///   }) {}
/// };
/// ~~~
///
/// A timer may be destroyed while it is armed: that cancels it. It must not be
/// destroyed while another thread is still arming it, nor while its clock is
/// being destroyed by another thread; after the clock it may go at any time.
///
/// When the destructor of the base runs, the members of the derived class are
/// gone. A class with a callback that looks at its members therefore cancels in
/// its own destructor.
class timer : private timer_hook {
public:
  friend class clock;

  /// Runs on the clock's thread **with the clock's lock held**. All it may do
  /// is pass the news on: set a flag, post to a queue, take a lock that nobody
  /// holds while calling the clock. It must not ask the clock for anything but
  /// the time, not destroy the timer, not block. As soon as it has passed the
  /// news on, others may destroy the timer: that waits until it has returned.
  /// A `clock::job` may do more.
  using callback = void (*)(timer&) noexcept;

  explicit timer(callback on_due) noexcept : on_due_(on_due) {
    // nop
  }

  timer(const timer&) = delete;

  timer& operator=(const timer&) = delete;

  ~timer();

  /// @returns Whether the timer waits for its time; already false while the
  ///          callback runs. From another thread it is a snapshot.
  [[nodiscard]] bool armed() const noexcept {
    return place.load(std::memory_order_relaxed) != unlinked;
  }

private:
  callback on_due_;

  /// The clock that may still touch this timer, or null.
  std::atomic<clock*> clock_{nullptr};
};

// -- clock ---------------------------------------------------------------------

/// Reads the machine's wall clock: for a program without actors. Others ask
/// their `clock`.
[[nodiscard]] wall_time read_wall_clock() noexcept;

/// The one door through which time comes in: the present time, and the timers
/// that are due at a time. Arming and cancelling take constant time, whatever
/// the number of pending timers, and are not held up by jobs or long bursts.
class clock {
public:
  /// Something that is run at a point in time and needs more freedom than a
  /// timer's callback has.
  class job;

  virtual ~clock();

  clock(const clock&) = delete;

  clock& operator=(const clock&) = delete;

  [[nodiscard]] virtual time_point now() const noexcept = 0;

  /// The wall clock beside it, for times that people speak of.
  [[nodiscard]] virtual wall_time wall_now() const noexcept;

  // -- timers (any thread) -----------------------------------------------------

  /// Makes `t` fire once, at `due`. An armed timer is moved. A time that has
  /// passed already makes it fire at once, but never inside of this call.
  /// @param due `never` stands for no timer at all: as `cancel(t)`.
  void arm(timer& t, time_point due) noexcept;

  /// Takes back `arm`. When it has returned, the callback is not running and
  /// will not run.
  /// @returns `true` if the timer was pending; `false` if it had fired, or was
  ///          not armed.
  bool cancel(timer& t) noexcept;

  // -- jobs (any thread) -------------------------------------------------------

  /// Makes `what` run once, at `due`; the clock holds a reference until then. A
  /// pending job is moved. One that is running may be scheduled again.
  /// @param due As for `arm`.
  void schedule(job& what, time_point due) noexcept;

  /// Takes back `schedule`.
  /// @returns `true` if the job was pending and will not run; `false` if it has
  ///          run, is running at this moment, or was not scheduled.
  bool unschedule(job& what) noexcept;

  // -- properties --------------------------------------------------------------

  /// @returns The number of armed timers and scheduled jobs.
  [[nodiscard]] std::size_t pending() const noexcept;

  /// @returns Whether the calling thread is the one that fires timers and runs
  ///          jobs: calls that would block must refuse there.
  [[nodiscard]] bool fires_here() const noexcept;

protected:
  class engine;

  explicit clock(std::unique_ptr<engine> how) noexcept;

  [[nodiscard]] engine& get_engine() const noexcept {
    return *engine_;
  }

private:
  std::unique_ptr<engine> engine_;
};

/// Something that is run at a point in time, on the clock's thread but without
/// its lock: a job may arm and cancel, take any lock, and let go of anything, a
/// real clock included. It keeps all timers waiting while it runs, so it must
/// be short and must not block.
///
/// The clock counts references through `retain` and `release`, so that a job
/// can be a member of a larger object and share its count. `make_job` makes one
/// that stands alone.
class clock::job : private timer {
public:
  friend class clock;

  job() noexcept : timer(nullptr) {
    // nop
  }

  virtual ~job() = default;

  virtual void run() noexcept = 0;

  /// Takes a reference.
  virtual void retain() noexcept = 0;

  /// Drops a reference; dropping the last one destroys the job. Never called
  /// with the clock's lock held.
  virtual void release() noexcept = 0;

  /// @returns Whether the job waits for its time; already false while it runs.
  using timer::armed;
};

/// Shares ownership of a job that stands alone.
class job_ptr {
public:
  job_ptr() noexcept = default;

  /// Takes over one reference.
  explicit job_ptr(clock::job* adopted) noexcept : ptr_(adopted) {
    // nop
  }

  job_ptr(const job_ptr& other) noexcept : ptr_(other.ptr_) {
    if (ptr_ != nullptr)
      ptr_->retain();
  }

  job_ptr(job_ptr&& other) noexcept : ptr_(std::exchange(other.ptr_, nullptr)) {
    // nop
  }

  job_ptr& operator=(job_ptr other) noexcept {
    std::swap(ptr_, other.ptr_);
    return *this;
  }

  ~job_ptr() {
    if (ptr_ != nullptr)
      ptr_->release();
  }

  [[nodiscard]] clock::job& operator*() const noexcept {
    return *ptr_;
  }

  [[nodiscard]] clock::job* operator->() const noexcept {
    return ptr_;
  }

  explicit operator bool() const noexcept {
    return ptr_ != nullptr;
  }

  /// Gives away the reference that this pointer held.
  [[nodiscard]] clock::job* detach() noexcept {
    return std::exchange(ptr_, nullptr);
  }

private:
  clock::job* ptr_ = nullptr;
};

/// @param f What to run: `void()`, and an exception out of it terminates.
/// @returns A job for `schedule`, which may be scheduled any number of times.
template <class F>
[[nodiscard]] job_ptr make_job(F f) {
  static_assert(std::is_invocable_v<F&>, "a job is called without arguments");
  class function_job final : public clock::job {
  public:
    explicit function_job(F f) : f_(std::move(f)) {
      // nop
    }

    void run() noexcept override {
      f_();
    }

    void retain() noexcept override {
      references_.fetch_add(1, std::memory_order_relaxed);
    }

    void release() noexcept override {
      // Acquire and release: what other holders did happens before the end.
      if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
        delete this;
    }

  private:
    F f_;
    std::atomic<std::size_t> references_{1};
  };
  return job_ptr{new function_job(std::move(f))};
}

// -- real_clock ----------------------------------------------------------------

/// The machine's monotonic clock. Its thread is made with it, sleeps until the
/// earliest timer is due, and is not woken for anything else.
class real_clock final : public clock {
public:
  /// @throws std::system_error if there is no thread.
  real_clock();

  /// As `stop()`. A job may destroy the clock that runs it.
  ~real_clock() override;

  [[nodiscard]] time_point now() const noexcept override;

  /// Ends the clock's thread and waits until it is gone; called from a job, it
  /// does not wait. Pending timers are disarmed and pending jobs let go without
  /// being run; timers armed afterwards never fire. May be called repeatedly.
  void stop() noexcept;

  /// @returns How often the clock's thread was woken so far, for whatever
  /// cause.
  [[nodiscard]] std::size_t wakeups() const noexcept;

private:
  class sleeper;

  [[nodiscard]] sleeper& get_sleeper() const noexcept;
};

// -- virtual_clock -------------------------------------------------------------

/// A clock that stands still until it is told to move on. Ten minutes pass in
/// no time, and always in the same order: timers fire by due time, and those
/// due at the same time in the order in which they were armed. A timer armed
/// for a time that has passed is due at the moment of arming.
///
/// Timers fire, and jobs run, on the thread that calls `advance_to` or its
/// like; while they do, `now()` is the time they were due.
class virtual_clock final : public clock {
public:
  explicit virtual_clock(time_point start = time_point{});

  /// Disarms pending timers and lets go of pending jobs without running them.
  /// Not to be called from a job.
  ~virtual_clock() override;

  [[nodiscard]] time_point now() const noexcept override;

  /// Moves with `now()`; at the start it is the first of January 2024, a
  /// Monday, 0:00 UTC.
  [[nodiscard]] wall_time wall_now() const noexcept override;

  /// Sets the wall clock. Any thread.
  void set_wall(wall_time to) noexcept;

  /// Fires everything that is due until then, also what is armed meanwhile, and
  /// leaves the clock at `when`; the time never goes back. Called from a job,
  /// it does nothing.
  /// @returns How many timers fired and jobs ran.
  std::size_t advance_to(time_point when);

  /// As `advance_to`, from now on.
  std::size_t advance_by(timespan step);

  /// Moves the time to the next due timer or job and fires that one alone.
  /// @returns `false` if there is none that is due by `limit`, or if called
  ///          from a job.
  bool fire_next(time_point limit = never);

  /// @returns When the next timer or job is due, or `never`.
  [[nodiscard]] time_point next_due() const noexcept;

  /// @returns A time before which none is due. Takes no lock.
  [[nodiscard]] time_point due_bound() const noexcept;

private:
  class stepper;

  [[nodiscard]] stepper& get_stepper() const noexcept;
};

} // namespace troupe::detail
