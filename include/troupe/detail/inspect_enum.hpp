// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace troupe::detail {

/// An enumeration of ours that CAF messages may carry: its enumerators are
/// consecutive from 0 to `last_enumerator(E)`.
template <class E>
concept wire_enum = std::is_enum_v<E> && requires(E x) {
  { last_enumerator(x) } -> std::same_as<E>;
};

/// Makes every `wire_enum` known to CAF, which refuses values out of range.
template <class Inspector, wire_enum E>
bool inspect(Inspector& f, E& x) {
  using integer = std::underlying_type_t<E>;
  auto get = [&x] { return static_cast<integer>(x); };
  auto set = [&x](integer value) {
    if (value > static_cast<integer>(last_enumerator(x)))
      return false;
    x = static_cast<E>(value);
    return true;
  };
  return f.apply(get, set);
}

} // namespace troupe::detail

namespace troupe {

using detail::inspect;

} // namespace troupe
