// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "worker/worker_core.hpp"

#include <caf/mailbox_element.hpp>
#include <caf/message.hpp>

namespace troupe::detail {

/// Whether `content` begins like a call to a supervisor about its children, see
/// troupe/protocol.hpp. Costs two comparisons.
[[nodiscard]] bool is_child_call(const caf::message& content) noexcept;

/// Makes the call in `what` and answers it, now or when it is done. Any thread:
/// it is that of the sender. (S16, S25)
/// @pre `is_child_call(what.payload)`, and `who` is a supervisor
void handle_child_call(worker_core& who, caf::mailbox_element& what);

} // namespace troupe::detail
