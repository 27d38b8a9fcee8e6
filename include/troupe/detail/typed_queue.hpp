// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/known_types.hpp"
#include "troupe/detail/message_queue.hpp"

#include <caf/message.hpp>
#include <caf/type_id.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace troupe::detail {

/// Whether CAF can carry a `T` in a message.
template <class T>
concept sendable = caf::has_type_id_v<T> && std::copy_constructible<T>;

/// Takes a `T` out of a message that holds one, copying it if others have the
/// message as well.
template <class T>
[[nodiscard]] T&& take_content(caf::message& msg) {
  // Where `get_mutable_as` would do so, an exception would end the process.
  msg.force_unshare();
  return std::move(const_cast<T&>(msg.get_as<T>(0)));
}

/// The types that a queue of `T` takes: `T`, and for a variant each of its
/// alternatives as well.
template <class T>
struct queue_types {
  /// Whether CAF knows what the queue takes.
  static constexpr bool have_type_ids = caf::has_type_id_v<T>;

  /// Says so if CAF does not know it in this program.
  [[nodiscard]] static std::string why_unknown() {
    return detail::why_unknown({declared<T>()});
  }

  static bool convert(caf::message& msg, std::optional<T>& result) {
    if constexpr (sendable<T>) {
      if (msg.match_elements<T>()) {
        result.emplace(take_content<T>(msg));
        return true;
      }
    }
    return false;
  }

  static caf::message to_message(T& x) {
    if constexpr (sendable<T>)
      return caf::make_message(std::move(x));
    else
      return {};
  }
};

/// @copydoc queue_types
template <class... Ts>
struct queue_types<std::variant<Ts...>> {
  using value_type = std::variant<Ts...>;

  /// The alternatives are enough: the variant itself need not be a message.
  static constexpr bool have_type_ids = (caf::has_type_id_v<Ts> && ...);

  /// @copydoc queue_types::why_unknown
  [[nodiscard]] static std::string why_unknown() {
    return detail::why_unknown({declared<value_type>(), declared<Ts>()...});
  }

  static bool convert(caf::message& msg, std::optional<value_type>& result) {
    if constexpr (sendable<value_type>) {
      if (msg.match_elements<value_type>()) {
        result.emplace(take_content<value_type>(msg));
        return true;
      }
    }
    return (convert_one<Ts>(msg, result) || ...);
  }

  /// As a plain alternative, which any actor may know.
  static caf::message to_message(value_type& x) {
    return std::visit(
      [](auto& y) {
        return queue_types<std::decay_t<decltype(y)>>::to_message(y);
      },
      x);
  }

private:
  template <class U>
  static bool
  convert_one(caf::message& msg, std::optional<value_type>& result) {
    if constexpr (sendable<U>) {
      if (msg.match_elements<U>()) {
        result.emplace(take_content<U>(msg));
        return true;
      }
    }
    return false;
  }
};

/// The queue of a `queue_consumer<T>`.
template <class T>
class typed_queue : public message_queue {
public:
  struct typed_node final : node {
    explicit typed_node(T x) : value(std::move(x)) {
      // nop
    }

    /// Gives the message away, or a copy of it if it is to stay.
    T take_or_copy(bool stays) {
      if constexpr (std::copy_constructible<T>) {
        if (stays)
          return std::as_const(value);
      }
      spent = true;
      return std::move(value);
    }

    [[nodiscard]] caf::message content() override {
      return spent ? caf::message{} : queue_types<T>::to_message(value);
    }

    T value;
  };

  [[nodiscard]] node_ptr convert(caf::message& msg) override {
    std::optional<T> value;
    if (!queue_types<T>::convert(msg, value))
      return nullptr;
    return std::make_unique<typed_node>(std::move(*value));
  }

  /// Appends `x`.
  /// @returns whether the queue took it.
  bool push(T x) {
    return message_queue::push(std::make_unique<typed_node>(std::move(x)));
  }
};

} // namespace troupe::detail
