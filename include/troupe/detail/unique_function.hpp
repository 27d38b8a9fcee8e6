// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace troupe::detail {

template <class Signature>
class unique_function;

/// A function object that can be moved but not copied, so that it can own what
/// cannot be copied either. A callable no larger than three pointers needs no
/// memory of its own.
///
/// ~~~
/// unique_function<int(int)> f = [p = std::make_unique<int>(1)](int x) {
///   return *p + x;
/// };
/// ~~~
template <class R, class... Ts>
class unique_function<R(Ts...)> {
public:
  unique_function() noexcept = default;

  unique_function(std::nullptr_t) noexcept {
    // nop
  }

  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, unique_function>
             && std::is_invocable_r_v<R, std::decay_t<F>&, Ts...>)
  unique_function(F&& f) {
    using fun = std::decay_t<F>;
    using given = std::remove_reference_t<F>;
    if constexpr (std::is_pointer_v<given> || std::is_member_pointer_v<given>) {
      if (f == nullptr)
        return;
    }
    if constexpr (fits<fun>) {
      ::new (static_cast<void*>(&storage_)) fun(std::forward<F>(f));
      ops_ = &inline_ops<fun>;
    } else {
      auto made = std::make_unique<fun>(std::forward<F>(f));
      ::new (static_cast<void*>(&storage_)) fun*(made.release());
      ops_ = &heap_ops<fun>;
    }
  }

  unique_function(unique_function&& other) noexcept {
    take(other);
  }

  unique_function& operator=(unique_function&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }

  unique_function& operator=(std::nullptr_t) noexcept {
    reset();
    return *this;
  }

  ~unique_function() {
    reset();
  }

  /// Whether there is something to call.
  [[nodiscard]] explicit operator bool() const noexcept {
    return ops_ != nullptr;
  }

  /// Calls it.
  /// @pre there is something to call
  R operator()(Ts... xs) {
    return ops_->call(&storage_, std::forward<Ts>(xs)...);
  }

private:
  struct storage {
    alignas(void*) std::byte bytes[3 * sizeof(void*)];
  };

  struct operations {
    R (*call)(void*, Ts&&...);
    void (*move)(void* from, void* to) noexcept;
    void (*destroy)(void*) noexcept;
  };

  template <class F>
  static constexpr bool fits = sizeof(F) <= sizeof(storage)
                               && alignof(F) <= alignof(storage)
                               && std::is_nothrow_move_constructible_v<F>;

  template <class F>
  static R invoke(F& f, Ts&&... xs) {
    if constexpr (std::is_void_v<R>)
      std::invoke(f, std::forward<Ts>(xs)...);
    else
      return std::invoke(f, std::forward<Ts>(xs)...);
  }

  template <class F>
  static F& at(void* storage) noexcept {
    return *std::launder(static_cast<F*>(storage));
  }

  template <class F>
  static constexpr operations inline_ops = {
    [](void* f, Ts&&... xs) -> R {
      return invoke(at<F>(f), std::forward<Ts>(xs)...);
    },
    [](void* from, void* to) noexcept {
      ::new (to) F(std::move(at<F>(from)));
      at<F>(from).~F();
    },
    [](void* f) noexcept { at<F>(f).~F(); },
  };

  template <class F>
  static constexpr operations heap_ops = {
    [](void* f, Ts&&... xs) -> R {
      return invoke(*at<F*>(f), std::forward<Ts>(xs)...);
    },
    [](void* from, void* to) noexcept { ::new (to) F*(at<F*>(from)); },
    [](void* f) noexcept { delete at<F*>(f); },
  };

  void reset() noexcept {
    if (auto* ops = std::exchange(ops_, nullptr))
      ops->destroy(&storage_);
  }

  void take(unique_function& other) noexcept {
    if (other.ops_ != nullptr) {
      other.ops_->move(&other.storage_, &storage_);
      ops_ = std::exchange(other.ops_, nullptr);
    }
  }

  const operations* ops_ = nullptr;
  storage storage_;
};

} // namespace troupe::detail
