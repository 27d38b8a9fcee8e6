// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"
#include "troupe/worker.hpp"

#include <chrono>
#include <stop_token>

namespace troupe {

/// A worker whose work is a function that blocks, on a thread of its own: for
/// a loop around an interface that knows no coroutines.
///
/// <!-- snippet: header-blocking-worker -->
/// ~~~
/// class camera : public troupe::blocking_worker {
/// public:
///   void run(std::stop_token stop) override {
///     while (!stop.stop_requested() && pictures < 2) {
///       print(device_.next_picture()); // may block
///       ++pictures;
///     }
///   }
///
///   int pictures = 0;
///
/// private:
///   device device_;
/// };
/// ~~~
/// <!-- end -->
///
/// All else is as with any worker: a stop sets the token, what `run` throws
/// fails the worker, and when it has not returned at the end of the grace
/// period, the worker is forced and, after `force_period`, abandoned. The
/// thread is not one of those that `offload` shares.
///
/// `run` is not on the worker's actor: handlers run at the same time, on
/// another thread. Of what `worker` offers it may use `name()`, `path()`,
/// `state()`, `is_running()`, `is_stopping()`, `now()`, `ready()` and `hold()`,
/// and `sleep_for` and `sleep_until` as they are here. The hooks are coroutines
/// on the actor, as always.
class blocking_worker : public worker {
public:
  /// The work. The worker ends when it returns, and fails when it throws.
  /// @param stop Is set by a stop, a force, and a kill.
  virtual void run(std::stop_token stop) = 0;

// The classes of users hide this one, as they should.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverloaded-virtual"
  task<> run() final;
#pragma GCC diagnostic pop

protected:
  using worker::sleep_for;
  using worker::sleep_until;

  /// Blocks the calling thread; any `std::chrono` duration.
  /// @param stop What wakes it: the token that `run` was given.
  /// @returns `true` if the time passed, `false` if a stop was asked for: also
  ///          at once, if it had been.
  [[nodiscard]] bool sleep_until(const std::stop_token& stop,
                                 time_point until) const;

  /// @copydoc sleep_until
  template <class Rep, class Period>
  [[nodiscard]] bool
  sleep_for(const std::stop_token& stop,
            std::chrono::duration<Rep, Period> length) const {
    return sleep_until(stop, deadline_after(now(), to_timespan(length)));
  }
};

} // namespace troupe
