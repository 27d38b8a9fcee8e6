// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/fiber.hpp"

#include <concepts>
#include <coroutine>

namespace troupe {

/// The awaitable that `yield()` returns.
class [[nodiscard]] yield_awaitable {
public:
  class awaiter {
  public:
    [[nodiscard]] bool await_ready() const noexcept {
      return false;
    }

    template <std::derived_from<detail::promise_base> Promise>
    void await_suspend(std::coroutine_handle<Promise> caller) noexcept {
      wait_.begin(caller.promise());
      wait_.post_last();
    }

    void await_resume() const noexcept {
      // nop
    }

  private:
    detail::wait wait_;
  };

  awaiter operator co_await() const noexcept {
    return {};
  }
};

/// Lets others run: what is ready on the same strand, then other actors. For
/// loops that compute for long, so that the worker can still be stopped.
///
/// ~~~
/// for (auto& row : table) {
///   crunch(row);
///   co_await yield();
/// }
/// ~~~
inline yield_awaitable yield() noexcept {
  return {};
}

} // namespace troupe
