// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/awaitable.hpp"
#include "troupe/detail/completion.hpp"
#include "troupe/detail/fiber.hpp"
#include "troupe/task.hpp"
#include "troupe/when_result.hpp"

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::detail {

/// One of the coroutines that `when_all` and `when_any` run side by side.
template <class T>
class when_part final : public fiber_part {
public:
  when_part() noexcept = default;

  explicit when_part(task<T> body) {
    assign(std::move(body));
  }

  /// Gives it what it is to run.
  void assign(task<T> body) {
    prepare(std::move(body), [this](completion<T> how) {
      result_ = std::move(how);
      parent().ended(*this, result_.error() != nullptr);
    });
  }

  /// The value that it gave; throws the exception that it threw.
  [[nodiscard]] part_value_t<T> take() {
    if constexpr (std::is_void_v<T>) {
      result_.take();
      return {};
    } else {
      return result_.take();
    }
  }

  /// Throws what it threw, if it did.
  void rethrow() const {
    if (auto error = result_.error())
      std::rethrow_exception(std::move(error));
  }

private:
  completion<T> result_;
};

/// How `when_all` and `when_any` keep an argument of type `T`: by value, but by
/// reference an lvalue that cannot be copied or is awaited where it is.
template <class T>
using kept_part_t
  = std::conditional_t<std::is_lvalue_reference_v<T>
                         && !(std::copy_constructible<std::remove_cvref_t<T>>
                              && awaitable<std::remove_cvref_t<T>>),
                       T, std::remove_cvref_t<T>>;

/// A part of `when_all` and `when_any`: a task or another awaitable.
template <class T>
concept part_argument = awaitable<kept_part_t<T>>;

/// The result of awaiting a part.
template <part_argument T>
using part_result_t = await_result_t<kept_part_t<T>>;

/// Makes a task of anything that can be awaited.
/// @tparam T A value, or an lvalue reference to something that is awaited where
///           it is, such as an `event`, and that has to outlive the task.
template <awaitable T>
task<await_result_t<T>> as_task(T x) {
  co_return co_await std::forward<T>(x);
}

/// Makes a task of an argument of `when_all` or `when_any`.
template <part_argument T>
task<part_result_t<T>> as_part(T&& x) {
  using kept = kept_part_t<T>;
  if constexpr (std::same_as<kept, task<part_result_t<T>>>)
    return std::forward<T>(x);
  else
    return as_task<kept>(std::forward<T>(x));
}

/// Makes tasks of a vector of arguments.
template <part_argument T>
std::vector<task<part_result_t<T>>> as_parts(std::vector<T> xs) {
  if constexpr (std::same_as<T, task<part_result_t<T>>>) {
    return xs;
  } else {
    std::vector<task<part_result_t<T>>> result;
    result.reserve(xs.size());
    for (auto& x : xs)
      result.push_back(as_part<T>(std::move(x)));
    return result;
  }
}

/// The parts of a `when_all(x, y, ...)` or `when_any(x, y, ...)` that has
/// begun.
template <class... Ts>
class part_tuple {
public:
  using rule = fiber_group::rule;

  /// The parts before they begin.
  using bodies_type = std::tuple<task<Ts>...>;

  /// The value of the first one.
  using first_type = when_any_result<std::variant<part_value_t<Ts>...>>;

  part_tuple(rule who_decides, bodies_type bodies)
    : part_tuple(who_decides, bodies, std::index_sequence_for<Ts...>{}) {
    // nop
  }

  [[nodiscard]] static constexpr bool empty() noexcept {
    return sizeof...(Ts) == 0;
  }

  /// See `fiber_group::begin`.
  bool begin(promise_base& who) noexcept {
    return group_.begin(who);
  }

  /// Calls `f(part, index)` for the part that decided, if there is one.
  template <class F>
  void visit_decider(F f) {
    if (const auto* decider = group_.decider())
      [&]<std::size_t... Is>(std::index_sequence<Is...>) {
        (visit_if(*decider, std::get<Is>(parts_),
                  std::integral_constant<std::size_t, Is>{}, f),
         ...);
      }(std::index_sequence_for<Ts...>{});
  }

  /// The values of all parts.
  [[nodiscard]] std::tuple<part_value_t<Ts>...> take_all() {
    return std::apply(
      [](auto&... xs) { return std::tuple<part_value_t<Ts>...>{xs.take()...}; },
      parts_);
  }

  /// The value of the part that decided.
  [[nodiscard]] first_type take_first() {
    std::optional<first_type> result;
    visit_decider([&result](auto& first, auto index) {
      constexpr auto i = decltype(index)::value;
      using value = decltype(result->value);
      result.emplace(
        first_type{i, value{std::in_place_index<i>, first.take()}});
    });
    return std::move(*result);
  }

private:
  template <std::size_t... Is>
  part_tuple(rule who_decides, bodies_type& bodies, std::index_sequence<Is...>)
    : group_(who_decides), parts_(std::move(std::get<Is>(bodies))...) {
    (group_.add(std::get<Is>(parts_)), ...);
  }

  template <class Part, class Index, class F>
  static void
  visit_if(const fiber_part& wanted, Part& part, Index index, F& f) {
    if (&wanted == &part)
      f(part, index);
  }

  fiber_group group_;
  std::tuple<when_part<Ts>...> parts_;
};

/// The parts of a `when_all(vector)` or `when_any(vector)` that has begun.
template <class T>
class part_array {
public:
  using rule = fiber_group::rule;

  /// The parts before they begin.
  using bodies_type = std::vector<task<T>>;

  /// The value of the first one.
  using first_type = when_any_result<part_value_t<T>>;

  part_array(rule who_decides, bodies_type bodies)
    : group_(who_decides),
      size_(bodies.size()),
      parts_(std::make_unique<when_part<T>[]>(size_)) {
    for (std::size_t i = 0; i < size_; ++i) {
      parts_[i].assign(std::move(bodies[i]));
      group_.add(parts_[i]);
    }
  }

  [[nodiscard]] bool empty() const noexcept {
    return size_ == 0;
  }

  /// See `fiber_group::begin`.
  bool begin(promise_base& who) noexcept {
    return group_.begin(who);
  }

  /// Calls `f(part, index)` for the part that decided, if there is one.
  template <class F>
  void visit_decider(F f) {
    for (std::size_t i = 0; i < size_; ++i)
      if (&parts_[i] == group_.decider())
        f(parts_[i], i);
  }

  /// The values of all parts.
  [[nodiscard]] auto take_all() {
    if constexpr (!std::is_void_v<T>) {
      std::vector<part_value_t<T>> result;
      result.reserve(size_);
      for (std::size_t i = 0; i < size_; ++i)
        result.push_back(parts_[i].take());
      return result;
    }
  }

  /// The value of the part that decided.
  [[nodiscard]] first_type take_first() {
    std::optional<first_type> result;
    visit_decider([&result](auto& first, std::size_t i) {
      result.emplace(first_type{i, first.take()});
    });
    return std::move(*result);
  }

private:
  fiber_group group_;
  std::size_t size_;
  std::unique_ptr<when_part<T>[]> parts_;
};

} // namespace troupe::detail
