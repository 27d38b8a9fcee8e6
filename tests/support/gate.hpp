// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/fiber.hpp"

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <vector>

namespace troupe::testing {

/// Where coroutines wait until the test lets them through, one by one.
class gate {
public:
  gate() = default;

  gate(const gate&) = delete;

  gate& operator=(const gate&) = delete;

  class awaiter {
  public:
    explicit awaiter(gate& source) : source_(source) {
      // nop
    }

    ~awaiter() {
      std::erase(source_.waiting, &wait_);
    }

    [[nodiscard]] bool await_ready() const noexcept {
      return false;
    }

    template <std::derived_from<detail::promise_base> Promise>
    void await_suspend(std::coroutine_handle<Promise> caller) {
      wait_.begin(caller.promise());
      source_.waiting.push_back(&wait_);
    }

    int await_resume() {
      return ++source_.passed;
    }

  private:
    gate& source_;
    detail::wait wait_;
  };

  awaiter operator co_await() & {
    return awaiter{*this};
  }

  /// Lets the one with this number through. The strand resumes it.
  void open(std::size_t index = 0) {
    auto* x = waiting.at(index);
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(index));
    x->post();
  }

  std::vector<detail::wait*> waiting;
  int passed = 0;
};

/// Where coroutines wait for something that uses their frame, and that the test
/// brings back, one by one.
class errand {
public:
  errand() = default;

  errand(const errand&) = delete;

  errand& operator=(const errand&) = delete;

  struct errand_wait final : detail::joined_wait {
    explicit errand_wait(errand& x) : source(x) {
      // nop
    }

    ~errand_wait() {
      // A frame that goes while somebody uses it.
      if (std::erase(source.out, this) > 0)
        ++source.violations;
    }

    void request_stop() noexcept override {
      stop = true;
    }

    errand& source;
    bool stop = false;
  };

  class awaiter {
  public:
    explicit awaiter(errand& source) : wait_(source) {
      // nop
    }

    [[nodiscard]] bool await_ready() const noexcept {
      return false;
    }

    template <std::derived_from<detail::promise_base> Promise>
    void await_suspend(std::coroutine_handle<Promise> caller) {
      wait_.begin(caller.promise());
      wait_.stop = wait_.owner().stop_requested();
      wait_.source.out.push_back(&wait_);
    }

    /// Whether it was asked to stop.
    bool await_resume() {
      return wait_.stop;
    }

  private:
    errand_wait wait_;
  };

  awaiter operator co_await() & {
    return awaiter{*this};
  }

  /// Brings the one with this number back.
  void bring_back(std::size_t index = 0) {
    auto* x = out.at(index);
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(index));
    x->post();
  }

  std::vector<errand_wait*> out;
  int violations = 0;
};

} // namespace troupe::testing
