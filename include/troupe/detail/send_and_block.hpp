// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/message_sink.hpp"
#include "troupe/time.hpp"
#include "troupe/worker_handle.hpp"

#include <caf/error.hpp>

#include <memory>
#include <stop_token>

namespace troupe::detail {

/// Sends a message to the queue of a worker, or to a pool, and blocks until
/// there is room for it: `worker_ref::send_wait` is made of it.
[[nodiscard]] caf::error
send_and_block(const worker_handle& target, std::unique_ptr<message_node> what,
               timespan timeout, const std::stop_token& stop);

} // namespace troupe::detail
