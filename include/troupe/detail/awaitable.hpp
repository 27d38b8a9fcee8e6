// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

namespace troupe::detail {

/// The awaiter that `co_await` makes of a `T`.
/// @tparam T An lvalue reference for an lvalue, else a value.
template <class T>
struct awaiter_of;

/// @relates awaiter_of
template <class T>
  requires requires(T&& x) { std::forward<T>(x).operator co_await(); }
struct awaiter_of<T> {
  using type = decltype(std::declval<T>().operator co_await());
};

/// @relates awaiter_of
template <class T>
  requires requires(T&& x) { operator co_await(std::forward<T>(x)); }
struct awaiter_of<T> {
  using type = decltype(operator co_await(std::declval<T>()));
};

/// @relates awaiter_of
template <class T>
  requires requires(T&& x) { x.await_ready(); }
struct awaiter_of<T> {
  using type = T&&;
};

/// An expression that can stand to the right of `co_await` in a task.
/// @tparam T An lvalue reference for an lvalue, else a value.
template <class T>
concept awaitable = requires { typename awaiter_of<T>::type; };

/// The result of `co_await` for a `T`: a value or an lvalue reference.
template <awaitable T>
struct await_result {
private:
  using raw
    = decltype(std::declval<typename awaiter_of<T>::type&>().await_resume());

public:
  using type = std::conditional_t<std::is_rvalue_reference_v<raw>,
                                  std::remove_reference_t<raw>, raw>;
};

/// @relates await_result
template <awaitable T>
using await_result_t = typename await_result<T>::type;

} // namespace troupe::detail
