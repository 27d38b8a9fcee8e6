// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <mutex>

namespace troupe::durable {

/// Has one thread wait until another one tells it something, or a file can be
/// read. A condition variable knows nothing of files.
class wake_up {
public:
  /// @throws std::system_error if the system has no more files.
  wake_up();

  wake_up(const wake_up&) = delete;

  wake_up& operator=(const wake_up&) = delete;

  ~wake_up();

  /// Ends a wait. With the mutex of the one who waits locked.
  void notify() noexcept;

  /// Lets go of the mutex while it waits.
  /// @param until `never`: as long as it takes.
  /// @param file What it also waits for; -1: nothing.
  /// @returns whether the file can be read.
  bool wait_until(std::unique_lock<std::mutex>& guard, time_point until,
                  int file);

private:
  int event_ = -1;
  bool asleep_ = false; // with the mutex
};

} // namespace troupe::durable
