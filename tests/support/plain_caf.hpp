// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <caf/actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <caf/error.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/message.hpp>
#include <caf/message_id.hpp>
#include <caf/system_messages.hpp>

#include <utility>

/// How plain CAF actors speak, in words that all versions of CAF understand:
/// from 1.0 on there is `self->mail(...)`, and what was before is deprecated.
namespace support {

/// Sends from nobody.
template <class Handle, class... Ts>
void tell(const Handle& receiver, Ts... content) {
  const auto mid = caf::make_message_id();
  if constexpr (requires {
                  receiver->eq_impl(mid, nullptr, nullptr, content...);
                })
    receiver->eq_impl(mid, nullptr, nullptr, std::move(content)...);
  else
    receiver->enqueue(
      caf::make_mailbox_element(nullptr, mid, std::move(content)...), nullptr);
}

/// Sends from an actor, with its sender set.
template <class Self, class... Ts>
void tell_from(Self& self, const caf::actor& receiver, Ts... content) {
  if constexpr (requires { self->mail(std::move(content)...); })
    self->mail(std::move(content)...).send(receiver);
  else
    self->send(receiver, std::move(content)...);
}

/// Sends later.
template <class Self, class... Ts>
auto tell_after(Self& self, troupe::timespan delay, const caf::actor& receiver,
                Ts... content) {
  if constexpr (requires { self->mail(std::move(content)...); })
    return self->mail(std::move(content)...).delay(delay).send(receiver);
  else
    return self->delayed_send(receiver, delay, std::move(content)...);
}

/// Has `f` called when one of those ends that are watched: for all of one actor
/// the same `f`.
template <class Self, class F>
void watch_with(Self& self, const caf::actor& whom, F f) {
  if constexpr (requires { self->monitor(whom, [](const caf::error&) {}); }) {
    self->monitor(whom, [f](const caf::error&) { f(); });
  } else {
    self->set_down_handler([f](const caf::down_msg&) { f(); });
    self->monitor(whom);
  }
}

/// Sends a request.
template <class Self, class... Ts>
auto request(Self& self, const caf::actor& receiver, troupe::timespan timeout,
             Ts... content) {
  if constexpr (requires { self->mail(std::move(content)...); })
    return self->mail(std::move(content)...).request(receiver, timeout);
  else
    return self->request(receiver, timeout, std::move(content)...);
}

} // namespace support
