// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/typed_queue.hpp"
#include "troupe/fwd.hpp"
#include "troupe/handlers.hpp"
#include "troupe/outcome.hpp"
#include "troupe/status_fields.hpp"
#include "troupe/task.hpp"

#include <stdexcept>
#include <string>
#include <type_traits>

namespace troupe::detail {

// The checks below find members that look like a hook of a worker and are none,
// so that nobody would call them. They do not see members that are overloaded
// or not public.

/// The type of a member function, without its class.
template <class T>
struct member_signature {
  using type = void;
};

template <class C, class R, class... Ts>
struct member_signature<R (C::*)(Ts...)> {
  using type = R(Ts...);
};

template <class C, class R, class... Ts>
struct member_signature<R (C::*)(Ts...) noexcept> {
  using type = R(Ts...);
};

template <class Pointer, class Signature>
inline constexpr bool is_hook
  = std::is_same_v<typename member_signature<Pointer>::type, Signature>;

/// Whether a function hides the hook of that name. A variable may.
template <class Pointer, class Signature>
inline constexpr bool hides_hook = std::is_member_function_pointer_v<Pointer>
                                   && !is_hook<Pointer, Signature>;

/// Whether a member function without parameters is meant, `const` or whatever
/// it returns.
template <class T>
inline constexpr bool takes_nothing = false;

template <class C, class R>
inline constexpr bool takes_nothing<R (C::*)()> = true;

template <class C, class R>
inline constexpr bool takes_nothing<R (C::*)() const> = true;

template <class C, class R>
inline constexpr bool takes_nothing<R (C::*)() noexcept> = true;

template <class C, class R>
inline constexpr bool takes_nothing<R (C::*)() const noexcept> = true;

/// Refuses functions with the name of a hook that do not override it.
template <class W>
constexpr void check_signatures_of_hooks() {
  if constexpr (requires { &W::on_startup; })
    static_assert(!hides_hook<decltype(&W::on_startup), task<void>()>,
                  "this worker has a function on_startup that is not the hook "
                  "of that name, so nobody calls it; the hook is "
                  "`troupe::task<> on_startup() override`");
  if constexpr (requires { &W::on_shutdown; })
    static_assert(!hides_hook<decltype(&W::on_shutdown), task<void>()>,
                  "this worker has a function on_shutdown that is not the hook "
                  "of that name, so nobody calls it; the hook is "
                  "`troupe::task<> on_shutdown() override`");
  if constexpr (requires { &W::after_shutdown; })
    static_assert(
      !hides_hook<decltype(&W::after_shutdown), void(const outcome&)>,
      "this worker has a function after_shutdown that is not the "
      "hook of that name, so nobody calls it; the hook is `void "
      "after_shutdown(const troupe::outcome&) override`");
  if constexpr (requires { &W::handlers; })
    static_assert(!hides_hook<decltype(&W::handlers), message_handlers()>,
                  "this worker has a function handlers that is not the hook of "
                  "that name, so nobody calls it; the hook is "
                  "`troupe::message_handlers handlers() override`");
  // One with arguments describes something else.
  if constexpr (requires { &W::describe; }) {
    using pointer = decltype(&W::describe);
    static_assert(!takes_nothing<pointer>
                    || !hides_hook<pointer, status_fields()>,
                  "this worker has a function describe that is not the hook of "
                  "that name, so nobody calls it; the hook is "
                  "`troupe::status_fields describe() override`");
  }
}

/// Refuses coroutines with a name that sounds like that of a hook.
template <class W>
constexpr void check_names_of_hooks() {
  if constexpr (requires { &W::on_start; })
    static_assert(!is_hook<decltype(&W::on_start), task<void>()>,
                  "nobody calls on_start() of this worker: the hook is "
                  "`troupe::task<> on_startup() override`; if on_start is a "
                  "function of your own, make it protected or private");
  if constexpr (requires { &W::on_ready; })
    static_assert(!is_hook<decltype(&W::on_ready), task<void>()>,
                  "nobody calls on_ready() of this worker: it is ready when "
                  "its hook `troupe::task<> on_startup() override` has "
                  "returned; if on_ready is a function of your own, make it "
                  "protected or private");
  if constexpr (requires { &W::on_stop; })
    static_assert(!is_hook<decltype(&W::on_stop), task<void>()>,
                  "nobody calls on_stop() of this worker: the hook is "
                  "`troupe::task<> on_shutdown() override`; if on_stop is a "
                  "function of your own, make it protected or private");
  if constexpr (requires { &W::on_exit; })
    static_assert(!is_hook<decltype(&W::on_exit), task<void>()>,
                  "nobody calls on_exit() of this worker: the hook is "
                  "`troupe::task<> on_shutdown() override`; if on_exit is a "
                  "function of your own, make it protected or private");
}

/// Gives a readable error for a class of which there can be no object, or with
/// a hook that nobody would call.
template <class W>
constexpr void check_worker_class() {
  static_assert(!std::is_abstract_v<W>,
                "this worker has no run(), or a durable::worker no handle(): "
                "its class, or a base of it, must override `troupe::task<> "
                "run()`, and whatever else is pure");
  check_signatures_of_hooks<W>();
  check_names_of_hooks<W>();
}

/// Says so if CAF does not know in this program the types of messages in the
/// queue of a `W`.
template <class W>
[[nodiscard]] std::string why_messages_unknown() {
  if constexpr (consumes_messages<W>)
    return queue_types<typename W::message_type>::why_unknown();
  else
    return {};
}

/// The same as an exception.
/// @throws std::logic_error if there is such a type.
template <class W>
void check_messages_known() {
  if (auto wrong = why_messages_unknown<W>(); !wrong.empty())
    throw std::logic_error(wrong);
}

} // namespace troupe::detail
