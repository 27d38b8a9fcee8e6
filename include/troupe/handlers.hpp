// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/completion.hpp"
#include "troupe/detail/fiber.hpp"
#include "troupe/detail/known_types.hpp"
#include "troupe/fwd.hpp"
#include "troupe/task.hpp"

#include <caf/delegated.hpp>
#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/message.hpp>
#include <caf/message_handler.hpp>
#include <caf/response_promise.hpp>
#include <caf/result.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_response_promise.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace troupe {

/// A message handler that is a coroutine, while it runs. The worker owns it.
class handler_call {
public:
  handler_call();

  handler_call(const handler_call&) = delete;

  handler_call& operator=(const handler_call&) = delete;

  virtual ~handler_call();

  /// The promise of the reply.
  [[nodiscard]] caf::response_promise& promise() noexcept {
    return promise_;
  }

  [[nodiscard]] detail::fiber& fiber() noexcept {
    return fiber_;
  }

  /// Hands the call over to the worker it belongs to.
  static handler_call& adopt(std::unique_ptr<handler_call> x);

  /// A handler of the current worker has run until its first wait, or its end.
  static void begun();

  /// The handler threw: the worker fails, and the requester is told.
  void fail(const std::exception_ptr& what);

  /// The handler is done, and so is this object.
  void done();

private:
  friend class detail::worker_actor;

  void cancelled();

  [[nodiscard]] handler_call* next_call() const noexcept {
    return next_;
  }

  void link(handler_call*& first) noexcept;

  void unlink(handler_call*& first) noexcept;

  detail::worker_core* core_;
  caf::message content_; // what the handler's parameters may refer to
  caf::response_promise promise_;
  detail::fiber fiber_;
  handler_call* next_ = nullptr;
  handler_call* previous_ = nullptr;
};

/// Lives while a handler runs that is no coroutine: what the handler gives to
/// `worker::fail()` is the answer to its request.
class plain_handler_scope {
public:
  plain_handler_scope();

  plain_handler_scope(const plain_handler_scope&) = delete;

  plain_handler_scope& operator=(const plain_handler_scope&) = delete;

  ~plain_handler_scope();

  /// The error that the handler failed with, if it did.
  [[nodiscard]] caf::error& failure() noexcept {
    return failure_;
  }

private:
  detail::worker_actor* actor_;
  caf::error* outer_;
  caf::error failure_;
};

/// A handler threw: fails the current worker and makes an error for the
/// requester.
caf::error handler_failed(const std::exception_ptr& what);

/// Responds to the current request with `err`.
void respond_with(const caf::error& err);

/// Starts the coroutine of a handler of the current worker; the request is
/// answered when it returns.
template <class R>
caf::response_promise begin_handler(task<R> body) {
  auto& call = handler_call::adopt(std::make_unique<handler_call>());
  auto promise = call.promise();
  auto* ptr = &call;
  call.fiber().start(std::move(body), [ptr](detail::completion<R> how) {
    if (auto what = how.error())
      ptr->fail(what);
    else if constexpr (std::is_void_v<R>)
      ptr->promise().deliver();
    else
      ptr->promise().deliver(how.take());
    ptr->done();
  });
  handler_call::begun();
  return promise;
}

/// Whether CAF can make a reply of a `T` that a handler returns. CAF itself
/// judges types that are no class and no enumeration: it converts integers and
/// text.
template <class T>
struct is_answer : std::bool_constant<!(std::is_class_v<T> || std::is_enum_v<T>)
                                      || caf::has_type_id_v<T>
                                      || std::is_convertible_v<T, caf::error>
                                      || std::is_same_v<T, std::string_view>> {
};

template <>
struct is_answer<caf::response_promise> : std::true_type {};

template <class T>
struct is_answer<task<T>> : is_answer<T> {};

template <class T>
struct is_answer<caf::expected<T>> : is_answer<T> {};

template <class... Ts>
struct is_answer<caf::result<Ts...>> : std::conjunction<is_answer<Ts>...> {};

template <class... Ts>
struct is_answer<caf::typed_response_promise<Ts...>>
  : std::conjunction<is_answer<Ts>...> {};

template <class... Ts>
struct is_answer<caf::delegated<Ts...>> : std::conjunction<is_answer<Ts>...> {};

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

  template <class... Fs>
    requires(sizeof...(Fs) > 0
             && (!std::same_as<std::decay_t<Fs>, message_handlers> && ...))
  message_handlers(Fs&&... fs) : impl_(guarded(std::forward<Fs>(fs))...) {
    // nop
  }

  [[nodiscard]] bool empty() const noexcept {
    return !static_cast<bool>(impl_);
  }

  [[nodiscard]] const caf::message_handler& impl() const noexcept {
    return impl_;
  }

private:
  template <class R>
  struct is_task : std::false_type {};

  template <class R>
  struct is_task<task<R>> : std::true_type {};

  template <class R>
  struct is_expected : std::false_type {};

  template <class T>
  struct is_expected<caf::expected<T>> : std::true_type {
    using content = T; // that of expected<void> has no name in CAF 0.18
  };

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
    return wrap<std::remove_cvref_t<R>, Ts...>(std::forward<F>(f));
  }

  template <class F, class C, class R, class... Ts>
  static auto guarded_as(F&& f, R (C::*)(Ts...)) {
    return wrap<std::remove_cvref_t<R>, Ts...>(std::forward<F>(f));
  }

  template <class F, class C, class R, class... Ts>
  static auto guarded_as(F&& f, R (C::*)(Ts...) const) {
    return wrap<std::remove_cvref_t<R>, Ts...>(std::forward<F>(f));
  }

  template <class R, class... Ts, class F>
  static auto wrap(F&& f) {
    detail::check_known({detail::declared<R>(), detail::declared<Ts>()...});
    // Shared, since CAF copies handlers and a coroutine refers to its lambda.
    auto shared = std::make_shared<std::decay_t<F>>(std::forward<F>(f));
    if constexpr (!is_answer<R>::value) {
      static_assert(!std::is_same_v<R, R>,
                    "what this handler returns has no CAF type id: write "
                    "CAF_BEGIN_TYPE_ID_BLOCK(my_app, first_custom_type_id) "
                    "CAF_ADD_TYPE_ID(my_app, (my_type)) "
                    "CAF_END_TYPE_ID_BLOCK(my_app) before its first use, and "
                    "name caf::id_block::my_app in CAF_MAIN");
      return [](Ts...) {};
    } else if constexpr (std::is_void_v<R>) {
      return [shared](Ts... xs) -> caf::result<void> {
        try {
          plain_handler_scope scope;
          (*shared)(std::forward<Ts>(xs)...);
          if (scope.failure())
            return std::move(scope.failure());
          return {};
        } catch (...) {
          return handler_failed(std::current_exception());
        }
      };
    } else if constexpr (is_task<R>::value) {
      return [shared](Ts... xs) -> caf::result<typename R::value_type> {
        try {
          return begin_handler((*shared)(std::forward<Ts>(xs)...));
        } catch (...) {
          return handler_failed(std::current_exception());
        }
      };
    } else if constexpr (is_expected<R>::value) {
      using value_type = typename is_expected<R>::content;
      return [shared](Ts... xs) -> caf::result<value_type> {
        try {
          plain_handler_scope scope;
          auto result = (*shared)(std::forward<Ts>(xs)...);
          if (scope.failure())
            return std::move(scope.failure());
          if (!result)
            return std::move(result.error());
          if constexpr (std::is_void_v<value_type>)
            return {};
          else
            return std::move(*result);
        } catch (...) {
          return handler_failed(std::current_exception());
        }
      };
    } else if constexpr (caf::has_type_id_v<R>) {
      return [shared](Ts... xs) -> caf::result<R> {
        try {
          plain_handler_scope scope;
          auto result = (*shared)(std::forward<Ts>(xs)...);
          if (scope.failure())
            return std::move(scope.failure());
          return result;
        } catch (...) {
          return handler_failed(std::current_exception());
        }
      };
    } else {
      // A result, a promise: whatever CAF takes, as it is.
      return [shared](Ts... xs) -> R {
        try {
          plain_handler_scope scope;
          auto result = (*shared)(std::forward<Ts>(xs)...);
          if constexpr (std::is_constructible_v<R, caf::error>)
            if (scope.failure())
              return R{std::move(scope.failure())};
          return result;
        } catch (...) {
          auto err = handler_failed(std::current_exception());
          if constexpr (std::is_constructible_v<R, caf::error>) {
            return R{std::move(err)};
          } else {
            respond_with(err);
            return R{};
          }
        }
      };
    }
  }

  caf::message_handler impl_;
};

} // namespace troupe
