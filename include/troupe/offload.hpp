// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/completion.hpp"
#include "troupe/detail/fiber.hpp"
#include "troupe/detail/strand.hpp"
#include "troupe/detail/thread_job.hpp"

#include <concepts>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace troupe {

/// The state that a coroutine shares with the thread of its offloaded call.
class offloaded_call {
public:
  offloaded_call() noexcept = default;

  offloaded_call(const offloaded_call&) = delete;

  offloaded_call& operator=(const offloaded_call&) = delete;

  virtual ~offloaded_call() = default;

  /// Calls the function, keeps what it gave and destroys it.
  virtual void call() noexcept = 0;

  /// Takes this for the result.
  virtual void fail(std::exception_ptr error) noexcept = 0;

  /// Asks the function to stop, if it takes a stop token.
  virtual void request_stop() noexcept = 0;

  /// Asks it to stop, and says that its result is not wanted, if it takes a
  /// token for that.
  virtual void give_up() noexcept = 0;

  /// Has `self` called on a thread of the strand on which `waiting` waits, and
  /// `waiting` posted when that is done or will never be.
  /// @returns whether that is under way; if not, the call has failed.
  static bool begin(const std::shared_ptr<offloaded_call>& self,
                    detail::wait& waiting, thread_use how) noexcept;

  /// Takes the call back if it has not begun.
  /// @returns whether it did: then the function is not called, and the wait not
  ///          posted.
  bool take_back() noexcept;

  /// Nobody waits any more.
  /// @returns whether nobody else uses the function.
  bool detach() noexcept;

private:
  class job;

  std::mutex mutex_; // keeps the wait alive while the thread posts it
  detail::wait* waiting_ = nullptr;
  job* not_begun_ = nullptr;
  bool over_ = false;
};

/// An `offloaded_call` of a function of type `F`.
template <class F>
class offloaded_function final : public offloaded_call {
public:
  /// Whether it takes a token for the stop and one for the force.
  static constexpr bool takes_both
    = std::invocable<F, std::stop_token, std::stop_token>;

  /// Whether it takes a stop token.
  static constexpr bool takes_token = takes_both
                                      || std::invocable<F, std::stop_token>;

  /// What the function returns.
  using result_type = typename std::conditional_t<
    takes_both, std::invoke_result<F, std::stop_token, std::stop_token>,
    std::conditional_t<takes_token, std::invoke_result<F, std::stop_token>,
                       std::invoke_result<F>>>::type;

  /// What is left of that when it is awaited.
  using value_type
    = std::conditional_t<std::is_rvalue_reference_v<result_type>,
                         std::remove_reference_t<result_type>, result_type>;

  /// A call that has not begun.
  explicit offloaded_function(F f)
    : function_(std::move(f)),
      stop_(make_stop_source(takes_token)),
      force_(make_stop_source(takes_both)) {
    // nop
  }

  void call() noexcept override {
    try {
      if constexpr (std::is_void_v<value_type>) {
        invoke();
        result_.emplace();
      } else {
        result_.emplace(invoke());
      }
    } catch (...) {
      result_.fail(std::current_exception());
    }
    // It may refer to the coroutine, which goes on after this.
    function_.reset();
  }

  void fail(std::exception_ptr error) noexcept override {
    result_.fail(std::move(error));
  }

  void request_stop() noexcept override {
    stop_.request_stop();
  }

  void give_up() noexcept override {
    stop_.request_stop();
    force_.request_stop();
  }

  /// What it returned. @throws what it threw.
  value_type take() {
    return result_.take();
  }

  /// Lets go of what it returned.
  void discard() noexcept {
    result_.reset();
  }

private:
  static std::stop_source make_stop_source(bool needed) {
    return needed ? std::stop_source{} : std::stop_source{std::nostopstate};
  }

  result_type invoke() {
    if constexpr (takes_both)
      return std::invoke(std::move(*function_), stop_.get_token(),
                         force_.get_token());
    else if constexpr (takes_token)
      return std::invoke(std::move(*function_), stop_.get_token());
    else
      return std::invoke(std::move(*function_));
  }

  std::optional<F> function_;
  std::stop_source stop_;
  std::stop_source force_;
  detail::completion<value_type> result_;
};

/// The awaitable that `offload` returns.
template <class F>
class [[nodiscard]] offload_awaitable {
public:
  /// A call that has not begun.
  explicit offload_awaitable(F f, thread_use how = thread_use::pooled)
    : function_(std::move(f)), how_(how) {
    // nop
  }

  class awaiter {
  public:
    using call_type = offloaded_function<F>;

    awaiter(F&& f, thread_use how)
      : wait_(std::make_shared<call_type>(std::move(f))), how_(how) {
      // nop
    }

    [[nodiscard]] bool await_ready() const noexcept {
      return false;
    }

    template <std::derived_from<detail::promise_base> Promise>
    bool await_suspend(std::coroutine_handle<Promise> caller) noexcept {
      wait_.begin(caller.promise());
      if (wait_.owner().stop_requested())
        wait_.call->request_stop();
      if (offloaded_call::begin(wait_.call, wait_, how_))
        return true;
      wait_.withdraw();
      return false;
    }

    typename call_type::value_type await_resume() {
      return wait_.call->take();
    }

  private:
    struct wait_for_call final : detail::joined_wait {
      explicit wait_for_call(std::shared_ptr<call_type> x) noexcept
        : call(std::move(x)) {
        // nop
      }

      ~wait_for_call() {
        // The result belongs to this thread, even if the other one is still
        // about to let go of the call.
        if (call->detach())
          call->discard();
      }

      void request_stop() noexcept override {
        call->request_stop();
      }

      void give_up() noexcept override {
        call->give_up();
      }

      bool take_back() noexcept override {
        return call->take_back();
      }

      const std::shared_ptr<call_type> call;
    };

    wait_for_call wait_;
    thread_use how_;
  };

  awaiter operator co_await() && {
    return awaiter{std::move(function_), how_};
  }

private:
  F function_;
  thread_use how_;
};

/// Calls a function that blocks or computes for long on another thread, and
/// waits for what it gives.
///
/// ~~~
/// auto load = [path = path_](std::stop_token stop) {
///   return read(path, stop);
/// };
/// auto text = co_await offload(std::move(load));
/// ~~~
///
/// If the function takes a `std::stop_token`, that says when the worker is
/// asked to stop, or the coroutine is cancelled; it is up to the function to
/// return early then. One that may go on for the grace period, and is to end
/// when that is over, takes a second token: it is set when the coroutine is
/// cancelled, as a force does, and not by a stop. Nothing can interrupt it: a
/// coroutine that is destroyed while the function runs stays in memory until it
/// has returned, so the function may refer to the coroutine's variables. But it
/// runs on another thread than the rest of the worker, which goes on meanwhile;
/// so give it what it needs by value.
///
/// The threads are a pool: `troupe.offload-threads` of them for all workers of
/// an actor system. When all are busy, the call waits for its turn, first come,
/// first served; a coroutine that is destroyed by then takes its call back, and
/// a stop sets the token of a call that waits as well. So two calls that wait
/// for each other, or one that never returns, may keep all others waiting. A
/// call that takes as long as the worker lives wants `thread_use::own`, or a
/// `blocking_worker`.
///
/// With GCC 12, do not write a lambda that captures something that owns memory
/// into the awaited expression: it would be destroyed twice. Name it first, as
/// above.
/// @param f `f()`, `f(std::stop_token stop)` or `f(std::stop_token stop,
///          std::stop_token force)`; called once, and destroyed on the thread
///          that called it.
/// @param how Which thread it gets.
/// @returns (when awaited) the result of `f`. Its exception comes out, and so
///          does the reason when there was no thread to call it.
template <class F>
  requires(std::invocable<std::decay_t<F>, std::stop_token, std::stop_token>
           || std::invocable<std::decay_t<F>, std::stop_token>
           || std::invocable<std::decay_t<F>>)
offload_awaitable<std::decay_t<F>>
offload(F&& f, thread_use how = thread_use::pooled) {
  return offload_awaitable<std::decay_t<F>>{std::forward<F>(f), how};
}

} // namespace troupe
