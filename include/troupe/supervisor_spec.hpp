// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/child.hpp"
#include "troupe/supervisor_options.hpp"
#include "troupe/task.hpp"

#include <concepts>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// The description of a supervisor: its name, its strategy, and how its
/// children are made. A value; nothing runs before it is given to `spawn`,
/// `run` or `scoped_supervisor`.
///
/// ~~~
/// auto tree = troupe::supervisor_spec{
///   .name = "pipeline",
///   .strategy = troupe::strategy::one_for_one,
///   .intensity = {.max_restarts = 3, .within = 5s},
/// };
/// const auto out = tree.add<writer>("writer");
/// tree.add<fetcher>("fetcher", {.restart = troupe::restart::transient}, url,
///                   out);
/// ~~~
///
/// An aggregate for designated initializers; the order of its members is part
/// of the interface. All of it is checked before any child starts. (S1)
struct supervisor_spec {
  /// Its name, without `/` and control characters.
  std::string name = {};

  /// How a restart treats the other children.
  troupe::strategy strategy = troupe::strategy::one_for_one;

  /// How many restarts it takes before it gives up.
  restart_intensity intensity = {};

  /// Whether it stops when its significant children have ended. Unless it is
  /// `dynamic`, one of `children` must be significant, if there are any.
  troupe::auto_shutdown auto_shutdown = troupe::auto_shutdown::never;

  /// Whether it starts and stops many children at once instead of one after
  /// another; `dynamic` always does.
  bool concurrent = false;

  /// How many children a `dynamic` supervisor takes.
  std::size_t max_children = std::numeric_limits<std::size_t>::max();

  /// How long it may take to stop, for its children and itself; without it, as
  /// long as its children and the caller that stops it allow.
  optional_time stopping_grace_period = {};

  /// Called in each life when all children are ready, on the supervisor's own
  /// actor; it is ready itself when this coroutine has ended. An exception is a
  /// failed start, and its `start_timeout` bounds it. A stop destroys it where
  /// it waits. It may await what needs no worker: `offload`, `when_any`, a
  /// `child_call`. (S34)
  std::function<task<>()> on_ready = {};

  /// Called in each life when all children are over, however that came about,
  /// with the time that is left for the stop: the `on_shutdown()` of a
  /// supervisor. (S35)
  std::function<task<>()> on_stopped = {};

  /// The children in the order of their start; `add` is the way to fill it.
  std::vector<child_spec> children = {};

  /// Appends a child: see `troupe::child`.
  /// @returns its name, for an argument of another child, or for a call.
  template <std::derived_from<worker> W, class... Ts>
  child_name<W>
  add(std::string called, child_options options = {}, Ts&&... xs) {
    return append<W>(troupe::child<W>(std::move(called), std::move(options),
                                      std::forward<Ts>(xs)...));
  }

  /// An option of the worker stands among those of the child: says so.
  template <std::derived_from<worker> W, class... Ts>
  child_name<W> add(std::string, detail::misplaced_queue, Ts&&...) {
    detail::refuse_misplaced_queue<W>();
    return {};
  }

  /// The same with the options left out.
  template <std::derived_from<worker> W, class T, class... Ts>
    requires(!std::convertible_to<T, child_options>)
  child_name<W> add(std::string called, T&& x, Ts&&... xs) {
    return add<W>(std::move(called), child_options{}, std::forward<T>(x),
                  std::forward<Ts>(xs)...);
  }

  /// Appends a child of whatever kind.
  child_name<worker_handle> add(child_spec x) {
    return append<worker_handle>(std::move(x));
  }

  /// Appends a pool.
  template <class Pool>
    requires std::convertible_to<const Pool&, child_spec>
             && consumes_messages<Pool>
  child_name<Pool> add(const Pool& pool) {
    return append<Pool>(pool);
  }

  /// Appends a supervisor: trees nest.
  child_name<supervisor_ref> add(supervisor_spec inner,
                                 child_options options = {});

  /// Appends a plain CAF actor: see `troupe::child_actor`.
  template <actor_factory F>
  child_name<made_actor_t<F>>
  add_actor(std::string called, child_options options, F make) {
    return append<made_actor_t<F>>(troupe::child_actor(
      std::move(called), std::move(options), std::move(make)));
  }

  /// The same with a function that is called when the actor of a life has
  /// ended.
  template <actor_factory F, actor_stop_function<F> G>
  child_name<made_actor_t<F>>
  add_actor(std::string called, child_options options, F make, G on_ended) {
    return append<made_actor_t<F>>(
      troupe::child_actor(std::move(called), std::move(options),
                          std::move(make), std::move(on_ended)));
  }

  /// The same with the options left out.
  template <actor_factory F>
  child_name<made_actor_t<F>> add_actor(std::string called, F make) {
    return add_actor(std::move(called), child_options{}, std::move(make));
  }

  /// @copydoc add_actor
  template <actor_factory F, actor_stop_function<F> G>
  child_name<made_actor_t<F>>
  add_actor(std::string called, F make, G on_ended) {
    return add_actor(std::move(called), child_options{}, std::move(make),
                     std::move(on_ended));
  }

  /// Appends a child of class `W`.
  template <class W>
  child_name<W> append(child_spec x) {
    children.push_back(std::move(x));
    return {children.back().name};
  }
};

/// A spec for a child that is a supervisor itself.
[[nodiscard]] child_spec child(supervisor_spec inner,
                               child_options options = {});

/// Returns what is wrong with `x`, naming supervisor or child and field, or an
/// empty string. (S1)
[[nodiscard]] std::string check(const supervisor_spec& x);

} // namespace troupe
