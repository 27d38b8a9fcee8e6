// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/deserializer.hpp>
#include <caf/serializer.hpp>
#include <caf/type_id.hpp>

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace troupe::durable {

/// The payload of a job can be a type with an `inspect` and a CAF type
/// id, as for any message. Its *name* is written beside the payload, so the
/// number of the id may change.
template <class T>
concept payload_type = caf::has_type_id_v<T>
                       && std::is_default_constructible_v<T>
                       && std::is_same_v<T, std::remove_cvref_t<T>>;

/// A value could not become a payload, or a payload not a value.
class payload_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// The part of `encode` that does not depend on the type.
[[nodiscard]] std::string
encode_with(const std::function<bool(caf::serializer&)>& save);

/// The part of `decode` that does not depend on the type.
void decode_with(std::string_view json,
                 const std::function<bool(caf::deserializer&)>& load);

/// Makes JSON of a value.
///
/// Numbers of floating point are strings of digits in it, since CAF rounds
/// those that it writes as numbers.
/// @throws payload_error if its `inspect` refuses.
template <payload_type T>
[[nodiscard]] std::string encode(const T& x) {
  return encode_with([&x](caf::serializer& f) { return f.apply(x); });
}

/// Makes a value of JSON. A field that is missing gets its `fallback`, if its
/// `inspect` gives one; fields that nobody knows are skipped.
/// @throws payload_error with the reason.
template <payload_type T>
[[nodiscard]] T decode(std::string_view json) {
  T result{};
  decode_with(json,
              [&result](caf::deserializer& f) { return f.apply(result); });
  return result;
}

/// The name of a type in a store.
template <payload_type T>
[[nodiscard]] std::string type_name() {
  return std::string{caf::type_name_v<T>.data(), caf::type_name_v<T>.size()};
}

} // namespace troupe::durable
