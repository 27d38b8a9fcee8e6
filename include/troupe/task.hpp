// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/completion.hpp"
#include "troupe/detail/fiber.hpp"

#include <concepts>
#include <coroutine>
#include <exception>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace troupe {

/// The part of a task's frame beside the coroutine's own variables.
template <class T>
class task_promise;

/// A coroutine that computes a `T` when it is awaited.
///
/// ~~~
/// task<int> twice(int x) {
///   co_await sleep_for(1s);
///   co_return 2 * x;
/// }
/// task<> run() {
///   int four = co_await twice(2);
/// }
/// ~~~
///
/// A task is lazy: nothing runs before it is awaited, and it is awaited once.
/// Awaiting it gives its value, or the exception that left it. It runs
/// where its caller runs; when the caller is destroyed, so is the task, with
/// all that it awaits itself.
///
/// A coroutine keeps copies of its parameters, but references stay references,
/// and a lambda that is a coroutine refers to the lambda object. So pass
/// values, and keep the lambda alive until the task has ended.
///
/// **GCC 12** makes wrong code in three cases; other compilers know none of
/// them:
///
/// 1. An aggregate or a closure that owns memory and is made within the awaited
///    expression is destroyed twice. Name it first. (Other temporaries are
///    safe, such as a `std::string` or a task.)
///    ~~~
///    auto f = [text] { return parse(text); }; // not within the next line
///    auto parsed = co_await offload(std::move(f));
///    ~~~
/// 2. `co_await` in the condition of `if`, `while` or `switch` crashes in a
///    coroutine that declares no variable in a block around it (mended in GCC
///    12.3). Declare one:
///    ~~~
///    while (true) {
///      const auto slept = co_await sleep_for(1s); // not while (co_await ...)
///      if (!slept)
///        co_return;
///    }
///    ~~~
/// 3. When a coroutine is destroyed in the midst of an expression with two
///    `co_await`, temporaries of it leak. Write one `co_await` a statement.
/// @tparam T What it gives: `void`, a value (it may be movable only, and need
///           no default constructor), or a reference.
template <class T = void>
class [[nodiscard]] task {
public:
  using promise_type = task_promise<T>;

  /// What it gives when it is awaited.
  using value_type = T;

  task(task&& other) noexcept : promise_(std::exchange(other.promise_, {})) {
    // nop
  }

  task& operator=(task&& other) noexcept {
    if (this != &other) {
      destroy();
      promise_ = std::exchange(other.promise_, nullptr);
    }
    return *this;
  }

  ~task() {
    destroy();
  }

  /// A task with nothing to do, and without a frame, which costs memory.
  ///
  /// ~~~
  /// task<> on_startup() override {
  ///   return has_work_ ? prepare() : task<>::nothing();
  /// }
  /// ~~~
  [[nodiscard]] static task nothing() noexcept
    requires(std::is_void_v<T>)
  {
    return task{no_frame()};
  }

  /// Whether there is a coroutine, which is until it was awaited or moved away.
  [[nodiscard]] explicit operator bool() const noexcept {
    return promise_ != nullptr;
  }

  // For `co_await`. Owns nothing: the fiber owns the frame from here on.
  class awaiter {
  public:
    explicit awaiter(promise_type* callee) noexcept : callee_(callee) {
      // nop
    }

    [[nodiscard]] bool await_ready() const noexcept {
      return is_nothing(callee_);
    }

    template <std::derived_from<detail::promise_base> Promise>
    void await_suspend(std::coroutine_handle<Promise> caller) noexcept {
      auto& promise = caller.promise();
      promise.owner().call(promise, *callee_);
    }

    T await_resume() {
      if constexpr (std::is_void_v<T>)
        if (is_nothing(callee_))
          return;
      // The frame goes when the result has been moved out of it.
      task self{callee_};
      return callee_->result().take();
    }

  private:
    promise_type* callee_;
  };

  /// Starts it and waits for its end.
  /// @throws std::logic_error if it was awaited before.
  awaiter operator co_await() && {
    return awaiter{release()};
  }

  /// A task is awaited once, and it shall be seen: `co_await std::move(t)`.
  awaiter operator co_await() & = delete;

private:
  friend class detail::fiber;
  friend promise_type;

  explicit task(promise_type* promise) noexcept : promise_(promise) {
    // nop
  }

  /// Stands for a coroutine that has nothing to do. Nobody looks there.
  static promise_type* no_frame() noexcept {
    return const_cast<promise_type*>(
      reinterpret_cast<const promise_type*>(&detail::no_promise));
  }

  static bool is_nothing(const promise_type* x) noexcept {
    if constexpr (std::is_void_v<T>)
      return x == no_frame();
    else
      return false;
  }

  [[nodiscard]] bool is_nothing() const noexcept {
    return is_nothing(promise_);
  }

  promise_type* release() {
    if (promise_ == nullptr)
      throw std::logic_error("this task was awaited or moved away before; a "
                             "task can be awaited once");
    return std::exchange(promise_, nullptr);
  }

  void destroy() noexcept {
    if (promise_ != nullptr && !is_nothing())
      promise_->destroy();
  }

  promise_type* promise_ = nullptr;
};

template <class T>
class task_promise final : public detail::promise_base {
public:
  using detail::promise_base::destroy;

  task_promise() noexcept
    : promise_base(std::coroutine_handle<task_promise>::from_promise(*this)) {
    // nop
  }

  task<T> get_return_object() noexcept {
    return task<T>{this};
  }

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept {
    return {};
  }

  // The fiber's loop sees that the coroutine is done and goes on in its caller.
  [[nodiscard]] std::suspend_always final_suspend() const noexcept {
    return {};
  }

  template <class U = T>
    requires(std::is_reference_v<T> ? std::convertible_to<U &&, T>
                                    : std::constructible_from<T, U>)
  void return_value(U&& value) {
    result_.emplace(std::forward<U>(value));
  }

  void unhandled_exception() noexcept {
    result_.fail(std::current_exception());
  }

  /// How it ended.
  [[nodiscard]] detail::completion<T>& result() noexcept {
    return result_;
  }

private:
  detail::completion<T> result_;
};

template <>
class task_promise<void> final : public detail::promise_base {
public:
  using detail::promise_base::destroy;

  task_promise() noexcept
    : promise_base(std::coroutine_handle<task_promise>::from_promise(*this)) {
    // nop
  }

  task<void> get_return_object() noexcept;

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept {
    return {};
  }

  [[nodiscard]] std::suspend_always final_suspend() const noexcept {
    return {};
  }

  void return_void() noexcept {
    // nop
  }

  void unhandled_exception() noexcept {
    result_.fail(std::current_exception());
  }

  /// How it ended.
  [[nodiscard]] detail::completion<void>& result() noexcept {
    return result_;
  }

private:
  detail::completion<void> result_;
};

inline task<void> task_promise<void>::get_return_object() noexcept {
  return task<void>{this};
}

/// @cond
template <>
task<void> detail::empty_coroutine<void>();
/// @endcond

namespace detail {

/// Whether `T` is a `task`.
template <class T>
inline constexpr bool is_task = false;

/// @copydoc is_task
template <class T>
inline constexpr bool is_task<task<T>> = true;

} // namespace detail

} // namespace troupe
