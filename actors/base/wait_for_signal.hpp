// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <condition_variable>
#include <mutex>

namespace troupe::detail {

/// Waits until `done`, or `limit`, which may be `never`: as a point in time the
/// standard library would count with that, and overflow.
/// @pre `guard` holds its lock
template <class Predicate>
void wait_for_signal(std::condition_variable& signal,
                     std::unique_lock<std::mutex>& guard, time_point limit,
                     Predicate done) {
  if (limit == never)
    signal.wait(guard, done);
  else
    signal.wait_until(guard, limit, done);
}

} // namespace troupe::detail
