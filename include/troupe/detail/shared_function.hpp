// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/unique_function.hpp"

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace troupe::detail {

template <class Signature>
class shared_function;

/// A function object whose copies are one and the same: copying is cheap, also
/// where the callable can only be moved, and each copy keeps it alive. So it
/// may be replaced, or thrown away, while it runs.
///
/// ~~~
/// shared_function<void(int)> f = [p = std::make_unique<int>(1)](int x) {
///   *p += x;
/// };
/// auto g = f; // the same p
/// ~~~
///
/// The count is thread-safe; the calls are as safe as what is called.
template <class R, class... Ts>
class shared_function<R(Ts...)> {
public:
  shared_function() noexcept = default;

  shared_function(std::nullptr_t) noexcept {
    // nop
  }

  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, shared_function>
             && std::is_invocable_r_v<R, std::decay_t<F>&, Ts...>)
  shared_function(F&& f) {
    unique_function<R(Ts...)> target{std::forward<F>(f)};
    if (target)
      target_ = std::make_shared<unique_function<R(Ts...)>>(std::move(target));
  }

  /// Whether there is something to call.
  [[nodiscard]] explicit operator bool() const noexcept {
    return target_ != nullptr;
  }

  /// Whether both are the same.
  friend bool operator==(const shared_function& x,
                         const shared_function& y) noexcept {
    return x.target_ == y.target_;
  }

  /// Calls it.
  /// @pre there is something to call
  R operator()(Ts... xs) const {
    return (*target_)(std::forward<Ts>(xs)...);
  }

private:
  std::shared_ptr<unique_function<R(Ts...)>> target_;
};

} // namespace troupe::detail
