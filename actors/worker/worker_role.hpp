// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/message_queue.hpp"
#include "troupe/fwd.hpp"
#include "troupe/supervisor_options.hpp"

#include <caf/mailbox_element.hpp>

namespace troupe::detail {

/// The differences between workers, supervisors, pools and adopted actors, as
/// their cores and actors see them. There is one constant object of each, so a
/// role costs a worker nothing; its address tells roles apart. Thread-safe.
class worker_role {
public:
  constexpr explicit worker_role(child_kind kind) noexcept : kind_(kind) {
    // nop
  }

  worker_role(const worker_role&) = delete;

  worker_role& operator=(const worker_role&) = delete;

  [[nodiscard]] child_kind kind() const noexcept {
    return kind_;
  }

  /// Takes the messages that are sent to the actor of `x`, and counts them;
  /// null without a queue. Lives as long as `x`.
  [[nodiscard]] virtual message_sink* sink(const worker_core& x) const noexcept;

  /// Makes the call about children that is in `what`, and answers it.
  /// @returns whether there is one, and `x` has children.
  virtual bool handle_call(worker_core& x, caf::mailbox_element& what) const;

protected:
  ~worker_role() = default; // They are never destroyed by way of this.

private:
  child_kind kind_;
};

/// The role of a worker that is nothing else.
[[nodiscard]] const worker_role& role_of_workers() noexcept;

} // namespace troupe::detail
