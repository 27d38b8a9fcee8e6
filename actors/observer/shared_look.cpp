// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/shared_look.hpp"

#include <exception>
#include <utility>

namespace troupe::observing {

std::shared_ptr<const shared_look::trees> shared_look::take() {
  std::unique_lock guard{mtx_};
  // One that is under way may have passed what has happened meanwhile.
  const auto mine = begun_ + 1;
  ++takers_;
  auto result = std::shared_ptr<const trees>{};
  auto problem = std::exception_ptr{};
  while (done_ < mine && !problem) {
    if (is_looking_) {
      over_.wait(guard);
      continue;
    }
    is_looking_ = true;
    const auto number = ++begun_;
    guard.unlock();
    try {
      result = std::make_shared<const trees>(look_());
    } catch (...) {
      problem = std::current_exception();
    }
    guard.lock();
    is_looking_ = false;
    if (!problem) {
      done_ = number;
      last_ = result;
    }
    over_.notify_all();
  }
  if (!problem)
    result = last_;
  if (--takers_ == 0)
    last_ = nullptr;
  guard.unlock();
  if (problem)
    std::rethrow_exception(problem);
  return result;
}

} // namespace troupe::observing
