// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/strand.hpp"
#include "troupe/fwd.hpp"

namespace troupe::detail {

/// A wait that has nothing in flight, so that a stop ends it: a sleep, the wait
/// for a message. The worker knows its idle waits and tells each of them when a
/// stop is asked for. Belongs to the worker's own thread.
class idle_wait : public wait {
public:
  /// Ends the wait because a stop was asked for. Called at most once, perhaps
  /// when the wait is over and the coroutine has not gone on yet.
  virtual void stop_asked() noexcept = 0;

protected:
  /// @param core The core of the worker whose coroutine waits.
  explicit idle_wait(worker_core& core) noexcept : core_(&core) {
    // nop
  }

  /// Leaves the worker's list.
  virtual ~idle_wait();

  /// Enters the worker's list, which is left again by `delist`.
  void enlist() noexcept;

  void delist() noexcept;

  [[nodiscard]] worker_core& get_core() const noexcept {
    return *core_;
  }

private:
  friend class idle_waits;

  worker_core* core_;
  idle_wait* next_idle_ = nullptr;
  idle_wait* previous_idle_ = this; // which is nowhere
};

} // namespace troupe::detail
