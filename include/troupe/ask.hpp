// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/clock.hpp"
#include "troupe/detail/fiber.hpp"
#include "troupe/detail/fits_message.hpp"
#include "troupe/detail/strand.hpp"
#include "troupe/fwd.hpp"
#include "troupe/time.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/message.hpp>
#include <caf/message_id.hpp>
#include <caf/sec.hpp>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace troupe {

namespace detail {

class ask_table;

} // namespace detail

/// Waits for the reply to a request: the part that does not depend on the type
/// of the reply.
class reply_awaiter : public detail::wait {
public:
  /// Asks `target` when it is awaited.
  reply_awaiter(detail::worker_core& core, caf::strong_actor_ptr target,
                timespan timeout, caf::message request) noexcept;

  ~reply_awaiter();

  [[nodiscard]] bool await_ready() const noexcept {
    return false;
  }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) {
    begin(h.promise());
    return send_request();
  }

protected:
  /// Takes the reply, or says why there is none.
  [[nodiscard]] caf::expected<caf::message> take_reply();

private:
  friend class detail::ask_table;

  struct alarm : detail::timer {
    explicit alarm(reply_awaiter& who) noexcept;

    reply_awaiter& who;
  };

  struct remote_watch;

  bool send_request();

  void leave_table() noexcept;

  detail::worker_core* core_;
  caf::strong_actor_ptr target_;
  timespan timeout_;
  caf::message request_;
  caf::message_id id_;
  bool in_table_ = false;
  bool replied_ = false;
  caf::message reply_;
  alarm alarm_;
  std::unique_ptr<remote_watch> remote_; // null for a target of this node
};

/// Takes out of a reply what it should hold: void, a value, a tuple of values,
/// or the message itself.
/// @returns `sec::unexpected_response` if it holds something else.
template <class R>
struct reply_decoder {
  /// The content of a reply, or why it is not an `R`.
  static caf::expected<R> decode(caf::message& msg) {
    if constexpr (std::is_void_v<R>) {
      if (msg.empty())
        return caf::expected<void>{};
    } else if constexpr (std::is_same_v<R, caf::message>) {
      return std::move(msg);
    } else if constexpr (detail::check_fits_message<R>()) {
      if (msg.match_elements<R>())
        return std::move(msg.get_mutable_as<R>(0));
    }
    return caf::make_error(caf::sec::unexpected_response, std::move(msg));
  }
};

/// @copydoc reply_decoder
template <class... Ts>
struct reply_decoder<std::tuple<Ts...>> {
  /// The content of a reply, or why it is not such a tuple.
  static caf::expected<std::tuple<Ts...>> decode(caf::message& msg) {
    if constexpr (detail::check_fits_message<Ts...>())
      if (msg.match_elements<Ts...>())
        return get_all(msg, std::index_sequence_for<Ts...>{});
    return caf::make_error(caf::sec::unexpected_response, std::move(msg));
  }

private:
  template <std::size_t... Is>
  static std::tuple<Ts...>
  get_all(caf::message& msg, std::index_sequence<Is...>) {
    return {std::move(msg.get_mutable_as<Ts>(Is))...};
  }
};

/// Waits for a reply of type `R`.
template <class R>
class ask_awaiter final : public reply_awaiter {
public:
  using reply_awaiter::reply_awaiter;

  caf::expected<R> await_resume() {
    auto reply = take_reply();
    if (!reply)
      return std::move(reply.error());
    return reply_decoder<R>::decode(*reply);
  }
};

/// A request that has not been sent.
template <class R>
class [[nodiscard("co_await it")]] ask_awaitable {
public:
  /// A request that has not been sent.
  ask_awaitable(detail::worker_core& core, caf::strong_actor_ptr target,
                timespan timeout, caf::message request) noexcept
    : core_(&core),
      target_(std::move(target)),
      timeout_(timeout),
      request_(std::move(request)) {
    // nop
  }

  ask_awaiter<R> operator co_await() && noexcept {
    return ask_awaiter<R>{*core_, std::move(target_), timeout_,
                          std::move(request_)};
  }

private:
  detail::worker_core* core_;
  caf::strong_actor_ptr target_;
  timespan timeout_;
  caf::message request_;
};

/// The part of `ask` for threads that does not depend on the type of the reply.
[[nodiscard]] caf::expected<caf::message>
ask_and_block(const worker_handle& target, timespan timeout,
              caf::message request);

/// Sends a request to a worker and blocks the calling thread until the reply is
/// there: for `main` and plain threads. Inside of a worker, `co_await
/// ask<R>()`.
///
/// ~~~
/// auto sum = troupe::ask<int32_t>(adder, 1s, add_atom_v, 1, 2);
/// ~~~
/// @tparam R What the reply holds: void, a value, or a tuple of values.
/// @param timeout How long to wait; any duration, or `infinite`.
/// @returns the reply, or the error that the worker replied,
///          `sec::request_timeout`, `errc::receiver_gone` if the worker has
///          ended, `errc::would_block` inside of an actor, `errc::system_gone`,
///          `errc::forked`, `errc::invalid_argument` for a null handle.
template <class R, class Rep, class Period, class... Ts>
[[nodiscard]] caf::expected<R> ask(const worker_handle& target,
                                   std::chrono::duration<Rep, Period> timeout,
                                   Ts&&... xs) {
  auto reply = ask_and_block(target, to_timespan(timeout),
                             detail::make_request(std::forward<Ts>(xs)...));
  if (!reply)
    return std::move(reply.error());
  return reply_decoder<R>::decode(*reply);
}

} // namespace troupe
