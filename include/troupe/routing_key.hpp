// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string_view>
#include <type_traits>

namespace troupe {

/// A key of a `worker_pool`. Texts are equal if their characters are, be they
/// in a literal, behind a pointer to characters or in a std::string.
template <class Key>
[[nodiscard]] std::uint64_t routing_hash(const Key& key) {
  if constexpr (std::convertible_to<const Key&, std::string_view>) {
    return std::hash<std::string_view>{}(key);
  } else {
    static_assert(!std::is_pointer_v<std::decay_t<Key>>,
                  "a pointer is no key of a worker_pool: equal things at "
                  "different places would go to different workers; pass what "
                  "it points to");
    return std::hash<Key>{}(key);
  }
}

} // namespace troupe
