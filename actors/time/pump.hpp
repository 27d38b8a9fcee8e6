// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/clock.hpp"
#include "troupe/time.hpp"

#include <functional>
#include <memory>
#include <string>

namespace troupe::testing {

/// Keeps a `testing::system` going, as the rest of troupe sees it: code that
/// would block a thread in wait of actors calls `run_until` instead. It
/// outlives its actor system for as long as somebody shares it.
class pump {
public:
  /// Marks a thread that does outside work, while it does, and reports the end
  /// of that work when it is destroyed. A thread so marked does not drive the
  /// actors when it waits in `run_until`: it leaves that to the test, and as
  /// long as it waits it does not count as being at work.
  class external_thread {
  public:
    /// @param where Has been told by `external_begin()`.
    explicit external_thread(std::shared_ptr<pump> where) noexcept;

    external_thread(const external_thread&) = delete;

    external_thread& operator=(const external_thread&) = delete;

    ~external_thread();

  private:
    std::shared_ptr<pump> where_;
    const pump* previous_;
  };

  virtual ~pump();

  /// Returns the clock that all timers of this system belong on.
  [[nodiscard]] virtual detail::virtual_clock& clock() noexcept = 0;

  /// Returns whether the calling thread is at this moment running an actor or a
  /// timer of this system. A call that blocks must refuse there.
  [[nodiscard]] virtual bool inside() const noexcept = 0;

  /// Runs actors until `done()` holds, jumping in time whenever nothing can
  /// run. Any thread; one at a time drives, the others wait for it.
  /// @param done Is asked often, by the calling thread, without any lock held;
  ///             another thread may be running actors at the same time.
  /// @returns `done()`: `false` if it does not hold at `limit`, or when the
  ///          system goes down.
  /// @throws deadlock If `limit` is `never` and nothing will happen any more.
  /// @throws std::logic_error If called `inside()`.
  virtual bool run_until(const std::function<bool()>& done, time_point limit)
    = 0;

  /// The same, for somebody who can say what is waited for.
  /// @param what Is asked for the text of a `deadlock`.
  bool wait_for(const std::function<bool()>& done, time_point limit,
                const std::function<std::string()>& what);

  /// Something outside the scheduler is under way from now on, and counts as
  /// running until `external_end()`. Any thread; begin before the work can have
  /// an effect, end after its last one.
  virtual void external_begin() noexcept = 0;

  virtual void external_end() noexcept = 0;

  /// Something that a `done()` depends on has changed outside of an actor and
  /// of external work. Any thread.
  virtual void notify() noexcept = 0;

  /// Sets the function that says, in the text of a deadlock, who waits for
  /// what. It is called on the thread that finds the deadlock. An empty
  /// function takes it back.
  virtual void on_deadlock(std::function<std::string()> describe) = 0;
};

} // namespace troupe::testing
