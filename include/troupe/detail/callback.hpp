// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/unique_function.hpp"
#include "troupe/task.hpp"

#include <concepts>
#include <type_traits>
#include <utility>

namespace troupe {

/// A callable that takes an `X`, again if need be, and returns nothing or a
/// `task<>`.
template <class F, class X>
concept callback_for
  = std::invocable<F&, X> && std::invocable<F&, const X&>
    && std::same_as<std::invoke_result_t<F&, X>,
                    std::invoke_result_t<F&, const X&>>
    && (std::is_void_v<std::invoke_result_t<F&, X>>
        || std::same_as<std::invoke_result_t<F&, X>, task<>>);

namespace detail {

/// A function of one argument, either plain or a coroutine.
template <class X>
class callback {
public:
  callback() noexcept = default;

  template <class F>
  explicit callback(F f) {
    // The argument is passed as it is if it may be needed again.
    auto call = [f = std::move(f)](X& x, bool stays) mutable {
      return stays ? f(std::as_const(x)) : f(std::move(x));
    };
    if constexpr (std::is_void_v<std::invoke_result_t<F&, X>>)
      plain = std::move(call);
    else
      coroutine = std::move(call);
  }

  [[nodiscard]] explicit operator bool() const noexcept {
    return plain || coroutine;
  }

  /// Calls it with `x`, which is needed no more. Lives longer than the call.
  /// @pre it is not empty
  task<> run(X x) {
    if (plain) {
      plain(x, false);
    } else {
      auto call = coroutine(x, false);
      co_await std::move(call);
    }
  }

  unique_function<void(X&, bool)> plain;
  unique_function<task<>(X&, bool)> coroutine;
};

} // namespace detail

} // namespace troupe
