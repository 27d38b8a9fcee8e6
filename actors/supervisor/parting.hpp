// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

namespace troupe::detail {

/// A thread that sees to it that a program leaves: it does the work that may
/// block for ever, such as a write to a pipe that nobody reads, and it ends the
/// process when the time to leave is over. Made before it is needed, since
/// there may be no thread later.
class parting {
public:
  /// How long `run` waits. The work and a stop that was overdrawn together take
  /// less than the two seconds that `troupe::run` promises.
  static constexpr timespan patience = std::chrono::milliseconds{1'000};

  /// When the process ends after the time that the stop had.
  static constexpr timespan overtime = std::chrono::milliseconds{1'700};

  /// @throws std::system_error if there is no thread.
  parting();

  parting(const parting&) = delete;

  parting& operator=(const parting&) = delete;

  /// Leaves work behind that has not come back.
  ~parting();

  /// Has `f` called on the thread, and waits for it, but not for longer than
  /// `patience`. It owns all that it touches, and throws nothing.
  /// @returns whether it has come back.
  bool run(std::function<void()> f);

  /// Ends the process with the exit code 1 at that time, without destructors,
  /// unless this has been destroyed, `stay` has been called, or `run` is under
  /// way. An earlier time that was said before holds. Any thread.
  void leave_at(time_point when);

  /// Takes back `leave_at`.
  void stay();

private:
  struct shared;

  std::shared_ptr<shared> shared_;
  std::thread thread_;
};

} // namespace troupe::detail
