// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace troupe::detail {

/// The names of an enumeration, for its `names_of`.
template <std::size_t N>
using name_list = std::array<std::string_view, N>;

/// An enumeration of ours whose enumerators are consecutive from 0, and named,
/// in their order, by a `names_of` beside it.
template <class E>
concept named_enum = std::is_enum_v<E> && requires(E x) {
  names_of(x).size();
  { names_of(x).front() } -> std::convertible_to<std::string_view>;
};

/// Whether `X` is an enumerator: the compiler writes a value that has no name
/// with a cast, as in "(shade)3".
template <auto X>
consteval bool is_enumerator() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("X = "));
  text = text.substr(0, text.find_first_of(";]"));
  const auto cast = text.rfind(')');
  return cast == text.npos || text[cast + 1] == ':';
}

template <named_enum E>
inline constexpr std::size_t count_of = names_of(E{}).size();

/// Whether `names_of` has a name for each enumerator, and no more.
template <named_enum E>
inline constexpr bool names_all
  = is_enumerator<static_cast<E>(count_of<E> - 1)>()
    && !is_enumerator<static_cast<E>(count_of<E>)>();

/// Makes every `named_enum` known to CAF, which refuses values out of range.
template <class Inspector, named_enum E>
bool inspect(Inspector& f, E& x) {
  using integer = std::underlying_type_t<E>;
  auto get = [&x] { return static_cast<integer>(x); };
  auto set = [&x](integer value) {
    if (value >= count_of<E>)
      return false;
    x = static_cast<E>(value);
    return true;
  };
  return f.apply(get, set);
}

} // namespace troupe::detail

namespace troupe {

using detail::inspect;

/// The name of an enumerator; "invalid" for any other value.
template <detail::named_enum E>
[[nodiscard]] std::string to_string(E x) {
  static_assert(detail::names_all<E>, "an enumerator has no name");
  const auto i = static_cast<std::size_t>(x);
  return std::string{i < detail::count_of<E> ? names_of(x)[i]
                                             : std::string_view{"invalid"}};
}

} // namespace troupe
