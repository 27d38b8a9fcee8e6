// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/completion.hpp"
#include "troupe/detail/fiber.hpp"
#include "troupe/detail/fits_message.hpp"
#include "troupe/detail/known_types.hpp"
#include "troupe/fwd.hpp"
#include "troupe/task.hpp"

#include <caf/delegated.hpp>
#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/message.hpp>
#include <caf/response_promise.hpp>
#include <caf/result.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_response_promise.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace troupe::detail {

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
  friend class worker_actor;

  void cancelled();

  [[nodiscard]] handler_call* next_call() const noexcept {
    return next_;
  }

  void link(handler_call*& first) noexcept;

  void unlink(handler_call*& first) noexcept;

  worker_core* core_;
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
  worker_actor* actor_;
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
  call.fiber().start(std::move(body), [ptr](completion<R> how) {
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
struct is_answer : std::bool_constant<fits_message<T>> {};

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

/// What CAF gets from a handler that returns an `R`: a result, a promise, or
/// whatever else CAF takes, as it is; any other value as a `caf::result`, which
/// can be an error as well.
template <class R>
struct reply_of {
  using type = std::conditional_t<caf::has_type_id_v<R>, caf::result<R>, R>;
};

template <>
struct reply_of<void> {
  using type = caf::result<void>;
};

template <class R>
struct reply_of<task<R>> {
  using type = caf::result<R>;
};

template <class T>
struct reply_of<caf::expected<T>> {
  using type = caf::result<T>;
};

template <class R>
using reply_of_t = typename reply_of<R>::type;

/// @copydoc reply_of
template <class R>
reply_of_t<R> as_reply(R&& result) {
  return std::forward<R>(result);
}

/// @copydoc reply_of
inline caf::result<void> as_reply(caf::expected<void>&& result) {
  if (!result)
    return result.error();
  return {};
}

/// Calls a handler that is no coroutine.
template <class Reply, class F, class... Ts>
Reply call_plain_handler(F& f, Ts&&... xs) {
  using result_type = std::invoke_result_t<F&, Ts...>;
  plain_handler_scope scope;
  if constexpr (std::is_void_v<result_type>) {
    f(std::forward<Ts>(xs)...);
    if (scope.failure())
      return std::move(scope.failure());
    return {};
  } else {
    auto result = f(std::forward<Ts>(xs)...);
    if constexpr (std::is_constructible_v<Reply, caf::error>)
      if (scope.failure())
        return Reply{std::move(scope.failure())};
    return as_reply(std::move(result));
  }
}

/// A handler as CAF is to call it: an exception fails the worker, and answers
/// the request.
template <class R, class... Ts, class F>
auto guarded_handler(F&& f) {
  check_known({declared<R>(), declared<Ts>()...});
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
  } else {
    using reply = reply_of_t<R>;
    return [shared](Ts... xs) -> reply {
      try {
        if constexpr (is_task<R>)
          return begin_handler((*shared)(std::forward<Ts>(xs)...));
        else
          return call_plain_handler<reply>(*shared, std::forward<Ts>(xs)...);
      } catch (...) {
        auto err = handler_failed(std::current_exception());
        if constexpr (std::is_constructible_v<reply, caf::error>) {
          return reply{std::move(err)};
        } else {
          respond_with(err);
          return reply{};
        }
      }
    };
  }
}

} // namespace troupe::detail
