// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/type_id.hpp>

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace troupe::detail {

/// A type that has a type id, which CAF may not have heard of when the program
/// runs: its id block may be missing in `CAF_MAIN`.
struct declared_type {
  caf::type_id_t id = caf::invalid_type_id;
  std::string_view name;
};

/// @copydoc declared_type
template <class T>
[[nodiscard]] constexpr declared_type declared() noexcept {
  using type = std::remove_cvref_t<T>;
  if constexpr (caf::has_type_id_v<type>) {
    constexpr auto name = caf::type_name_v<type>;
    return {caf::type_id_v<type>, {name.data(), name.size()}};
  } else {
    return {};
  }
}

/// Returns what to do about the first of `types` that CAF does not know, or an
/// empty string. CAF would crash at the first message that holds one. Empty as
/// well where CAF knows no types at all yet.
[[nodiscard]] std::string
why_unknown(std::initializer_list<declared_type> types);

/// The same as an exception.
/// @throws std::logic_error if there is one.
inline void check_known(std::initializer_list<declared_type> types) {
  if (auto wrong = why_unknown(types); !wrong.empty())
    throw std::logic_error(wrong);
}

} // namespace troupe::detail
