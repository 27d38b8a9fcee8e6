// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstddef>
#include <utility>

namespace troupe::detail {

/// Messages on their way from an inbox, which has the newest at its front, into
/// a queue. A million of them take as long as a deadline, so the mover asks now
/// and then whether to go on; the next one goes on where that was. Nodes have a
/// member `next`, and are not owned. Not thread-safe.
template <class Node>
class arrivals {
public:
  /// After so many steps it is asked whether to stop. A message takes two.
  static constexpr std::size_t steps_unasked = 1024;

  /// Stops a move after about `n` messages.
  /// @pre `n` is at least half of `steps_unasked`
  [[nodiscard]] static auto after(std::size_t n) noexcept {
    return [left = 2 * n / steps_unasked]() mutable { return --left == 0; };
  }

  /// Moves on what is there, without looking for more.
  /// @copydetails move
  template <class Put, class Stop>
  bool move_on(Put put, Stop stop) {
    return move([]() -> Node* { return nullptr; }, put, stop);
  }

  /// Keeps a list from an inbox that is shut for the next move.
  /// @param newest Its front, the newest.
  void put_aside(Node* newest) noexcept {
    if (newest == nullptr)
      return;
    if (aside_ != nullptr) {
      auto* last = newest;
      while (last->next != nullptr)
        last = last->next;
      last->next = aside_;
    }
    aside_ = newest;
  }

  /// Whether nothing is on its way.
  [[nodiscard]] bool empty() const noexcept {
    return newest_ == nullptr && oldest_ == nullptr && aside_ == nullptr;
  }

  /// Returns how many are on their way. Looks at each.
  [[nodiscard]] std::size_t count() const noexcept {
    std::size_t result = 0;
    for (const auto* list : {newest_, oldest_, aside_})
      for (; list != nullptr; list = list->next)
        ++result;
    return result;
  }

  /// Moves all that is there, and then what `take` returns.
  /// @param take Returns a list, the newest at its front; called once, or not
  ///             at all if it stops before.
  /// @param put Called with each node, the oldest first.
  /// @param stop Whether to leave the rest for another time.
  /// @returns whether nothing is left.
  template <class Take, class Put, class Stop>
  bool move(Take take, Put put, Stop stop) {
    auto* newest = std::exchange(newest_, nullptr);
    auto* oldest = std::exchange(oldest_, nullptr);
    auto taken = false;
    for (std::size_t steps = 1;; ++steps) {
      if (newest != nullptr) {
        auto* x = std::exchange(newest, newest->next);
        x->next = std::exchange(oldest, x);
      } else if (oldest != nullptr) {
        put(std::exchange(oldest, oldest->next));
      } else if (aside_ != nullptr) {
        newest = std::exchange(aside_, nullptr);
      } else if (!taken) {
        taken = true;
        newest = take();
      } else {
        return true;
      }
      if (steps % steps_unasked == 0 && stop()) {
        newest_ = newest;
        oldest_ = oldest;
        return false;
      }
    }
  }

private:
  Node* newest_ = nullptr; // a list of what is still to be turned round
  Node* oldest_ = nullptr; // of what is turned round already
  Node* aside_ = nullptr;  // what came after those, the newest at its front
};

} // namespace troupe::detail
