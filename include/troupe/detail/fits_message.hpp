// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/error.hpp>
#include <caf/fwd.hpp>
#include <caf/message.hpp>
#include <caf/type_id.hpp>

#include <string_view>
#include <type_traits>
#include <utility>

namespace troupe::detail {

/// Whether a message can hold a `T`: a class or an enumeration needs a type id,
/// unless CAF converts it.
template <class T>
inline constexpr bool fits_message
  = !(std::is_class_v<T> || std::is_enum_v<T>) || caf::has_type_id_v<T>
    || std::is_convertible_v<T, caf::error>
    || std::is_same_v<T, std::string_view>
    || std::is_same_v<T, caf::scoped_actor>;

/// Gives a readable error for a type that an `ask` can neither send nor get.
template <class... Ts>
constexpr bool check_fits_message() {
  static_assert((fits_message<Ts> && ...),
                "a type in this ask has no CAF type id: write "
                "CAF_BEGIN_TYPE_ID_BLOCK(my_app, first_custom_type_id) "
                "CAF_ADD_TYPE_ID(my_app, (my_type)) "
                "CAF_END_TYPE_ID_BLOCK(my_app) before its first use, and "
                "name caf::id_block::my_app in CAF_MAIN");
  return (fits_message<Ts> && ...);
}

/// The message of an `ask`.
template <class... Ts>
[[nodiscard]] caf::message make_request(Ts&&... xs) {
  if constexpr (check_fits_message<std::remove_cvref_t<Ts>...>())
    return caf::make_message(std::forward<Ts>(xs)...);
  else
    return {};
}

} // namespace troupe::detail
