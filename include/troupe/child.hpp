// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/child_spec.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/detail/lasting.hpp"
#include "troupe/detail/misplaced_queue.hpp"
#include "troupe/detail/worker_class.hpp"
#include "troupe/path.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/task.hpp"
#include "troupe/worker.hpp"
#include "troupe/worker_ref.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <caf/fwd.hpp>
#include <caf/local_actor.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace troupe {

/// Makes workers of class `W` with a function.
template <std::derived_from<worker> W, class F>
class worker_factory : public child_factory {
public:
  /// Makes them with that function.
  explicit worker_factory(F make) : make_(std::move(make)) {
    // nop
  }

  [[nodiscard]] std::unique_ptr<worker>
  make(caf::actor_system& sys) const override {
    return std::unique_ptr<W>{make_(sys)};
  }

  [[nodiscard]] std::shared_ptr<detail::message_queue>
  make_queue() const override {
    if constexpr (consumes_messages<W>)
      return detail::access::make_queue_for<W>();
    else
      return nullptr;
  }

  [[nodiscard]] const std::type_info& type() const noexcept override {
    return typeid(W);
  }

  [[nodiscard]] std::string check() const override {
    return detail::why_messages_unknown<W>();
  }

private:
  F make_;
};

/// A spec for a worker of class `W` that is made by `make`, a function object
/// that takes nothing, or the actor system, and returns a
/// `std::unique_ptr<W>`. For arguments that can only be moved.
template <std::derived_from<worker> W, class F>
[[nodiscard]] child_spec
child_made_by(std::string name, child_options options, F make) {
  auto call = [make = std::move(make)](caf::actor_system& sys) {
    if constexpr (std::is_invocable_v<const F&, caf::actor_system&>)
      return std::unique_ptr<W>{make(sys)};
    else
      return std::unique_ptr<W>{make()};
  };
  using factory = worker_factory<W, decltype(call)>;
  return {std::move(name), std::move(options),
          std::make_shared<factory>(std::move(call))};
}

/// A class whose workers remember something from one life to the next: all
/// lives of a child, and of those made of copies of its spec, share one
/// `W::memory_of_lives`.
template <class W>
concept has_memory
  = requires(W& x, std::shared_ptr<typename W::memory_of_lives> shared) {
      x.remember(std::move(shared));
    };

/// Makes a worker of class `W`, which remembers nothing.
template <class W>
struct worker_maker {
  /// Makes one of these arguments.
  template <class... Ts>
  [[nodiscard]] std::unique_ptr<W> make(Ts&&... xs) const {
    return std::make_unique<W>(std::forward<Ts>(xs)...);
  }
};

/// @copydoc worker_maker
template <has_memory W>
struct worker_maker<W> {
  /// Makes one that remembers what those before it did.
  template <class... Ts>
  [[nodiscard]] std::unique_ptr<W> make(Ts&&... xs) const {
    auto result = std::make_unique<W>(std::forward<Ts>(xs)...);
    result->remember(memory);
    return result;
  }

  /// What all of them share.
  std::shared_ptr<typename W::memory_of_lives> memory
    = std::make_shared<typename W::memory_of_lives>();
};

/// A spec for a worker of class `W`.
///
/// ~~~
/// auto spec = troupe::child<fetcher>(
///   "fetcher", {.restart = troupe::restart::transient}, url,
///   troupe::by_path<writer>("/pipeline/writer"));
/// ~~~
/// @param xs For the constructor of `W`: kept, and passed again, as they were,
///           for each life. The result of `by_path`, and of `add`, becomes a
///           handle, looked up each time.
template <std::derived_from<worker> W, class... Ts>
[[nodiscard]] child_spec
child(std::string name, child_options options = {}, Ts&&... xs) {
  static_assert((std::copy_constructible<std::decay_t<Ts>> && ...),
                "the arguments of a child are kept and used again at each "
                "restart, so they must be copyable; for others pass a function "
                "that makes the worker: troupe::child_made_by<W>(name, "
                "options, [] { return std::make_unique<W>(...); })");
  detail::check_worker_class<W>();
  static_assert(
    std::is_abstract_v<W>
      || std::is_constructible_v<W, const resolved_t<std::decay_t<Ts>>&...>,
    "the worker has no constructor for these arguments, which it gets as const "
    "references; the arguments after the options go to its constructor");
  auto make = [args = std::tuple<std::decay_t<Ts>...>{std::forward<Ts>(xs)...},
               maker = worker_maker<W>{}](caf::actor_system& sys) {
    return std::apply(
      [&](const auto&... ys) { return maker.make(resolve(sys, ys)...); }, args);
  };
  if constexpr (sizeof...(Ts) == 0 && !has_memory<W>) {
    // Without arguments one factory does for all: there may be a million. The
    // destructor of a global may still use it.
    static const detail::lasting<std::shared_ptr<const child_factory>> all{
      child_made_by<W>({}, {}, std::move(make)).factory};
    return {std::move(name), std::move(options), all.value};
  } else {
    return child_made_by<W>(std::move(name), std::move(options),
                            std::move(make));
  }
}

/// An option of the worker stands among those of the child: says so.
template <std::derived_from<worker> W, class... Ts>
[[nodiscard]] child_spec child(std::string, detail::misplaced_queue, Ts&&...) {
  detail::refuse_misplaced_queue<W>();
  return {};
}

/// The same with the options left out.
template <std::derived_from<worker> W, class T, class... Ts>
  requires(!std::convertible_to<T, child_options>)
[[nodiscard]] child_spec child(std::string name, T&& x, Ts&&... xs) {
  return child<W>(std::move(name), child_options{}, std::forward<T>(x),
                  std::forward<Ts>(xs)...);
}

/// A function that spawns a plain CAF actor: it takes the actor system, or
/// nothing, and returns a handle, or a `task` that gives one.
template <class F>
concept actor_factory = std::is_invocable_v<F&, caf::actor_system&>
                        || std::is_invocable_v<F&>;

/// The result of such a function.
template <class F>
struct actor_result : std::invoke_result<F&> {};

/// @copydoc actor_result
template <class F>
  requires std::is_invocable_v<F&, caf::actor_system&>
struct actor_result<F> : std::invoke_result<F&, caf::actor_system&> {};

/// The handle that it gives in the end.
template <class T>
struct made_actor {
  using type = T;
};

/// @copydoc made_actor
template <class T>
struct made_actor<task<T>> {
  using type = T;
};

/// @copydoc made_actor
template <class F>
using made_actor_t = typename made_actor<typename actor_result<F>::type>::type;

/// A function that is called when such an actor has ended, with its handle: a
/// plain one, or a coroutine, which returns `task<>` and takes the handle by
/// value.
template <class G, class F>
concept actor_stop_function = std::is_invocable_v<G&, made_actor_t<F>>;

/// How the actors of a child come, and what follows when one has ended.
struct actor_functions {
  /// Makes the actor of a life.
  std::function<caf::strong_actor_ptr(caf::actor_system&)> make = {};

  /// For one that may wait, instead of `make`.
  std::function<task<caf::strong_actor_ptr>(caf::actor_system&)> make_later
    = {};

  /// May be empty.
  std::function<task<>(caf::strong_actor_ptr)> on_stopped = {};
};

/// Makes the spec of a child that is a plain CAF actor.
[[nodiscard]] child_spec child_actor(std::string name, child_options options,
                                     actor_functions functions);

/// Gives the same actor by another handle.
template <class Handle>
[[nodiscard]] task<caf::strong_actor_ptr>
to_strong_actor_ptr(task<Handle> making) {
  auto made = co_await std::move(making);
  co_return caf::actor_cast<caf::strong_actor_ptr>(std::move(made));
}

/// Makes actors with `make`.
template <actor_factory F>
[[nodiscard]] actor_functions actor_functions_of(F make) {
  auto call = [make = std::move(make)](caf::actor_system& sys) mutable {
    if constexpr (std::is_invocable_v<F&, caf::actor_system&>)
      return make(sys);
    else
      return make();
  };
  using made = std::invoke_result_t<decltype(call)&, caf::actor_system&>;
  if constexpr (std::is_same_v<made, made_actor_t<F>>)
    return {.make = [call = std::move(call)](caf::actor_system& sys) mutable {
      return caf::actor_cast<caf::strong_actor_ptr>(call(sys));
    }};
  else
    return {
      .make_later = [call = std::move(call)](caf::actor_system& sys) mutable {
        return to_strong_actor_ptr(call(sys));
      }};
}

/// A factory that does `sys.spawn(f, xs...)`: for `add_actor` and
/// `child_actor`.
///
/// ~~~
/// const auto sums = tree.add_actor("sums", troupe::spawner(adder));
/// tree.add_actor("client", troupe::spawner(client, sums, 1, 2));
/// ~~~
/// @param f The function that is the actor, or initializes it.
/// @param xs Its arguments: kept, and passed again for each life. The result of
///           `by_path`, and of `add_actor`, becomes the actor that there is
///           then.
template <class F, class... Ts>
[[nodiscard]] auto spawner(F f, Ts&&... xs) {
  return [f = std::move(f),
          args = std::tuple<std::decay_t<Ts>...>{std::forward<Ts>(xs)...}](
           caf::actor_system& sys) {
    return std::apply(
      [&](const auto&... ys) { return sys.spawn(f, resolve(sys, ys)...); },
      args);
  };
}

/// The same for an actor that is a class: `sys.spawn<A>(xs...)`.
template <class A, class... Ts>
  requires std::derived_from<A, caf::local_actor>
[[nodiscard]] auto spawner(Ts&&... xs) {
  return [args = std::tuple<std::decay_t<Ts>...>{std::forward<Ts>(xs)...}](
           caf::actor_system& sys) {
    return std::apply(
      [&](const auto&... ys) { return sys.spawn<A>(resolve(sys, ys)...); },
      args);
  };
}

/// A spec for a plain CAF actor of whatever handle type. (S23)
/// @param make Spawns it; called again for each life, on a thread of the
///             scheduler. It gets the actor system, if it takes it, and returns
///             a handle; null, or an exception, is a failed start. One that has
///             to wait, say for another node, is a coroutine and returns a
///             `task` of a handle: it may await whatever needs no worker, such
///             as `troupe::offload`. A stop ends its wait, where it can be
///             ended, and `start_timeout` bounds it.
template <actor_factory F>
[[nodiscard]] child_spec
child_actor(std::string name, child_options options, F make) {
  return child_actor(std::move(name), std::move(options),
                     actor_functions_of(std::move(make)));
}

/// The same with a function that is called when the actor of a life has ended,
/// before the next life begins: it gives back what `make` has taken, a port for
/// example.
/// @param on_stopped Called on a thread of the scheduler, with the time that
///                   `worker::on_shutdown` has; not after a kill of the child.
///                   An exception is a failure of the child.
template <actor_factory F, actor_stop_function<F> G>
[[nodiscard]] child_spec
child_actor(std::string name, child_options options, F make, G on_stopped) {
  auto functions = actor_functions_of(std::move(make));
  functions.on_stopped =
    [f = std::move(on_stopped)](const caf::strong_actor_ptr& who) mutable {
      auto handle = caf::actor_cast<made_actor_t<F>>(who);
      if constexpr (std::is_void_v<std::invoke_result_t<G&, made_actor_t<F>>>) {
        f(std::move(handle));
        return task<>::nothing();
      } else {
        return f(std::move(handle));
      }
    };
  return child_actor(std::move(name), std::move(options), std::move(functions));
}

/// The same with the options left out.
template <actor_factory F>
[[nodiscard]] child_spec child_actor(std::string name, F make) {
  return child_actor(std::move(name), child_options{}, std::move(make));
}

} // namespace troupe
