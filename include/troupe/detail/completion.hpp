// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace troupe::detail {

/// How a coroutine or an offloaded function came to its end: with a value, or
/// with the exception that it threw.
///
/// A `completion` is empty until one of the two is put in, and moving it never
/// throws: when the value's own move does, the exception takes its place.
template <class T>
class [[nodiscard]] completion {
public:
  completion() noexcept {
    // nop
  }

  completion(completion&& other) noexcept {
    take_over(other);
  }

  completion& operator=(completion&& other) noexcept {
    if (this != &other) {
      reset();
      take_over(other);
    }
    return *this;
  }

  ~completion() {
    reset();
  }

  // -- properties -------------------------------------------------------------

  /// Whether there is a value.
  [[nodiscard]] bool has_value() const noexcept {
    return content_ == content::value;
  }

  /// Whether there is a value.
  [[nodiscard]] explicit operator bool() const noexcept {
    return has_value();
  }

  /// The exception, or null when there is none.
  [[nodiscard]] std::exception_ptr error() const noexcept {
    return content_ == content::error ? error_ : nullptr;
  }

  // -- modifiers --------------------------------------------------------------

  /// Puts the value in.
  template <class... Ts>
  void emplace(Ts&&... xs) {
    reset();
    make_value(std::forward<Ts>(xs)...);
  }

  /// Puts an exception in.
  void fail(std::exception_ptr error) noexcept {
    reset();
    make_error(std::move(error));
  }

  /// Empties it.
  void reset() noexcept {
    if (content_ != content::nothing)
      clear();
  }

  /// Moves the value out, or throws the exception.
  /// @throws std::logic_error if it is empty.
  [[nodiscard]] T take() {
    if (content_ == content::value)
      return std::move(value_);
    if (content_ == content::error)
      std::rethrow_exception(error_);
    throw std::logic_error("this completion is empty");
  }

private:
  enum class content : std::uint8_t { nothing, value, error };

  // Two functions are not inlined, because GCC 12 would not see that they touch
  // only what there is, and warn.

  [[gnu::noinline]] void clear() noexcept {
    if (std::exchange(content_, content::nothing) == content::value)
      std::destroy_at(std::addressof(value_));
    else
      std::destroy_at(&error_);
  }

  template <class... Ts>
  void make_value(Ts&&... xs) {
    std::construct_at(std::addressof(value_), std::forward<Ts>(xs)...);
    content_ = content::value;
  }

  void make_error(std::exception_ptr error) noexcept {
    std::construct_at(&error_, std::move(error));
    content_ = content::error;
  }

  // Moves from `other` into this one, which is empty.
  [[gnu::noinline]] void take_over(completion& other) noexcept {
    if (other.content_ == content::error) {
      make_error(std::move(other.error_));
    } else if (other.content_ == content::value) {
      if constexpr (std::is_nothrow_move_constructible_v<T>) {
        make_value(std::move(other.value_));
      } else {
        try {
          make_value(std::move(other.value_));
        } catch (...) {
          make_error(std::current_exception());
        }
      }
    }
  }

  // A union by hand: GCC 12 warns about std::variant for no reason.
  union {
    std::remove_const_t<T> value_;
    std::exception_ptr error_;
  };

  content content_ = content::nothing;
};

/// A completion whose value is a reference.
template <class T>
class [[nodiscard]] completion<T&> {
public:
  [[nodiscard]] bool has_value() const noexcept {
    return value_ != nullptr;
  }

  [[nodiscard]] explicit operator bool() const noexcept {
    return has_value();
  }

  [[nodiscard]] std::exception_ptr error() const noexcept {
    return error_;
  }

  void emplace(T& value) noexcept {
    value_ = &value;
    error_ = nullptr;
  }

  void fail(std::exception_ptr error) noexcept {
    value_ = nullptr;
    error_ = std::move(error);
  }

  void reset() noexcept {
    value_ = nullptr;
    error_ = nullptr;
  }

  [[nodiscard]] T& take() {
    if (value_ != nullptr)
      return *value_;
    if (error_ != nullptr)
      std::rethrow_exception(error_);
    throw std::logic_error("this completion is empty");
  }

private:
  T* value_ = nullptr;
  std::exception_ptr error_;
};

/// A completion without a value: it says whether there was an exception.
template <>
class [[nodiscard]] completion<void> {
public:
  [[nodiscard]] bool has_value() const noexcept {
    return error_ == nullptr;
  }

  [[nodiscard]] explicit operator bool() const noexcept {
    return has_value();
  }

  [[nodiscard]] std::exception_ptr error() const noexcept {
    return error_;
  }

  void emplace() noexcept {
    error_ = nullptr;
  }

  void fail(std::exception_ptr error) noexcept {
    error_ = std::move(error);
  }

  void reset() noexcept {
    error_ = nullptr;
  }

  void take() {
    if (error_)
      std::rethrow_exception(error_);
  }

private:
  std::exception_ptr error_;
};

} // namespace troupe::detail
