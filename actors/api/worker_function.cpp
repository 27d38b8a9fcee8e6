// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/worker_function.hpp"

#include <algorithm>

namespace troupe {

task<> worker_function::run() {
  auto due = now();
  while (is_running()) {
    if (function_) {
      function_();
    } else {
      auto call = coroutine_();
      co_await std::move(call);
    }
    if (!is_running())
      break;
    if (pace_ == pace::fixed_delay || heartbeat_ == timespan::zero()) {
      co_await sleep_for(heartbeat_);
    } else {
      // Keeps the beat: skips those that have passed.
      due = deadline_after(due, heartbeat_);
      auto late = now() - due;
      if (late > timespan::zero())
        due += (late / heartbeat_) * heartbeat_;
      co_await sleep_until(due);
    }
  }
}

} // namespace troupe
