// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/options.hpp"
#include "troupe/supervisor_options.hpp"

#include <type_traits>

namespace troupe::detail {

/// The options of a child as somebody may write them by mistake: with the queue
/// outside of `worker`. A list in braces is one of these only if it names
/// `queue`, since a reference cannot be left out. So an overload that takes
/// them can say what is wrong.
struct misplaced_queue {
  troupe::restart restart = troupe::restart::permanent;
  restart_backoff backoff = {};
  restart_limit give_up_after = {};
  troupe::on_give_up on_give_up = troupe::on_give_up::escalate;
  bool significant = false;
  const queue_options& queue;
  worker_options worker = {};
};

template <class W>
constexpr void refuse_misplaced_queue() {
  static_assert(!std::is_same_v<W, W>,
                "queue is an option of the worker, and the options of a child "
                "have those in .worker: write {.worker = {.queue = {...}}}");
}

} // namespace troupe::detail
