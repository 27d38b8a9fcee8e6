// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/handler_call.hpp"

#include <caf/message_handler.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace troupe {

/// The messages that a worker answers beside its queue: what
/// `worker::handlers()` returns. Built from function objects and plain
/// functions, each with one parameter list; one that returns a `task<R>` is a
/// coroutine, and the request is answered when it returns. An exception out of
/// any of them fails the worker, and the requester gets the error. (L28)
///
/// ~~~
/// troupe::message_handlers handlers() override {
///   return {
///     [this](caf::get_atom) { return value_; },
///     [this](caf::put_atom, int x) -> troupe::task<> {
///       co_await sleep_for(1s);
///       value_ = x;
///     },
///   };
/// }
/// ~~~
///
/// The function objects live as long as the worker and the message as long as
/// its handler, so a coroutine may use what its lambda has captured, and
/// parameters that are references.
class message_handlers {
public:
  message_handlers() = default;

  /// Handlers, each one for the messages that fit its parameters.
  template <class... Fs>
    requires(sizeof...(Fs) > 0
             && (!std::same_as<std::decay_t<Fs>, message_handlers> && ...))
  message_handlers(Fs&&... fs) : impl_(guarded(std::forward<Fs>(fs))...) {
    // nop
  }

  /// Whether there is none.
  [[nodiscard]] bool empty() const noexcept {
    return !static_cast<bool>(impl_);
  }

  /// As CAF calls them.
  [[nodiscard]] const caf::message_handler& impl() const noexcept {
    return impl_;
  }

private:
  template <class F>
  static auto guarded(F&& f) {
    using function = std::decay_t<F>;
    if constexpr (std::is_pointer_v<function>) {
      static_assert(std::is_function_v<std::remove_pointer_t<function>>,
                    "a handler must be a function or a function object");
      if constexpr (std::is_function_v<std::remove_pointer_t<function>>)
        return guarded_as(std::forward<F>(f), f);
      else
        return [] {};
    } else if constexpr (requires { &function::operator(); }) {
      return guarded_as(std::forward<F>(f), &function::operator());
    } else {
      static_assert(!std::is_same_v<function, function>,
                    "CAF chooses a handler by the types of its parameters, so "
                    "a handler must have one operator() and must not be a "
                    "generic lambda: write the type instead of \"auto\"");
      return [] {};
    }
  }

  template <class F, class R, class... Ts>
  static auto guarded_as(F&& f, R (*)(Ts...)) {
    return detail::guarded_handler<std::remove_cvref_t<R>, Ts...>(
      std::forward<F>(f));
  }

  template <class F, class C, class R, class... Ts>
  static auto guarded_as(F&& f, R (C::*)(Ts...)) {
    return detail::guarded_handler<std::remove_cvref_t<R>, Ts...>(
      std::forward<F>(f));
  }

  template <class F, class C, class R, class... Ts>
  static auto guarded_as(F&& f, R (C::*)(Ts...) const) {
    return detail::guarded_handler<std::remove_cvref_t<R>, Ts...>(
      std::forward<F>(f));
  }

  caf::message_handler impl_;
};

} // namespace troupe
