// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <memory>
#include <utility>

namespace troupe::detail {

/// The library's way into those parts of handles, workers, specs and results
/// that are nobody else's business. Their classes have it for a friend.
struct access {
  /// Calls a constructor of a `T`.
  template <class T, class... Ts>
  [[nodiscard]] static T make(Ts&&... xs) {
    return T(std::forward<Ts>(xs)...);
  }

  /// The core of a worker, or a pointer to the one that a handle points to at
  /// present, or null.
  template <class T>
  [[nodiscard]] static decltype(auto)
  core_of(const T& x) noexcept(noexcept(x.get_core())) {
    return x.get_core();
  }

  /// A queue for a worker of class `W`.
  template <class W>
  [[nodiscard]] static auto make_queue_for() {
    return std::make_unique<typename W::message_queue_type>();
  }

  /// Gives a readable error for a `W` whose messages cannot be sent.
  template <class W>
  static constexpr void check_message_type() {
    W::check_message_type();
  }

  /// A message that knows which worker of a pool it belongs to.
  template <class Pool, class T>
  [[nodiscard]] static auto make_node(const Pool& pool, T&& x) {
    return pool.make_node(std::forward<T>(x));
  }

  /// How a `worker_pool` was made.
  template <class Pool>
  [[nodiscard]] static decltype(auto) plan_of(const Pool& x) noexcept {
    return x.plan();
  }

  /// What goes on in a `child_call`.
  template <class Call>
  [[nodiscard]] static auto& progress_of(const Call& x) noexcept {
    return x.get_progress();
  }
};

} // namespace troupe::detail
