// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/awaitable.hpp"
#include "troupe/detail/completion.hpp"
#include "troupe/detail/fiber.hpp"
#include "troupe/detail/when_parts.hpp"
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

namespace troupe {

// -- what is awaited ----------------------------------------------------------

/// Waits for all parts, or for the first one that fails.
struct all_parts {
  /// Which part ends the wait.
  static constexpr auto who_decides = detail::fiber_group::rule::first_failed;

  /// The results of all.
  static auto take(auto& parts) {
    parts.visit_decider([](auto& failed, auto) { failed.rethrow(); });
    return parts.take_all();
  }
};

/// Waits for the first part that ends.
struct first_part {
  /// Which part ends the wait.
  static constexpr auto who_decides = detail::fiber_group::rule::first_ended;

  /// The result of the first one.
  static auto take(auto& parts) {
    return parts.take_first();
  }
};

/// The awaitable of `when_all` and `when_any`: parts that have not begun.
/// @tparam Parts `part_tuple` or `part_array`.
/// @tparam Policy `all_parts` or `first_part`.
template <class Parts, class Policy>
class [[nodiscard]] group_awaitable {
public:
  /// The parts, before they begin.
  using bodies_type = typename Parts::bodies_type;

  /// A wait that has not begun.
  explicit group_awaitable(bodies_type parts) noexcept
    : parts_(std::move(parts)) {
    // nop
  }

  class awaiter {
  public:
    explicit awaiter(bodies_type parts)
      : parts_(Policy::who_decides, std::move(parts)) {
      // nop
    }

    [[nodiscard]] bool await_ready() const noexcept {
      return parts_.empty();
    }

    template <std::derived_from<detail::promise_base> Promise>
    bool await_suspend(std::coroutine_handle<Promise> caller) noexcept {
      return parts_.begin(caller.promise());
    }

    auto await_resume() {
      return Policy::take(parts_);
    }

  private:
    Parts parts_;
  };

  awaiter operator co_await() && {
    return awaiter{std::move(parts_)};
  }

private:
  bodies_type parts_;
};

// -- when_all -----------------------------------------------------------------

/// Runs several tasks and other awaitables side by side, on this strand, and
/// waits for all of them. Each runs until it waits, then the next one starts.
///
/// ~~~
/// auto [a, b] = co_await when_all(fetch("a"), fetch("b"));
/// ~~~
///
/// When one fails, the others are cancelled: destroyed where they wait, except
/// that an offloaded call is asked to stop and waited for. Then its exception
/// comes out. Failures of those that were cancelled are dropped.
/// @param parts Kept by value; a part that cannot be copied and is not moved,
///              such as an `event` or a `channel`, by reference.
/// @returns (when awaited) a tuple of `part_value_t`.
template <detail::part_argument... Ts>
  requires(sizeof...(Ts) > 0)
auto when_all(Ts&&... parts) {
  using awaitable
    = group_awaitable<detail::part_tuple<detail::part_result_t<Ts>...>,
                      all_parts>;
  return awaitable{std::tuple<task<detail::part_result_t<Ts>>...>{
    detail::as_part<Ts>(std::forward<Ts>(parts))...}};
}

/// As above, for any number of parts of one type; of none, it is over at once.
/// @returns (when awaited) a vector of `part_value_t`; nothing if the parts
///          give nothing.
template <detail::part_argument T>
auto when_all(std::vector<T> parts) {
  using awaitable
    = group_awaitable<detail::part_array<detail::part_result_t<T>>, all_parts>;
  return awaitable{detail::as_parts(std::move(parts))};
}

// -- when_any -----------------------------------------------------------------

/// Runs several tasks and other awaitables side by side, on this strand, until
/// the first of them has ended, with a value or with an exception. The others
/// are cancelled and *joined* before it returns: no part of them runs any more.
///
/// ~~~
/// auto first = co_await when_any(next_job(), stop_requested());
/// if (first.index == 1)
///   co_return;
/// work_on(std::get<0>(first.value));
/// ~~~
///
/// A cancelled part is destroyed where it waits, except that an offloaded call
/// is asked to stop and waited for. When one part ends without having to wait,
/// those after it do not start at all.
/// @param parts Kept by value; a part that cannot be copied and is not moved,
///              such as an `event` or a `channel`, by reference.
/// @returns (when awaited) a `when_any_result` with a variant of
///          `part_value_t`.
template <detail::part_argument... Ts>
  requires(sizeof...(Ts) > 0)
auto when_any(Ts&&... parts) {
  using awaitable
    = group_awaitable<detail::part_tuple<detail::part_result_t<Ts>...>,
                      first_part>;
  return awaitable{std::tuple<task<detail::part_result_t<Ts>>...>{
    detail::as_part<Ts>(std::forward<Ts>(parts))...}};
}

/// As above, for any number of parts of one type.
/// @returns (when awaited) a `when_any_result` with a `part_value_t`.
/// @throws std::invalid_argument if there is no part.
template <detail::part_argument T>
auto when_any(std::vector<T> parts) {
  if (parts.empty())
    throw std::invalid_argument("when_any of no parts would never end; give it "
                                "one at least");
  using awaitable
    = group_awaitable<detail::part_array<detail::part_result_t<T>>, first_part>;
  return awaitable{detail::as_parts(std::move(parts))};
}

} // namespace troupe
