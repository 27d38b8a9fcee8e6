// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/access.hpp"
#include <optional>
#include <type_traits>
#include <utility>

namespace troupe {

/// The result of `get_message(timeout)`: a message, or none, and then why.
///
/// <!-- snippet: header-received -->
/// ~~~
/// for (;;) {
///   auto next = co_await get_message(1s);
///   if (next)
///     print(*next);
///   else if (next.timed_out())
///     print("nothing for a second");
///   else
///     co_return; // a stop was asked for, and nothing is left
/// }
/// ~~~
/// <!-- end -->
template <class T>
class received : public std::optional<T> {
public:
  /// Whether there is none because the time was over. If there is none
  /// otherwise, there will be no more: a stop was asked for, and nothing is
  /// left that is to be finished first.
  [[nodiscard]] bool timed_out() const noexcept {
    return timed_out_;
  }

private:
  friend struct detail::access;

  received(std::optional<T> what,
           bool timed_out) noexcept(std::is_nothrow_move_constructible_v<T>)
    : std::optional<T>(std::move(what)), timed_out_(timed_out) {
    // nop
  }

  bool timed_out_;
};

} // namespace troupe
