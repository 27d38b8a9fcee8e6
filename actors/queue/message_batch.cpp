// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/message_batch.hpp"

#include "queue/after_unlock.hpp"
#include "troupe/yield.hpp"
#include "worker/worker_core.hpp"

#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

namespace troupe::detail {

namespace {

/// Gives one message as it is, or none.
class node_awaiter final : public message_queue::awaiter {
public:
  node_awaiter(worker_core& core, message_queue& queue, time_point until,
               order which) noexcept
    : awaiter(core, queue, until, which) {
    // nop
  }

  message_queue::node_ptr await_resume() noexcept {
    return take();
  }
};

/// A wait for such a message that has not begun.
struct node_awaitable {
  worker_core& core;
  message_queue& queue;
  time_point until;
  message_queue::awaiter::order which;

  node_awaiter operator co_await() const noexcept {
    return node_awaiter{core, queue, until, which};
  }
};

} // namespace

task<bool> message_queue::batch::fill(std::size_t most, timespan within) {
  using order = awaiter::order;
  node_awaitable first{*core_, *queue_, never, order::next};
  auto x = co_await first;
  if (!x)
    co_return false;
  nodes_.push_back(std::move(x));
  const auto until = deadline_after(core_->rt().time().now(), within);
  while (nodes_.size() < most) {
    if (auto next = queue_->take_another(*core_)) {
      nodes_.push_back(std::move(next));
      if (!core_->idle().turn_over(*core_))
        continue;
      auto pause = yield();
      co_await pause;
      continue;
    }
    if (core_->stop_asked() || core_->rt().time().now() >= until)
      break;
    node_awaitable another{*core_, *queue_, until, order::another};
    auto late = co_await another;
    if (!late)
      break;
    nodes_.push_back(std::move(late));
  }
  filled_ = true;
  co_return true;
}

void message_queue::batch::note(const std::exception_ptr& thrown) noexcept {
  for (auto& x : nodes_)
    x->thrown = thrown;
}

void message_queue::batch::end(fate how) noexcept {
  keep();
  after_unlock out{*queue_};
  std::unique_lock guard{queue_->mtx_};
  // The code of an abandoned worker may come here when that is over, and
  // another worker has messages of this queue in hand.
  if (!core_->abandoned())
    queue_->end_message(how, out);
}

/// The last one first: so they are in order then.
void message_queue::batch::keep() noexcept {
  for (; !nodes_.empty(); nodes_.pop_back())
    queue_->keep(*core_, std::move(nodes_.back()));
}

/// Nobody has seen them.
void message_queue::batch::give_back() noexcept {
  if (nodes_.empty())
    return;
  after_unlock out{*queue_};
  std::unique_lock guard{queue_->mtx_};
  for (; !nodes_.empty(); nodes_.pop_back()) {
    if (core_->abandoned()) {
      out.drop(nodes_.back().release());
      continue;
    }
    --queue_->counts_.in_progress;
    ++queue_->counts_.queued;
    queue_->give_back(std::move(nodes_.back()));
  }
  if (queue_->counts_.in_progress == 0)
    queue_->in_hand_since_ = never;
}

void message_queue::batch::check(std::size_t most, timespan within,
                                 std::string_view call) {
  auto refuse = [call](const char* what) {
    throw std::invalid_argument(std::string{call} + what);
  };
  if (most == 0)
    refuse(" is to get 0 messages at a time; use 1 or more");
  if (within < timespan::zero())
    refuse(
      " is to wait for a negative time; use zero for those that are there");
}

} // namespace troupe::detail
