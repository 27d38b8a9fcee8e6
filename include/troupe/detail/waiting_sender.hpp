// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/message_queue.hpp"

#include <cstdint>

namespace troupe::detail {

/// A message whose sender waits until there is room for it.
class message_queue::waiting_sender {
public:
  waiting_sender(const waiting_sender&) = delete;

  waiting_sender& operator=(const waiting_sender&) = delete;

  /// That of its message.
  /// @pre it has not been decided
  [[nodiscard]] std::uint16_t partition() const noexcept {
    return what_->partition;
  }

protected:
  explicit waiting_sender(node_ptr what) noexcept;

  virtual ~waiting_sender();

  /// The queue has taken the message, or takes no more. Called with the
  /// queue's lock held, once, after the sender has left the line.
  virtual void decided(bool taken, after_unlock& out) noexcept = 0;

private:
  friend class message_queue;
  friend class submission;

  node_ptr what_;
  message_queue* queue_ = nullptr; // in whose it is, or was; its sender, or
                                   // what it waits in, holds that or its pool
  waiting_sender* next_ = nullptr;
  waiting_sender* previous_ = nullptr;
  bool held_ = false;
};

} // namespace troupe::detail
