// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/child.hpp"
#include "troupe/child_spec.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/detail/typed_queue.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/routing.hpp"
#include "troupe/routing_key.hpp"
#include "troupe/supervisor_options.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/worker_ref.hpp"

#include <caf/fwd.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace troupe {

/// How a pool is to be. An aggregate for designated initializers; the order of
/// its members is part of the interface.
struct pool_options {
  /// Its name; without it the name of its workers and `_pool`.
  std::string name = {};

  /// How many workers there are at first; zero is allowed, and ten million at
  /// most.
  std::size_t size = 1;

  /// Which of them gets a message.
  troupe::routing routing = troupe::routing::round_robin;

  /// How each worker is treated, and run: its queue is `each.worker.queue`.
  child_options each = {};

  /// How many restarts it takes before the pool gives up. A worker with a
  /// backoff does not count.
  restart_intensity intensity = {};
};

/// The part of a pool that does not depend on the class of its workers.
struct pool_plan {
  /// As they were given.
  pool_options options = {};
  /// Makes the workers.
  std::shared_ptr<const child_factory> each = {};
  /// Finds the key of a message, if it is routed by that.
  std::function<std::uint64_t(detail::message_queue::node&)> key = {};
  /// The class of the pool.
  const std::type_info* type = nullptr;
};

/// A child that is a pool.
[[nodiscard]] child_spec child(const pool_plan& plan, child_options options);

/// The part of a `pool_ref` that does not depend on the class of the workers.
class pool_handle : public supervisor_ref {
public:
  pool_handle() noexcept = default;

  /// @pre `from` points to a pool, or to nobody.
  explicit pool_handle(worker_handle from) noexcept
    : supervisor_ref(std::move(from)) {
    // nop
  }

  /// How many workers there are to be: what `resize` was given last.
  [[nodiscard]] std::size_t size() const;

  /// Makes it `n` workers; done when those that come are ready and those that
  /// go are over. No message is lost: a worker that goes finishes its message
  /// in hand, within its grace period, and its queued messages go to those that
  /// stay, at once and in their order. A new worker gets a share of the
  /// messages that the others have queued. That takes time in proportion to the
  /// number of queued messages, while senders wait.
  ///
  /// With zero workers the pool keeps what comes for those to be. Before the
  /// start it says how many there will be. When several calls overlap, the last
  /// one says how many there are, and all are done then.
  /// @param n Ten million at most; more, as a negative number is, are an
  ///          `errc::invalid_argument`.
  /// @returns why a worker did not start: then there are as many as before.
  ///          The result has no child.
  child_call resize(std::size_t n) const;

protected:
  /// Sets where a message belongs.
  void assign(detail::message_queue::node& x) const;

  /// @copydoc assign
  static void assign(detail::message_queue::node& x,
                     std::uint64_t hash) noexcept;

  /// Sends a message that knows where it belongs.
  bool push(detail::message_queue::node_ptr x) const;
};

/// The part of `spawn` that does not depend on the class of the workers.
/// @throws std::invalid_argument if the options are wrong.
[[nodiscard]] pool_handle spawn_pool(caf::actor_system& sys,
                                     const pool_plan& plan);

/// A handle to a pool of workers of class `W`. It is a supervisor and a worker,
/// so all of `supervisor_ref` and `worker_handle` works: `startup()`,
/// `drain()`, which finishes what all of them have queued, `shutdown()`,
/// `which_children()`; `queue()` is the sum over all its workers, those that
/// are gone included. A cheap value, safe to use from any thread.
template <consumes_messages W>
class pool_ref : public pool_handle {
public:
  /// The class of its workers.
  using worker_type = W;
  /// What their queues hold.
  using message_type = typename W::message_type;

  pool_ref() noexcept = default;

  /// @pre `from` points to a pool of workers of class `W`, or to nobody.
  explicit pool_ref(worker_handle from) noexcept
    : pool_handle(std::move(from)) {
    // nop
  }

  /// Appends a message to the queue of one of the workers; never blocks. The
  /// same as sending it to `actor()` with the means of CAF. To wait for room,
  /// `co_await send_to(pool, x)` in a worker.
  /// @returns whether a queue took it; if not, it is a dead letter, and counted
  ///          as one.
  template <class T = message_type>
    requires std::convertible_to<T, message_type>
  bool send(T&& x) const {
    return static_cast<bool>(*this) && push(make_node(std::forward<T>(x)));
  }

  /// As `worker_ref::send_wait`, to one of the workers: it waits for room if
  /// there is none with any of them that may get it.
  template <class Rep, class Period, class T = message_type>
    requires std::convertible_to<T, message_type>
  [[nodiscard]] caf::error
  send_wait(T&& x, std::chrono::duration<Rep, Period> timeout) const {
    return detail::send_and_block(*this, make_node(std::forward<T>(x)),
                                  to_timespan(timeout), {});
  }

  /// The same, until a stop is asked for.
  template <class T = message_type>
    requires std::convertible_to<T, message_type>
  [[nodiscard]] caf::error send_wait(T&& x, const std::stop_token& stop) const {
    return detail::send_and_block(*this, make_node(std::forward<T>(x)),
                                  infinite, stop);
  }

  /// As above, with a key that takes the place of that which the pool's own
  /// function finds. Without `routing::by_key` it makes no difference.
  template <class Key, class T = message_type>
    requires std::convertible_to<T, message_type>
  bool send(const Key& key, T&& x) const {
    if (!*this)
      return false;
    detail::access::check_message_type<W>();
    auto what = std::make_unique<node>(std::forward<T>(x));
    assign(*what, routing_hash(key));
    return push(std::move(what));
  }

private:
  friend struct detail::access;

  using node = typename detail::typed_queue<message_type>::typed_node;

  /// A message that knows where it belongs.
  template <class T>
  [[nodiscard]] detail::message_queue::node_ptr make_node(T&& x) const {
    detail::access::check_message_type<W>();
    auto what = std::make_unique<node>(std::forward<T>(x));
    assign(*what);
    return what;
  }
};

/// N workers of class `W` behind one handle: a message to the pool goes to one
/// of them. A value that says how the pool is made; it becomes one with
/// `spawn`, or as a child of a supervisor.
///
/// <!-- snippet: header-worker-pool -->
/// ~~~
/// troupe::worker_pool<fetcher> fetchers{
///   {.name = "fetchers", .size = 4, .routing = troupe::routing::least_busy},
///   api_key};
/// auto pool = troupe::spawn(sys, fetchers);
/// pool.startup();
/// pool.send("https://example.org");
/// auto grown = pool.resize(8).get();
/// pool.drain();
/// pool.wait_for_shutdown();
/// ~~~
/// <!-- end -->
///
/// Each worker has a queue and lives as the child of a supervisor: the pool,
/// whose strategy is `dynamic`. Its queue survives a restart; what is sent
/// meanwhile waits, or goes to others if routing allows for it. Where one takes
/// no more, because somebody has stopped it alone or it has given up, what it
/// had goes to the others.
///
/// **By key.** All messages with one key go to one worker, in the order in
/// which they were sent. When the pool grows, a share of the keys moves to the
/// new workers; when it shrinks, the keys of those that go move to the others;
/// no other key moves. Messages queued for a key move with it, so their order
/// stays. But the former worker finishes its message in hand itself, and the
/// new one does not wait for that. To avoid that, shrink the pool to zero
/// first: `resize(0)` is done when nothing is in hand, and the workers that
/// come after that begin together.
///
/// docs/semantics.md has the rows P1 to P9.
/// @tparam W A `queue_consumer`, or a class derived from one.
template <consumes_messages W>
class worker_pool {
public:
  /// The class of its workers.
  using worker_type = W;
  /// What their queues hold.
  using message_type = typename W::message_type;

  /// @param xs For the constructor of each worker: kept, and passed again for
  ///           each life, see `troupe::child`.
  template <class... Ts>
  explicit worker_pool(pool_options options, Ts&&... xs) {
    plan_.each = troupe::child<W>({}, {}, std::forward<Ts>(xs)...).factory;
    plan_.options = std::move(options);
    plan_.type = &typeid(worker_pool);
  }

  /// Has messages routed by key.
  /// @param f Called with each message on its sender's thread; returns its key,
  ///          a text, or of any type that `std::hash` knows. Thread-safe.
  template <class F>
  worker_pool& key(F f) {
    plan_.options.routing = routing::by_key;
    plan_.key
      = [f = std::move(f)](detail::message_queue::node& x) -> std::uint64_t {
      using node = typename detail::typed_queue<message_type>::typed_node;
      return routing_hash(f(std::as_const(static_cast<node&>(x).value)));
    };
    return *this;
  }

  /// The pool as a child of a supervisor: `tree.add(pool)`.
  operator child_spec() const {
    return troupe::child(plan_, {});
  }

private:
  friend struct detail::access;

  [[nodiscard]] const pool_plan& plan() const noexcept {
    return plan_;
  }

  pool_plan plan_;
};

/// A spec for a child that is a pool.
template <class W>
[[nodiscard]] child_spec
child(const worker_pool<W>& pool, child_options options) {
  return troupe::child(detail::access::plan_of(pool), std::move(options));
}

/// Makes a pool, which is started with `startup()`; its workers are made when
/// it starts, and what is sent before waits for them.
/// @throws std::invalid_argument if its options are wrong, naming pool or
///         worker and field.
template <class W>
[[nodiscard]] pool_ref<W>
spawn(caf::actor_system& sys, const worker_pool<W>& pool) {
  return pool_ref<W>{spawn_pool(sys, detail::access::plan_of(pool))};
}

/// `lookup<worker_pool<W>>` and `by_path<worker_pool<W>>` give a `pool_ref<W>`.
template <class W>
struct ref_to<worker_pool<W>> {
  using type = pool_ref<W>;
};

} // namespace troupe
