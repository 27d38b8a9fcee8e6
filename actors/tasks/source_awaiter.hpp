// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/fiber.hpp"

#include <concepts>
#include <coroutine>

namespace troupe::detail {

/// Waits for something that any thread may set.
/// @tparam Source Has `bool enlist(wait&)`, which returns `false` if it is set,
///                and `forget(wait&)`; both may be called at any time.
template <class Source>
class source_awaiter {
public:
  explicit source_awaiter(Source& source) noexcept : source_(source) {
    // nop
  }

  ~source_awaiter() {
    source_.forget(wait_);
  }

  [[nodiscard]] bool await_ready() const noexcept {
    return false;
  }

  template <std::derived_from<promise_base> Promise>
  bool await_suspend(std::coroutine_handle<Promise> caller) noexcept {
    wait_.begin(caller.promise());
    if (source_.enlist(wait_))
      return true;
    wait_.withdraw();
    return false;
  }

  void await_resume() const noexcept {
    // nop
  }

private:
  Source& source_;
  wait wait_;
};

} // namespace troupe::detail
