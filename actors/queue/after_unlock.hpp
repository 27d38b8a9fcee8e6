// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/waiting_sender.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/message_id.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace troupe::detail {

/// A request whose answer is held back until it is decided over its message.
class held_request final : public message_queue::waiting_sender {
public:
  held_request(message_queue::node_ptr what, caf::strong_actor_ptr from,
               caf::message_id answer) noexcept
    : waiting_sender(std::move(what)), from_(std::move(from)), answer_(answer) {
    // nop
  }

  void answer(std::string_view path) const;

  held_request* next = nullptr;

protected:
  void decided(bool taken, message_queue::after_unlock& out) noexcept override;

private:
  caf::strong_actor_ptr from_;
  caf::message_id answer_;
  bool taken_ = false;
};

/// The work that a queue leaves for when its lock is free. Messages are the
/// user's, so their destructors run then, and answers are sent then. One of
/// them may drop the last handle to the worker: from the first message on this
/// holds the queue, and with it all that it needs.
class message_queue::after_unlock {
public:
  explicit after_unlock(message_queue& from) noexcept : from_(from) {
    // nop
  }

  after_unlock(const after_unlock&) = delete;

  after_unlock& operator=(const after_unlock&) = delete;

  ~after_unlock() {
    if (first_ != nullptr || unseen_ != 0 || answers_ != nullptr)
      run();
  }

  /// `x` is needed no longer.
  void drop(node* x) noexcept {
    hold();
    x->next = nullptr;
    *last_ = x;
    last_ = &x->next;
  }

  /// `x` is a dead letter.
  void add_dead_letter(node* x, dead_letter_reason why) noexcept {
    x->dead = true;
    x->reason = why;
    drop(x);
  }

  /// So are `n` others, whose content is gone.
  void count_dead_letters(std::uint64_t n, dead_letter_reason why) noexcept {
    hold();
    unseen_ = n;
    unseen_reason_ = why;
  }

  /// It has been decided over `x`.
  void answer(held_request& x) noexcept {
    hold();
    *last_answer_ = &x;
    last_answer_ = &x.next;
  }

private:
  void hold() noexcept {
    if (!held_)
      held_ = from_.weak_from_this().lock();
  }

  void run() noexcept;

  void publish(dead_letter_reason why, node* what) noexcept;

  message_queue& from_; // of the caller, and from the first departure on held
  std::shared_ptr<message_queue> held_;
  node* first_ = nullptr;
  node** last_ = &first_;
  std::uint64_t unseen_ = 0;
  dead_letter_reason unseen_reason_ = dead_letter_reason::lost;
  held_request* answers_ = nullptr;
  held_request** last_answer_ = &answers_;
};

/// All that was in a queue that is discarded. It is counted already; when this
/// goes it becomes dead letters, a few thousand at a time.
class message_queue::backlog {
public:
  /// @param first A list, in order.
  /// @param rest Those that came after it.
  backlog(std::shared_ptr<message_queue> from, dead_letter_reason why,
          node* first, const arrivals<node>& rest) noexcept;

  backlog(backlog&& other) noexcept = default;

  backlog& operator=(backlog&&) = delete;

  ~backlog();

  /// Makes dead letters of the first few thousand, or for as long as no
  /// deadline minds: their destructors are the user's.
  /// @returns whether nothing is left.
  [[nodiscard]] bool bury_some() noexcept;

private:
  void bury_listed(std::size_t n) noexcept;

  std::shared_ptr<message_queue> from_; // null when it was moved away
  dead_letter_reason why_;
  node* first_;
  arrivals<node> rest_;
  bool is_echo_; // a function that is told of dead letters discards the queue
};

} // namespace troupe::detail
