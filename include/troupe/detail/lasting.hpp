// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <utility>

namespace troupe::detail {

/// A value that is never destroyed: a static one of these may be used by the
/// destructors of globals, and takes no memory from the heap. Memory that the
/// value itself owns stays reachable, so it is no leak.
template <class T>
union lasting {
  template <class... Ts>
  explicit lasting(Ts&&... xs) : value(std::forward<Ts>(xs)...) {
    // nop
  }

  lasting(const lasting&) = delete;

  lasting& operator=(const lasting&) = delete;

  ~lasting() {
    // nop
  }

  T value;
};

/// A `T` without anything in it, to stand for one that is not there.
template <class T>
[[nodiscard]] const T& none_of() noexcept {
  static const lasting<T> none;
  return none.value;
}

} // namespace troupe::detail
