// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/fiber.hpp"

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <list>
#include <optional>
#include <utility>

namespace troupe {

/// A first-in, first-out queue of values inside one worker: how a message
/// handler hands values to `run()`.
///
/// ~~~
/// channel<job> jobs_;                             // a member of the worker
/// void on_job(job x) { jobs_.push(std::move(x)); } // a message handler
/// task<> run() {
///   while (auto x = co_await jobs_)
///     co_await work_on(std::move(*x));
/// }
/// ~~~
///
/// It is for the coroutines and handlers of *one* worker; it knows no locks and
/// no bound. A value is never lost when the coroutine that was to get it is
/// destroyed: the next one gets it. A stop does not wake who waits for it:
/// combine it with `stop_requested()` in `when_any`, or close the channel.
///
/// A channel must outlive those who wait for it.
template <class T>
class channel {
private:
  struct receiver : detail::wait {
    // Whether one of the values in the channel is kept for this one.
    bool promised = false;
  };

public:
  channel() noexcept = default;

  channel(const channel&) = delete;

  channel& operator=(const channel&) = delete;

  // -- properties -------------------------------------------------------------

  /// How many values there are that nobody was promised.
  [[nodiscard]] std::size_t size() const noexcept {
    return values_.size() - promised_;
  }

  /// Whether `size()` is zero.
  [[nodiscard]] bool empty() const noexcept {
    return size() == 0;
  }

  /// Whether `close()` was called.
  [[nodiscard]] bool closed() const noexcept {
    return closed_;
  }

  // -- modifiers --------------------------------------------------------------

  /// Appends a value.
  /// @returns whether the channel is open; a closed one drops the value.
  bool push(T value) {
    if (closed_)
      return false;
    values_.push_back(std::move(value));
    promise_next();
    return true;
  }

  /// Accepts no more values. Values in the channel can still be received; then
  /// receivers, waiting or new, get none.
  void close() noexcept {
    closed_ = true;
    while (auto* x = waiting_.pop_front())
      x->post();
  }

  /// The next value if there is one that nobody was promised.
  [[nodiscard]] std::optional<T> try_receive() {
    std::optional<T> result;
    if (!empty()) {
      result.emplace(std::move(values_.front()));
      values_.pop_front();
    }
    return result;
  }

  // -- awaiting ---------------------------------------------------------------

  class awaiter {
  public:
    explicit awaiter(channel& source) noexcept : source_(source) {
      // nop
    }

    ~awaiter() {
      if (wait_.promised)
        source_.take_back(wait_);
      else if (wait_.listed() && wait_.waiting())
        source_.waiting_.erase(wait_);
    }

    [[nodiscard]] bool await_ready() const noexcept {
      return !source_.empty() || source_.closed_;
    }

    template <std::derived_from<detail::promise_base> Promise>
    void await_suspend(std::coroutine_handle<Promise> caller) noexcept {
      wait_.begin(caller.promise());
      source_.waiting_.push_back(wait_);
    }

    std::optional<T> await_resume() {
      if (std::exchange(wait_.promised, false))
        --source_.promised_;
      return source_.try_receive();
    }

  private:
    channel& source_;
    receiver wait_;
  };

  /// The awaitable that `receive()` returns. Cheap to copy.
  class [[nodiscard]] receive_awaitable {
  public:
    /// A wait that has not begun.
    explicit receive_awaitable(channel& source) noexcept : source_(&source) {
      // nop
    }

    awaiter operator co_await() const noexcept {
      return awaiter{*source_};
    }

  private:
    channel* source_;
  };

  /// Waits for the next value.
  /// @returns (when awaited) an `std::optional<T>`: the value, or none if the
  ///          channel is closed and empty.
  receive_awaitable receive() noexcept {
    return receive_awaitable{*this};
  }

  /// The same as `receive()`.
  awaiter operator co_await() & noexcept {
    return awaiter{*this};
  }

private:
  // Wakes the first who waits. The value stays in the channel until that one
  // runs, for it may be destroyed before it does.
  void promise_next() noexcept {
    if (auto* x = waiting_.pop_front()) {
      static_cast<receiver*>(x)->promised = true;
      ++promised_;
      x->post();
    }
  }

  void take_back(receiver& x) noexcept {
    x.promised = false;
    --promised_;
    promise_next();
  }

  std::list<T> values_; // takes no memory while it is empty
  std::size_t promised_ = 0;
  detail::wait_list waiting_;
  bool closed_ = false;
};

} // namespace troupe
