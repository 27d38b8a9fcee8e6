// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string_view>
#include <type_traits>

namespace troupe {

/// What a key is to a `worker_pool`. Texts are equal if their characters are,
/// whatever holds them: a literal, a pointer to characters, a std::string.
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
