// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/strand.hpp"
#include "troupe/detail/waiting_sender.hpp"
#include "troupe/fwd.hpp"
#include "troupe/worker_handle.hpp"

#include <caf/error.hpp>

#include <coroutine>
#include <utility>

namespace troupe::detail {

/// Waits until a queue has room for a message; `worker::send_to` is made of it.
class send_awaiter final : public wait, private message_queue::waiting_sender {
public:
  send_awaiter(worker_core& core, worker_handle target,
               message_queue::node_ptr what) noexcept;

  /// Takes the message back if it has not been sent.
  ~send_awaiter() override;

  [[nodiscard]] bool await_ready() const noexcept {
    return false;
  }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) {
    begin(h.promise());
    return wait_for_room();
  }

  [[nodiscard]] caf::error await_resume() const;

private:
  bool wait_for_room();

  void decided(bool taken, message_queue::after_unlock& out) noexcept override;

  worker_core* core_;
  worker_handle target_;
  message_queue* queue_ = nullptr;
  receipt result_ = receipt::held;
};

/// A message that has not been sent.
class [[nodiscard("co_await it")]] send_awaitable {
public:
  send_awaitable(worker_core& core, worker_handle target,
                 message_queue::node_ptr what) noexcept
    : core_(&core), target_(std::move(target)), what_(std::move(what)) {
    // nop
  }

  send_awaiter operator co_await() && noexcept {
    return send_awaiter{*core_, std::move(target_), std::move(what_)};
  }

private:
  worker_core* core_;
  worker_handle target_;
  message_queue::node_ptr what_;
};

} // namespace troupe::detail
