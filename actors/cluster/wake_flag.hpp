// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "tasks/source_awaiter.hpp"

#include <mutex>
#include <utility>

namespace troupe::cluster {

/// Something that one coroutine of a worker waits for, and that any thread may
/// set.
class wake_flag {
public:
  wake_flag() = default;

  wake_flag(const wake_flag&) = delete;

  wake_flag& operator=(const wake_flag&) = delete;

  /// Has the coroutine go on, now or when it next waits.
  void set() noexcept {
    std::unique_lock guard{mtx_};
    set_ = true;
    if (auto* who = std::exchange(waiting_, nullptr))
      who->post();
  }

  /// Makes it unset again.
  void clear() noexcept {
    std::unique_lock guard{mtx_};
    set_ = false;
  }

  /// Has `x` posted when it is set.
  /// @returns `false` if it is set.
  bool enlist(detail::wait& x) noexcept {
    std::unique_lock guard{mtx_};
    if (set_)
      return false;
    waiting_ = &x;
    return true;
  }

  void forget(detail::wait& x) noexcept {
    std::unique_lock guard{mtx_};
    if (waiting_ == &x)
      waiting_ = nullptr;
  }

  detail::source_awaiter<wake_flag> operator co_await() & noexcept {
    return detail::source_awaiter{*this};
  }

private:
  std::mutex mtx_;
  detail::wait* waiting_ = nullptr;
  bool set_ = false;
};

} // namespace troupe::cluster
