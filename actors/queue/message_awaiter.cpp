// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/message_awaiter.hpp"

#include "base/linked_list.hpp"
#include "queue/after_unlock.hpp"
#include "worker/worker_core.hpp"

#include <mutex>
#include <utility>

namespace troupe::detail {

// -- line ----------------------------------------------------------------------

void message_queue::line::push_back(awaiter& x) noexcept {
  link_last(x, first, last, &awaiter::next_in_line_,
            &awaiter::previous_in_line_);
}

std::size_t message_queue::line::size() const noexcept {
  std::size_t result = 0;
  for (const auto* x = first; x != nullptr; x = x->next_in_line_)
    ++result;
  return result;
}

void message_queue::line::erase(awaiter& x) noexcept {
  unlink(x, first, last, &awaiter::next_in_line_, &awaiter::previous_in_line_);
}

// -- awaiter -------------------------------------------------------------------

message_queue::awaiter::alarm::alarm(awaiter& x) noexcept
  : timer([](timer& self) noexcept {
      auto& waiting = static_cast<alarm&>(self).who;
      std::unique_lock guard{waiting.queue_->mtx_};
      if (waiting.at_ == place::waiting) {
        waiting.leave_line();
        waiting.post();
      }
    }),
    who(x) {
  // nop
}

message_queue::awaiter::awaiter(worker_core& core, message_queue& queue,
                                time_point until, order which) noexcept
  : idle_wait(core),
    queue_(&queue),
    until_(until),
    which_(which),
    alarm_(*this) {
  // nop
}

message_queue::awaiter::~awaiter() {
  if (armed_)
    get_core().rt().time().cancel(alarm_);
  if (done_)
    return;
  std::unique_lock guard{queue_->mtx_};
  auto promised = at_ == place::promised;
  leave_line();
  // A wait that is destroyed before its coroutine saw the message gives it
  // back.
  if (promised)
    queue_->give_back(std::move(got_));
}

bool message_queue::awaiter::await_ready() {
  auto& core = get_core();
  after_unlock out{*queue_};
  std::unique_lock guard{queue_->mtx_};
  if (core.abandoned())
    return false; // The message in progress may be another worker's by now.
  if (which_ == order::next)
    queue_->end_message(fate::handled, out);
  if (core.frozen())
    return false;
  got_ = queue_->pop_front(core);
  if (!got_ && (core.frozen() || !core.stop_asked()))
    return false;
  pausing_ = core.idle().must_pause(core, got_ != nullptr);
  if (pausing_ && got_)
    move_to(place::promised);
  if (pausing_)
    return false;
  done_ = true;
  if (got_)
    queue_->begin_message(out);
  return true;
}

bool message_queue::awaiter::wait_for_message() {
  auto& core = get_core();
  if (core.frozen())
    return true; // Nobody will resume it.
  if (pausing_) {
    post_last();
    return true;
  }
  core.idle().note_pause();
  if (until_ != never && until_ <= core.rt().time().now()) {
    // Nothing there, and no time to wait for it: but not without a pause, or a
    // loop of such calls would keep the actor to itself.
    post_last();
    return true;
  }
  enlist();
  {
    std::unique_lock guard{queue_->mtx_};
    if (core.abandoned())
      return true; // The queue has let go of it: nobody would take it out.
    // Before it looks for the last time, so that whatever comes after that
    // finds somebody who waits.
    queue_->shut_inbox();
    got_ = queue_->pop_front(core);
    if (got_)
      move_to(place::promised);
    if (got_ || core.stop_asked()) {
      queue_->open_inbox();
      withdraw();
      return false;
    }
    move_to(place::waiting);
  }
  if (until_ != never) {
    armed_ = true;
    core.rt().time().arm(alarm_, until_);
  }
  return true;
}

void message_queue::awaiter::stop_asked() noexcept {
  std::unique_lock guard{queue_->mtx_};
  if (at_ == place::waiting) {
    leave_line();
    post();
  }
}

bool message_queue::awaiter::is_last() const noexcept {
  return get_core().stop_asked();
}

message_queue::node_ptr message_queue::awaiter::take() noexcept {
  delist();
  if (!done_) {
    after_unlock out{*queue_};
    std::unique_lock guard{queue_->mtx_};
    // Out of the lines, so that nobody else will touch it.
    done_ = true;
    if (at_ == place::promised)
      queue_->begin_message(out);
    leave_line();
  }
  return std::move(got_);
}

/// @pre the queue's lock is held, and the place is `nowhere`
void message_queue::awaiter::move_to(place where) noexcept {
  at_ = where;
  (where == place::waiting ? queue_->waiting_ : queue_->promised_)
    .push_back(*this);
}

/// @pre the queue's lock is held
void message_queue::awaiter::leave_line() noexcept {
  if (at_ != place::nowhere)
    (at_ == place::waiting ? queue_->waiting_ : queue_->promised_).erase(*this);
  if (std::exchange(at_, place::nowhere) == place::waiting)
    queue_->open_inbox();
}

/// Ends the wait with a message, which it sees when it is resumed.
/// @pre the queue's lock is held, and the place is `waiting`
void message_queue::awaiter::promise(node_ptr x) noexcept {
  leave_line();
  got_ = std::move(x);
  move_to(place::promised);
  // With the lock held: the awaiter takes it before it goes.
  post();
}

// -- handover ------------------------------------------------------------------

message_queue::handover::handover(worker_core& core, message_queue& queue)
  : core_(&core), queue_(&queue) {
  const auto guard = queue.lock_collected();
  if (core.abandoned())
    return; // The messages are the next life's.
  first_ = std::exchange(queue.first_, nullptr);
  queue.last_ = nullptr;
  for (auto* i = first_; i != nullptr; i = i->next)
    ++size_;
  queue.counts_.queued -= size_;
  queue.counts_.in_progress += size_;
}

message_queue::handover::~handover() {
  end(fate::lost);
}

void message_queue::handover::done() noexcept {
  end(fate::handed_over);
}

void message_queue::handover::end(fate how) noexcept {
  if (size_ == 0)
    return;
  size_ = 0;
  after_unlock out{*queue_};
  std::unique_lock guard{queue_->mtx_};
  auto mine = !core_->abandoned();
  while (first_ != nullptr) {
    auto* x = std::exchange(first_, first_->next);
    if (mine && !x->spent)
      x->next = std::exchange(queue_->given_out_, x);
    else
      out.drop(x);
  }
  if (mine)
    queue_->end_message(how, out);
}

} // namespace troupe::detail
