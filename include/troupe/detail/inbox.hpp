// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/atomics.hpp"
#include "troupe/detail/perturb.hpp"

#include <atomic>

namespace troupe::detail {

/// Takes nodes from many threads, without a lock, for one collector: a list
/// that grows at one end and is taken as a whole. It begins shut, and takes
/// nothing while it is: then a sender has to find another way, such as the lock
/// of the inbox's owner.
///
/// `push()` is thread-safe. The other members need the caller to keep them
/// apart from each other, but not from `push()`.
/// @tparam Node Has a member `Node* next`, which is the inbox's until the node
///              is taken out.
/// @tparam Atomics See `std_atomics`.
template <class Node, class Atomics = std_atomics>
class inbox {
public:
  inbox() noexcept = default;

  inbox(const inbox&) = delete;

  inbox& operator=(const inbox&) = delete;

  /// Brings `x`, which is not to be touched any more if it is taken.
  /// @returns whether it was taken; it is not if the inbox is shut.
  bool push(Node* x) noexcept {
    auto* seen = newest_.load(std::memory_order_relaxed);
    do {
      if (seen == shut_mark())
        return false;
      x->next = seen;
      perturb();
      // Release: all that was done with `x` happens before it is taken out.
    } while (!newest_.compare_exchange_weak(seen, x, std::memory_order_release,
                                            std::memory_order_relaxed));
    return true;
  }

  /// Whether there is nothing to take out.
  [[nodiscard]] bool empty() const noexcept {
    auto* seen = newest_.load(std::memory_order_relaxed);
    return seen == nullptr || seen == shut_mark();
  }

  /// Takes out all that is there.
  /// @returns a list, the newest at its front: see `arrivals`.
  [[nodiscard]] Node* take() noexcept {
    if (empty())
      return nullptr;
    perturb();
    return newest_.exchange(nullptr, std::memory_order_acquire);
  }

  /// Takes nothing from now on.
  /// @returns what was there, as `take()` does.
  [[nodiscard]] Node* shut() noexcept {
    // Nobody but the caller opens or shuts it.
    if (is_shut())
      return nullptr;
    perturb();
    return newest_.exchange(shut_mark(), std::memory_order_acquire);
  }

  /// Takes what comes from now on. Nothing happens if it is open.
  void open() noexcept {
    if (is_shut())
      newest_.store(nullptr, std::memory_order_release);
  }

  [[nodiscard]] bool is_shut() const noexcept {
    return newest_.load(std::memory_order_relaxed) == shut_mark();
  }

private:
  /// The address of no node.
  [[nodiscard]] Node* shut_mark() const noexcept {
    return reinterpret_cast<Node*>(const_cast<inbox*>(this));
  }

  // No more than the address of what was brought last, since then one exchange
  // is all that it takes to take everything.
  typename Atomics::template atomic<Node*> newest_{shut_mark()};
};

} // namespace troupe::detail
