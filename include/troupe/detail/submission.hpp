// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/waiting_sender.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/message_id.hpp>

namespace troupe::detail {

/// A message on its way into a queue, and how its sender waits if there is no
/// room for it.
class submission {
public:
  /// From a sender that does not wait.
  explicit submission(message_queue::node_ptr what) noexcept;

  /// A request, which is answered when it is decided.
  submission(message_queue::node_ptr what, caf::strong_actor_ptr from,
             caf::message_id answer) noexcept;

  /// From a sender that waits.
  explicit submission(message_queue::waiting_sender& who) noexcept;

  submission(const submission&) = delete;

  submission& operator=(const submission&) = delete;

  ~submission() = default;

  /// Null when a queue has taken it.
  [[nodiscard]] message_queue::node_ptr& what() noexcept {
    return who_ != nullptr ? who_->what_ : what_;
  }

  [[nodiscard]] rules::patience sender() const noexcept {
    return sender_;
  }

  /// The sender that is to wait for room.
  /// @pre somebody waits
  [[nodiscard]] message_queue::waiting_sender& to_hold();

private:
  message_queue::node_ptr what_;
  caf::strong_actor_ptr from_;
  caf::message_id answer_;
  message_queue::waiting_sender* who_ = nullptr;
  rules::patience sender_;
};

} // namespace troupe::detail
