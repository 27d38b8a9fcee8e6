// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/fiber.hpp"

#include <concepts>
#include <coroutine>

namespace troupe {

/// Something that happens in a worker, and that its coroutines wait for: how a
/// message handler tells `run()` to go on.
///
/// ~~~
/// event loaded_;                      // a member of the worker
/// void on_loaded() { loaded_.set(); } // a message handler
/// task<> run() { co_await loaded_; }
/// ~~~
///
/// An event stays set until `reset()`: awaiting a set event does not wait. It
/// is for the coroutines and handlers of *one* worker; it knows no locks. A
/// stop does not wake who waits for it: combine it with `stop_requested()` in
/// `when_any`.
///
/// A coroutine that waits for an event that is destroyed is never resumed.
class event {
public:
  event() noexcept = default;

  /// Makes an event that may be set from the start.
  explicit event(bool set) noexcept : set_(set) {
    // nop
  }

  event(const event&) = delete;

  event& operator=(const event&) = delete;

  /// Whether it is set.
  [[nodiscard]] bool is_set() const noexcept {
    return set_;
  }

  /// Sets it: all who wait go on, in the order in which they began to wait,
  /// even if it is reset before they get to run.
  void set() noexcept {
    set_ = true;
    while (auto* x = waiting_.pop_front())
      x->post();
  }

  /// Makes it unset again, for those who will wait.
  void reset() noexcept {
    set_ = false;
  }

  class awaiter {
  public:
    explicit awaiter(event& source) noexcept : source_(source) {
      // nop
    }

    ~awaiter() {
      if (wait_.listed() && wait_.waiting())
        source_.waiting_.erase(wait_);
    }

    [[nodiscard]] bool await_ready() const noexcept {
      return source_.set_;
    }

    template <std::derived_from<detail::promise_base> Promise>
    void await_suspend(std::coroutine_handle<Promise> caller) noexcept {
      wait_.begin(caller.promise());
      source_.waiting_.push_back(wait_);
    }

    void await_resume() const noexcept {
      // nop
    }

  private:
    event& source_;
    detail::wait wait_;
  };

  /// Waits until it is set.
  awaiter operator co_await() & noexcept {
    return awaiter{*this};
  }

private:
  detail::wait_list waiting_;
  bool set_ = false;
};

} // namespace troupe
