// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <utility>

namespace troupe::detail {

/// Puts `x` first into a list whose links are members of what is in it, and
/// that is known by its first element alone.
template <class T>
void link_first(T& x, T*& first, T* T::* next, T* T::* previous) noexcept {
  x.*next = first;
  x.*previous = nullptr;
  if (first != nullptr)
    first->*previous = &x;
  first = &x;
}

/// Takes `x` out of such a list.
template <class T>
void unlink(T& x, T*& first, T* T::* next, T* T::* previous) noexcept {
  auto* before = std::exchange(x.*previous, nullptr);
  auto* after = std::exchange(x.*next, nullptr);
  (before != nullptr ? before->*next : first) = after;
  if (after != nullptr)
    after->*previous = before;
}

/// Appends `x` to a list that is known by both of its ends.
template <class T>
void link_last(T& x, T*& first, T*& last, T* T::* next,
               T* T::* previous) noexcept {
  x.*next = nullptr;
  x.*previous = last;
  (last != nullptr ? last->*next : first) = &x;
  last = &x;
}

/// Takes `x` out of such a list.
template <class T>
void unlink(T& x, T*& first, T*& last, T* T::* next,
            T* T::* previous) noexcept {
  auto* before = std::exchange(x.*previous, nullptr);
  auto* after = std::exchange(x.*next, nullptr);
  (before != nullptr ? before->*next : first) = after;
  (after != nullptr ? after->*previous : last) = before;
}

} // namespace troupe::detail
