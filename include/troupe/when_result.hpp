// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstddef>
#include <functional>
#include <variant>

namespace troupe {

/// The result of `when_all` and `when_any` for a part that gives a `T`: the
/// value; `std::monostate` for `void`; `std::reference_wrapper` for a
/// reference.
template <class T>
struct part_value {
  using type = T;
};

/// @relates part_value
template <class T>
struct part_value<T&> {
  using type = std::reference_wrapper<T>;
};

/// @relates part_value
template <>
struct part_value<void> {
  using type = std::monostate;
};

/// What `when_any` has of a part that gives a `T`.
template <class T>
using part_value_t = typename part_value<T>::type;

/// The result of `when_any`.
/// @tparam Value `std::variant` of the parts' values in their order, which
///               holds the alternative with the number `index`; or, for a
///               `vector` of parts, their common value type.
template <class Value>
struct when_any_result {
  /// Which part was first.
  std::size_t index;

  /// The value that it gave.
  Value value;
};

} // namespace troupe
