// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/clock.hpp"
#include "troupe/detail/fiber.hpp"
#include "troupe/detail/idle_wait.hpp"
#include "troupe/fwd.hpp"
#include "troupe/time.hpp"

#include <coroutine>

namespace troupe::detail {

/// Waits until a point in time: what `worker::sleep_for` returns.
class sleep_awaiter final : public idle_wait {
public:
  /// Stands for a time that has passed: the sleep is a `yield()`, without a
  /// timer.
  static constexpr time_point no_wait = time_point::min();

  sleep_awaiter(worker_core& core, time_point until) noexcept;

  ~sleep_awaiter() override;

  [[nodiscard]] bool await_ready();

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> h) {
    begin(h.promise());
    go_to_sleep();
  }

  /// @returns `true` if the time has passed, `false` if a stop woke it.
  bool await_resume() noexcept {
    delist();
    return !woken_;
  }

  void stop_asked() noexcept override;

private:
  struct alarm : timer {
    explicit alarm(sleep_awaiter& sleeper) noexcept;

    sleep_awaiter& sleeper;
  };

  void go_to_sleep();

  const time_point until_;
  bool woken_ = false;
  alarm alarm_;
};

/// A sleep that has not begun.
class [[nodiscard("co_await it")]] sleep_awaitable {
public:
  sleep_awaitable(worker_core& core, time_point until) noexcept
    : core_(&core), until_(until) {
    // nop
  }

  sleep_awaiter operator co_await() const noexcept {
    return sleep_awaiter{*core_, until_};
  }

private:
  worker_core* core_;
  time_point until_;
};

/// Waits until a stop is asked for: what `worker::stop_requested` returns.
class stop_awaiter final : public idle_wait {
public:
  explicit stop_awaiter(worker_core& core) noexcept : idle_wait(core) {
    // nop
  }

  [[nodiscard]] bool await_ready() const noexcept;

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> h) {
    begin(h.promise());
    enlist();
  }

  void await_resume() noexcept {
    delist();
  }

  void stop_asked() noexcept override;
};

/// @copydoc stop_awaiter
class [[nodiscard("co_await it")]] stop_awaitable {
public:
  explicit stop_awaitable(worker_core& core) noexcept : core_(&core) {
    // nop
  }

  stop_awaiter operator co_await() const noexcept {
    return stop_awaiter{*core_};
  }

private:
  worker_core* core_;
};

} // namespace troupe::detail
