// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/clock.hpp"
#include "troupe/fiber.hpp"
#include "troupe/fwd.hpp"
#include "troupe/strand.hpp"
#include "troupe/time.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/message.hpp>
#include <caf/message_id.hpp>
#include <caf/sec.hpp>

#include <coroutine>
#include <tuple>
#include <utility>

namespace troupe {

/// Waits for the reply to a request: the part that does not depend on the type
/// of the reply.
class reply_awaiter : public wait {
public:
  reply_awaiter(cell& home, caf::strong_actor_ptr target, timespan timeout,
                caf::message request) noexcept;

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
  friend class ask_table;

  struct alarm : timer {
    explicit alarm(reply_awaiter& who) noexcept;

    reply_awaiter& who;
  };

  bool send_request();

  void leave_table() noexcept;

  cell* cell_;
  caf::strong_actor_ptr target_;
  timespan timeout_;
  caf::message request_;
  caf::message_id id_;
  bool in_table_ = false;
  bool replied_ = false;
  caf::message reply_;
  alarm alarm_;
};

/// Waits for a reply of type `R`: void, a value, or a tuple of values.
template <class R>
class ask_awaiter final : public reply_awaiter {
public:
  using reply_awaiter::reply_awaiter;

  caf::expected<R> await_resume() {
    auto reply = take_reply();
    if (!reply)
      return std::move(reply.error());
    return decode<R>(*reply, static_cast<R*>(nullptr));
  }

private:
  template <class T>
  static caf::expected<T> decode(caf::message& msg, T*) {
    if constexpr (std::is_void_v<T>) {
      if (msg.empty())
        return caf::expected<void>{};
    } else if constexpr (std::is_same_v<T, caf::message>) {
      return std::move(msg);
    } else {
      if (msg.match_elements<T>())
        return std::move(msg.get_mutable_as<T>(0));
    }
    return unexpected(msg);
  }

  template <class T, class... Ts>
  static caf::expected<T> decode(caf::message& msg, std::tuple<Ts...>*) {
    if (msg.match_elements<Ts...>())
      return get_all<Ts...>(msg, std::index_sequence_for<Ts...>{});
    return unexpected(msg);
  }

  template <class... Ts, std::size_t... Is>
  static std::tuple<Ts...>
  get_all(caf::message& msg, std::index_sequence<Is...>) {
    return {std::move(msg.get_mutable_as<Ts>(Is))...};
  }

  static caf::error unexpected(caf::message& msg) {
    return caf::make_error(caf::sec::unexpected_response, std::move(msg));
  }
};

/// A request that has not been sent.
template <class R>
class [[nodiscard("co_await it")]] ask_awaitable {
public:
  ask_awaitable(cell& home, caf::strong_actor_ptr target, timespan timeout,
                caf::message request) noexcept
    : home_(&home),
      target_(std::move(target)),
      timeout_(timeout),
      request_(std::move(request)) {
    // nop
  }

  ask_awaiter<R> operator co_await() && noexcept {
    return ask_awaiter<R>{*home_, std::move(target_), timeout_,
                          std::move(request_)};
  }

private:
  cell* home_;
  caf::strong_actor_ptr target_;
  timespan timeout_;
  caf::message request_;
};

} // namespace troupe
