// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/access.hpp"
#include "troupe/detail/send_and_block.hpp"
#include "troupe/detail/typed_queue.hpp"
#include "troupe/time.hpp"
#include "troupe/worker_handle.hpp"

#include <caf/actor.hpp>
#include <caf/error.hpp>
#include <caf/fwd.hpp>
#include <caf/message.hpp>

#include <chrono>
#include <concepts>
#include <memory>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace troupe {

/// The type of messages in the queue of a worker of class `W`; a type of its
/// own if it has no queue.
template <class W>
struct message_of {
  /// None.
  struct type {};
};

/// @copydoc message_of
template <consumes_messages W>
struct message_of<W> {
  using type = typename W::message_type;
};

/// A handle to a worker of class `W`: what `spawn<W>` returns. Adds to
/// `worker_handle` what needs to know the class.
template <class W>
class worker_ref : public worker_handle {
public:
  /// The class of the worker.
  using worker_type = W;

  worker_ref() noexcept = default;

  /// @pre `from` points to a worker of class `W`, or of one derived from it, or
  ///      to nobody: `lookup<W>` and `supervisor_ref::child<W>` see to that,
  ///      this does not.
  explicit worker_ref(worker_handle from) noexcept
    : worker_handle(std::move(from)) {
    // nop
  }

  /// A reference to a derived class is a reference to its base.
  template <class V>
    requires(std::derived_from<V, W> && !std::same_as<V, W>)
  worker_ref(worker_ref<V> other) noexcept : worker_handle(std::move(other)) {
    // nop
  }

  /// Appends a message to the worker's queue; never blocks. The same as sending
  /// it to `actor()` with the means of CAF, only without a detour. A list in
  /// braces makes a message: `ref.send({1, "x"})`.
  /// @returns whether the queue took it; if not, it is a dead letter, and
  ///          counted as one. (Q1, Q7)
  template <class V = W, class T = typename message_of<V>::type>
    requires(!consumes_messages<V>
             || std::convertible_to<T, typename message_of<V>::type>)
  bool send(T&& x) const {
    static_assert(consumes_messages<V>,
                  "this worker has no queue to send to: derive its class from "
                  "troupe::queue_consumer<T>, or, for what its handlers() "
                  "take, send to actor() with the means of CAF");
    if constexpr (consumes_messages<V>) {
      detail::access::check_message_type<V>();
      auto* queue = find_queue();
      if (queue == nullptr)
        return false;
      return static_cast<detail::typed_queue<typename V::message_type>*>(queue)
        ->push(std::forward<T>(x));
    } else {
      return false;
    }
  }

  /// As `send`, but waits for room if there is none, whatever `overflow` says:
  /// for plain threads, a `blocking_worker` and what `offload` runs. In a
  /// worker, `co_await send_to(ref, x)`. (Q16)
  /// @param timeout How long to wait: any `std::chrono` duration, or
  /// `infinite`.
  /// @returns no error once the queue has taken it; `errc::queue_closed`, and
  /// it
  ///          is a dead letter; or `errc::timed_out`, and it was not sent.
  ///          Inside of a troupe actor always `errc::would_block`. (L31)
  template <class Rep, class Period, consumes_messages V = W,
            class T = typename message_of<V>::type>
    requires std::convertible_to<T, typename message_of<V>::type>
  [[nodiscard]] caf::error
  send_wait(T&& x, std::chrono::duration<Rep, Period> timeout) const {
    return detail::send_and_block(*this, make_node<V>(std::forward<T>(x)),
                                  to_timespan(timeout), {});
  }

  /// The same, until a stop is asked for.
  /// @returns `errc::cancelled` then: it was not sent.
  template <consumes_messages V = W, class T = typename message_of<V>::type>
    requires std::convertible_to<T, typename message_of<V>::type>
  [[nodiscard]] caf::error send_wait(T&& x, const std::stop_token& stop) const {
    return detail::send_and_block(*this, make_node<V>(std::forward<T>(x)),
                                  infinite, stop);
  }

  /// The worker object, once it is over; null while it still runs, and for ever
  /// if it was abandoned. Lives as long as a handle does.
  [[nodiscard]] W* worker() const noexcept {
    return static_cast<W*>(finished_worker());
  }

private:
  friend struct detail::access;

  /// Takes over a share in the core of a worker of class `W`.
  explicit worker_ref(detail::worker_core* adopted) noexcept
    : worker_handle(adopted) {
    // nop
  }

  template <class V, class T>
  static auto make_node(T&& x) {
    detail::access::check_message_type<V>();
    using queue_type = detail::typed_queue<typename V::message_type>;
    return std::make_unique<typename queue_type::typed_node>(
      std::forward<T>(x));
  }
};

/// Whether `T` is a handle of CAF: `caf::actor` or a typed one.
template <class T>
inline constexpr bool caf_handle = std::same_as<T, caf::actor>;

/// A typed one is a handle as well.
template <class... Ts>
inline constexpr bool caf_handle<caf::typed_actor<Ts...>> = true;

/// The type of a handle to a `W`.
template <class W>
struct ref_to {
  using type = worker_ref<W>;
};

/// @copydoc ref_to
template <class W>
  requires caf_handle<W>
struct ref_to<W> {
  using type = W;
};

/// A handle stands for itself.
template <class W>
  requires std::same_as<W, worker_handle> || std::same_as<W, supervisor_ref>
struct ref_to<W> {
  using type = W;
};

/// @copydoc ref_to
template <class W>
using ref_to_t = typename ref_to<W>::type;

} // namespace troupe
