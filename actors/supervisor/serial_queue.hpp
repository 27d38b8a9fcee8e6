// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/small_mutex.hpp"
#include "troupe/detail/unique_function.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>

namespace troupe::detail {

/// Events that are carried out one after another, on the thread that is at it.
/// Thread-safe.
///
/// ~~~
/// if (queue.enter(what, serial_queue::kind::news))
///   do
///     carry_out(std::move(what));
///   while (queue.next(what));
/// ~~~
class serial_queue {
public:
  using event = unique_function<void()>;

  /// News come before calls: of very many calls none would see what the first
  /// has led to. But after some news a call has its turn, however many come.
  enum class kind : std::uint8_t { news, call };

  /// How many news come before a call that waits.
  static constexpr std::size_t most_news = 16;

  /// Puts `what` behind the others of its kind, if somebody is at it.
  /// @returns whether nobody was: it is the caller's turn now, to do `what`,
  ///          and then what is `next`.
  [[nodiscard]] bool enter(event& what, kind which);

  /// Takes what comes next.
  /// @pre it is the caller's turn
  /// @returns `false` if nothing waits: it is nobody's turn now.
  [[nodiscard]] bool next(event& what) noexcept;

private:
  small_mutex mtx_;
  std::deque<event> news_;
  std::deque<event> calls_;
  std::size_t news_in_a_row_ = 0;
  bool taken_ = false;
};

} // namespace troupe::detail
