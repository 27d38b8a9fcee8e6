// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/access.hpp"
#include "troupe/detail/worker_class.hpp"
#include "troupe/options.hpp"
#include "troupe/worker.hpp"
#include "troupe/worker_ref.hpp"

#include <caf/fwd.hpp>
#include <caf/local_actor.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace troupe {

/// The part of `spawn` that does not depend on the class of the worker.
/// @throws std::invalid_argument if the options or the settings are wrong.
[[nodiscard]] detail::worker_core*
spawn_worker(caf::actor_system& sys, worker_options options,
             const std::type_info& type, std::unique_ptr<worker> what);

/// Constructs a worker, on the calling thread, and gives it an actor. Its state
/// is `init`: nothing runs before `startup()`, and messages to a queue are
/// kept. Thread-safe.
///
/// ~~~
/// auto ref = troupe::spawn<fetcher>(sys, {.name = "fetcher"}, url);
/// ~~~
/// @param options How it is to be run; `{}` if there is nothing to say.
/// @param xs For the constructor of `W`; may be movable only.
/// @throws std::invalid_argument if the options are wrong, naming worker and
///         field, or if a setting `troupe.*` or its environment variable is,
///         naming that: each is a whole number, zero or more, and a unit, such
///         as `10s` or `500ms`. And whatever the constructor throws.
/// @throws std::system_error if the actor system has had no worker before, and
///         there is no thread for its clock.
/// @throws std::logic_error if CAF does not know the type of messages in the
///         worker's queue, because its id block is missing in `CAF_MAIN`; in a
///         process that came out of `fork()` when the actor system was there.
template <std::derived_from<worker> W, class... Ts>
[[nodiscard]] worker_ref<W>
spawn(caf::actor_system& sys, worker_options options, Ts&&... xs) {
  detail::check_worker_class<W>();
  static_assert(std::is_abstract_v<W> || std::is_constructible_v<W, Ts...>,
                "the worker has no constructor for these arguments; the "
                "arguments after the options go to its constructor");
  detail::check_messages_known<W>();
  auto object = std::make_unique<W>(std::forward<Ts>(xs)...);
  return detail::access::make<worker_ref<W>>(
    spawn_worker(sys, std::move(options), typeid(W), std::move(object)));
}

/// As above, for a worker without options or arguments.
template <std::derived_from<worker> W>
[[nodiscard]] worker_ref<W> spawn(caf::actor_system& sys) {
  return spawn<W>(sys, worker_options{});
}

/// As above, in the actor system of another actor.
/// @param self The actor that spawns it, of whatever kind.
template <std::derived_from<worker> W, class... Ts>
[[nodiscard]] worker_ref<W>
spawn(caf::local_actor* self, worker_options options, Ts&&... xs) {
  return spawn<W>(self->home_system(), std::move(options),
                  std::forward<Ts>(xs)...);
}

/// As above, without options or arguments.
template <std::derived_from<worker> W>
[[nodiscard]] worker_ref<W> spawn(caf::local_actor* self) {
  return spawn<W>(self->home_system(), worker_options{});
}

/// The options were forgotten: says so.
template <std::derived_from<worker> W, class T, class... Ts>
  requires(!std::convertible_to<T, worker_options>)
[[nodiscard]] worker_ref<W> spawn(caf::actor_system&, T&&, Ts&&...) {
  static_assert(!std::is_same_v<W, W>,
                "the options of the worker come before the arguments of its "
                "constructor: write {} for the defaults, as in "
                "spawn<W>(sys, {}, xs...)");
  return {};
}

/// The same for an actor.
template <std::derived_from<worker> W, class T, class... Ts>
  requires(!std::convertible_to<T, worker_options>)
[[nodiscard]] worker_ref<W> spawn(caf::local_actor* self, T&& x, Ts&&... xs) {
  return spawn<W>(self->home_system(), std::forward<T>(x),
                  std::forward<Ts>(xs)...);
}

} // namespace troupe
