// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/fiber.hpp"

#include <concepts>
#include <coroutine>
#include <memory>
#include <utility>

namespace troupe::detail {

/// An answer that some thread gives, once.
template <class Answer>
class pending_answer {
public:
  virtual ~pending_answer() = default;

  /// Has `x` posted when the answer is there.
  /// @returns `false` if it is.
  virtual bool enlist(wait& x) = 0;

  /// Nobody posts `x` after this.
  virtual void forget(wait& x) noexcept = 0;

  /// The answer, which is there.
  virtual Answer take() = 0;
};

/// A call that is under way; it goes on whether or not somebody waits for its
/// answer. Not woken by a stop.
template <class Answer>
class [[nodiscard("co_await it")]] answer_awaitable {
public:
  explicit answer_awaitable(
    std::shared_ptr<pending_answer<Answer>> call) noexcept
    : call_(std::move(call)) {
    // nop
  }

  class awaiter {
  public:
    explicit awaiter(std::shared_ptr<pending_answer<Answer>> call) noexcept
      : call_(std::move(call)) {
      // nop
    }

    awaiter(const awaiter&) = delete;

    awaiter& operator=(const awaiter&) = delete;

    ~awaiter() {
      call_->forget(wait_);
    }

    [[nodiscard]] bool await_ready() const noexcept {
      return false;
    }

    template <std::derived_from<promise_base> Promise>
    bool await_suspend(std::coroutine_handle<Promise> caller) {
      wait_.begin(caller.promise());
      if (call_->enlist(wait_))
        return true;
      wait_.withdraw();
      return false;
    }

    Answer await_resume() {
      return call_->take();
    }

  private:
    std::shared_ptr<pending_answer<Answer>> call_;
    wait wait_;
  };

  awaiter operator co_await() && {
    return awaiter{std::move(call_)};
  }

private:
  std::shared_ptr<pending_answer<Answer>> call_;
};

} // namespace troupe::detail
