// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/queue.hpp"

#include "cell.hpp"

#include <utility>

namespace troupe {

// -- message_queue -------------------------------------------------------------

message_queue::~message_queue() {
  while (first_ != nullptr)
    delete std::exchange(first_, first_->next);
}

bool message_queue::push(node_ptr x) {
  std::unique_lock guard{mtx_};
  ++counts_.sent;
  if (closed_) {
    ++counts_.closed;
    return false;
  }
  ++counts_.queued;
  x->number = counts_.sent;
  if (auto* who = first_awaiter_) {
    who->leave_line();
    who->got_ = std::move(x);
    // With the lock held: the awaiter takes it before it goes.
    who->post();
    return true;
  }
  auto* raw = x.release();
  raw->next = nullptr;
  if (last_ != nullptr)
    last_->next = raw;
  else
    first_ = raw;
  last_ = raw;
  return true;
}

void message_queue::close(bool give_out) noexcept {
  std::unique_lock guard{mtx_};
  closed_ = true;
  give_out_ = give_out;
}

void message_queue::suspend() noexcept {
  std::unique_lock guard{mtx_};
  give_out_ = false;
}

void message_queue::reopen() noexcept {
  std::unique_lock guard{mtx_};
  closed_ = false;
  give_out_ = true;
}

void message_queue::let_go() noexcept {
  std::unique_lock guard{mtx_};
  while (first_awaiter_ != nullptr)
    first_awaiter_->leave_line();
  settle_locked(leave::abandoned);
}

void message_queue::discard(leave how) noexcept {
  node* rest = nullptr;
  {
    std::unique_lock guard{mtx_};
    closed_ = true;
    give_out_ = false;
    rest = std::exchange(first_, nullptr);
    last_ = nullptr;
    std::uint64_t n = 0;
    for (auto* i = rest; i != nullptr; i = i->next)
      ++n;
    counts_.queued -= n;
    (how == leave::abandoned ? counts_.abandoned : counts_.discarded) += n;
    if (how == leave::abandoned)
      counts_.abandoned += std::exchange(counts_.in_progress, 0);
  }
  // Messages are the user's: their destructors run without the lock.
  while (rest != nullptr)
    delete std::exchange(rest, rest->next);
}

void message_queue::settle(leave how) noexcept {
  std::unique_lock guard{mtx_};
  settle_locked(how);
}

void message_queue::settle_locked(leave how) noexcept {
  auto n = std::exchange(counts_.in_progress, 0);
  switch (how) {
    case leave::handled:
      counts_.handled += n;
      break;
    case leave::lost:
      counts_.lost += n;
      break;
    case leave::abandoned:
      counts_.abandoned += n;
      break;
  }
}

queue_counts message_queue::counts() const {
  std::unique_lock guard{mtx_};
  return counts_;
}

message_queue::node_ptr message_queue::pop_front() noexcept {
  if (first_ == nullptr || !give_out_)
    return nullptr;
  auto* result = std::exchange(first_, first_->next);
  if (first_ == nullptr)
    last_ = nullptr;
  return node_ptr{result};
}

/// Puts `x` where it was: several waits may give messages back, in any order.
void message_queue::give_back(node_ptr x) noexcept {
  auto* raw = x.release();
  auto** where = &first_;
  while (*where != nullptr && (*where)->number < raw->number)
    where = &(*where)->next;
  raw->next = *where;
  *where = raw;
  if (raw->next == nullptr)
    last_ = raw;
}

// -- awaiter -------------------------------------------------------------------

message_queue::awaiter::alarm::alarm(awaiter& x) noexcept
  : timer([](timer& self) noexcept {
      auto& waiting = static_cast<alarm&>(self).who;
      std::unique_lock guard{waiting.queue_->mtx_};
      if (waiting.in_line_) {
        waiting.leave_line();
        waiting.post();
      }
    }),
    who(x) {
  // nop
}

message_queue::awaiter::awaiter(cell& home, message_queue& queue,
                                time_point until) noexcept
  : idle_wait(home), queue_(&queue), until_(until), alarm_(*this) {
  // nop
}

message_queue::awaiter::~awaiter() {
  if (armed_)
    worker_cell().home().time().cancel(alarm_);
  std::unique_lock guard{queue_->mtx_};
  if (in_line_)
    leave_line();
  // Whoever got a message and is destroyed before it saw it gives it back.
  if (got_)
    queue_->give_back(std::move(got_));
}

bool message_queue::awaiter::await_ready() {
  auto& home = worker_cell();
  {
    std::unique_lock guard{queue_->mtx_};
    queue_->settle_locked(leave::handled);
    if (home.frozen())
      return false;
    got_ = queue_->pop_front();
    if (!got_ && !home.stop_asked())
      return false;
    pausing_ = home.must_pause(got_ != nullptr);
    if (got_ && !pausing_)
      count_in();
  }
  return !pausing_;
}

bool message_queue::awaiter::wait_for_message() {
  auto& home = worker_cell();
  if (home.frozen())
    return true; // Nobody will resume it.
  if (pausing_) {
    post_last();
    return true;
  }
  home.note_pause();
  if (until_ != never && until_ <= home.home().time().now()) {
    // Nothing there, and no time to wait for it: but not without a pause, or a
    // loop of such calls would keep the actor to itself.
    post_last();
    return true;
  }
  enlist();
  {
    std::unique_lock guard{queue_->mtx_};
    got_ = queue_->pop_front();
    if (got_ || home.stop_asked()) {
      withdraw();
      return false;
    }
    previous_in_line_ = queue_->last_awaiter_;
    if (previous_in_line_ != nullptr)
      previous_in_line_->next_in_line_ = this;
    else
      queue_->first_awaiter_ = this;
    queue_->last_awaiter_ = this;
    in_line_ = true;
  }
  if (until_ != never) {
    armed_ = true;
    home.home().time().arm(alarm_, until_);
  }
  return true;
}

void message_queue::awaiter::stop_asked() noexcept {
  std::unique_lock guard{queue_->mtx_};
  if (in_line_) {
    leave_line();
    post();
  }
}

message_queue::node_ptr message_queue::awaiter::take() noexcept {
  delist();
  if (got_ && !counted_) {
    std::unique_lock guard{queue_->mtx_};
    count_in();
  }
  return std::move(got_);
}

/// The message that it has got is in progress from now on.
/// @pre the queue's lock is held
void message_queue::awaiter::count_in() noexcept {
  counted_ = true;
  --queue_->counts_.queued;
  ++queue_->counts_.in_progress;
}

/// @pre the queue's lock is held
void message_queue::awaiter::leave_line() noexcept {
  in_line_ = false;
  if (previous_in_line_ != nullptr)
    previous_in_line_->next_in_line_ = next_in_line_;
  else
    queue_->first_awaiter_ = next_in_line_;
  if (next_in_line_ != nullptr)
    next_in_line_->previous_in_line_ = previous_in_line_;
  else
    queue_->last_awaiter_ = previous_in_line_;
  next_in_line_ = previous_in_line_ = nullptr;
}

} // namespace troupe
