// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/send_awaiter.hpp"

#include "troupe/detail/access.hpp"
#include "troupe/detail/submission.hpp"
#include "worker/worker_core.hpp"

namespace troupe {

using namespace detail;

send_awaiter::send_awaiter(worker_core& core, worker_handle target,
                           message_queue::node_ptr what) noexcept
  : waiting_sender(std::move(what)), core_(&core), target_(std::move(target)) {
  // nop
}

send_awaiter::~send_awaiter() {
  if (queue_ != nullptr)
    queue_->withdraw(*this);
}

bool send_awaiter::wait_for_room() {
  if (core_->frozen())
    return true; // Nobody will resume it.
  auto* whom = access::core_of(target_);
  if (whom == nullptr || whom->queue() == nullptr) {
    wait::withdraw();
    return false;
  }
  // The handle keeps all cores in which the worker's lives go on, and they the
  // queue.
  submission mine{*this};
  auto result = whom->sink()->submit(mine);
  if (result == receipt::held) {
    queue_ = whom->queue();
    core_->idle().note_pause();
    return true;
  }
  result_ = result;
  // A worker that finds room each time must let others run all the same.
  if (core_->idle().turn_over(*core_)) {
    post_last();
    return true;
  }
  wait::withdraw();
  return false;
}

void send_awaiter::decided(bool taken, message_queue::after_unlock&) noexcept {
  result_ = taken ? receipt::taken : receipt::closed;
  // With the lock held: the destructor takes it before the wait goes.
  post();
}

caf::error send_awaiter::await_resume() const {
  auto* whom = access::core_of(target_);
  if (whom == nullptr)
    return null_handle();
  if (result_ == receipt::taken)
    return {};
  return message_queue::refusal(result_, whom->path());
}

} // namespace troupe
