// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/send_to.hpp"

#include "pool/router.hpp"
#include "worker/cell.hpp"

namespace troupe {

send_awaiter::send_awaiter(cell& home, worker_handle target,
                           message_queue::node_ptr what) noexcept
  : applicant(std::move(what)), home_(&home), target_(std::move(target)) {
  // nop
}

send_awaiter::~send_awaiter() {
  if (queue_ != nullptr)
    queue_->withdraw(*this);
}

bool send_awaiter::wait_for_room() {
  if (home_->frozen())
    return true; // Nobody will resume it.
  auto* whom = target_.get_cell();
  if (whom == nullptr || whom->queue() == nullptr) {
    wait::withdraw();
    return false;
  }
  // The handle keeps all cells in which the worker's lives go on, and they the
  // queue.
  auto pool = router_of(*whom);
  auto result = pool ? pool->apply(*this) : whom->queue()->apply(*this);
  if (result == message_queue::receipt::held) {
    queue_ = whom->queue();
    home_->note_pause();
    return true;
  }
  result_ = result;
  // Who finds room each time must let others run all the same.
  if (home_->turn_over()) {
    post_last();
    return true;
  }
  wait::withdraw();
  return false;
}

void send_awaiter::decided(bool taken, message_queue::departures&) noexcept {
  result_ = taken ? message_queue::receipt::taken
                  : message_queue::receipt::closed;
  // With the lock held: the destructor takes it before the wait goes.
  post();
}

caf::error send_awaiter::await_resume() const {
  auto* whom = target_.get_cell();
  if (whom == nullptr)
    return null_handle();
  if (result_ == message_queue::receipt::taken)
    return {};
  return message_queue::refusal(result_, whom->path());
}

} // namespace troupe
