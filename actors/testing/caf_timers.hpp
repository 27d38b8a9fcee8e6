// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/clock.hpp"
#include "troupe/time.hpp"

#include <caf/action.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>

namespace troupe::testing {

/// The delayed actions of CAF itself, on a virtual clock. CAF does not tell its
/// clock when an action is disposed of, so the disposed ones are searched for:
/// a clock that jumps to the next timer must not jump to one that nobody waits
/// for any more.
class caf_timers {
public:
  /// Runs an action.
  /// @returns Whether it may run again.
  using runner = bool (*)(caf::action&);

  /// @param changed Is called, on any thread, after something was added.
  caf_timers(detail::virtual_clock& time, runner run,
             std::function<void()> changed);

  caf_timers(const caf_timers&) = delete;

  caf_timers& operator=(const caf_timers&) = delete;

  ~caf_timers();

  /// Adds an action. Any thread.
  /// @param period Zero for an action that runs only once.
  void schedule(time_point due, caf::action what, timespan period = {});

  /// Lets go of actions that were disposed of, of all that are next in any
  /// case. Called by the thread that drives, whenever nothing can run.
  void sweep();

  /// Disposes of everything, and from now on of whatever is added.
  void close();

private:
  class entry;

  using table = std::multimap<time_point, entry*>;

  /// Takes an entry out of the table, and out of the clock.
  void drop(entry& what);

  /// Whether `sweep` looks at everything this time; keeps its cost in
  /// proportion.
  bool full_sweep_due();

  detail::virtual_clock& clock_;
  runner run_;
  std::function<void()> changed_;
  std::mutex mtx_;

  /// Each entry here holds one reference to itself for it.
  table entries_;

  /// Its size, for those that do not have the lock.
  std::atomic<std::size_t> size_{0};

  std::size_t sweeps_ = 0;
  bool closed_ = false;
};

} // namespace troupe::testing
