// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/strand.hpp"

#include "rules/fair_share.hpp"
#include "troupe/detail/fiber.hpp"
#include "troupe/detail/perturb.hpp"

#include <cassert>

namespace troupe::detail {

// -- wait ---------------------------------------------------------------------

wait::~wait() {
  if (state_.load(std::memory_order_acquire) != state::idle)
    withdraw();
}

void wait::withdraw() noexcept {
  get_strand().forget(*this);
  state_.store(state::idle, std::memory_order_relaxed);
  if (fiber_->waiting_ == this)
    fiber_->waiting_ = nullptr;
}

bool wait::post_last() noexcept {
  last_ = true;
  return post();
}

// -- wait_list ----------------------------------------------------------------

void wait_list::push_back(wait& x) noexcept {
  if (first_ == nullptr) {
    x.next_ = x.previous_ = &x;
    first_ = &x;
    return;
  }
  x.next_ = first_;
  x.previous_ = first_->previous_;
  x.previous_->next_ = &x;
  first_->previous_ = &x;
}

wait* wait_list::pop_front() noexcept {
  auto* result = first_;
  if (result != nullptr)
    erase(*result);
  return result;
}

void wait_list::erase(wait& x) noexcept {
  if (x.previous_ == nullptr)
    return;
  if (x.next_ == &x) {
    first_ = nullptr;
  } else {
    x.previous_->next_ = x.next_;
    x.next_->previous_ = x.previous_;
    if (first_ == &x)
      first_ = x.next_;
  }
  x.next_ = x.previous_ = nullptr;
}

// -- strand -------------------------------------------------------------------

// Stands in the inbox while it is empty and yet nobody needs to wake the
// strand.
wait* strand::scheduled() noexcept {
  static constinit std::uintptr_t mark = 0;
  return reinterpret_cast<wait*>(&mark);
}

bool strand::post(wait& x) noexcept {
  auto expected = wait::state::waiting;
  if (!x.state_.compare_exchange_strong(expected, wait::state::posted,
                                        std::memory_order_acq_rel))
    return false;
  perturb();
  auto* head = inbox_.load(std::memory_order_relaxed);
  do {
    x.next_ = head;
    perturb();
    // Release: the thread that fetches it sees the link, and all that the
    // poster did.
  } while (!inbox_.compare_exchange_weak(head, &x, std::memory_order_acq_rel,
                                         std::memory_order_relaxed));
  // From here on `x` may be gone.
  perturb();
  if (head == nullptr)
    wake();
  return true;
}

// Moves what was posted to the ready list and makes the strand scheduled.
void strand::fetch() noexcept {
  if (inbox_.load(std::memory_order_relaxed) == scheduled())
    return;
  perturb();
  auto* x = inbox_.exchange(scheduled(), std::memory_order_acq_rel);
  if (x == nullptr || x == scheduled())
    return;
  // The latest is first: each goes in before the one that went in last.
  wait* last_added = nullptr;
  while (x != nullptr && x != scheduled()) {
    auto* next = x->next_;
    if (last_added == nullptr) {
      ready_.push_back(*x);
    } else {
      x->next_ = last_added;
      x->previous_ = last_added->previous_;
      x->previous_->next_ = x;
      last_added->previous_ = x;
      if (ready_.first_ == last_added)
        ready_.first_ = x;
    }
    last_added = x;
    x = next;
  }
}

// Makes the strand idle if nothing is left, and nothing was posted since.
void strand::settle() noexcept {
  if (!ready_.empty())
    return;
  perturb();
  auto* expected = scheduled();
  inbox_.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel,
                                 std::memory_order_relaxed);
}

std::size_t strand::run_ready(std::size_t max) {
  assert(nesting_ == 0 && "run_ready() was called from inside a coroutine");
  std::size_t count = 0;
  auto look = rules::first_look;
  running_ = true;
  while (count < max) {
    auto* x = ready_.front();
    if (x == nullptr) {
      fetch();
      x = ready_.front();
      if (x == nullptr)
        break;
    }
    if (x->last_ && count > 0)
      break;
    ready_.erase(*x);
    x->state_.store(wait::state::idle, std::memory_order_relaxed);
    if (watched_)
      step_begins();
    x->fiber_->resume(*x);
    if (++count < look)
      continue;
    if (out_of_time())
      break;
    look = rules::next_look(count);
  }
  running_ = false;
  settle();
  return count;
}

bool strand::has_ready() const noexcept {
  if (!ready_.empty())
    return true;
  auto* head = inbox_.load(std::memory_order_acquire);
  return head != nullptr && head != scheduled();
}

void strand::forget(wait& x) noexcept {
  if (x.state_.load(std::memory_order_acquire) != wait::state::posted)
    return;
  fetch();
  ready_.erase(x);
  x.state_.store(wait::state::idle, std::memory_order_relaxed);
  // Else `run_ready()` does it, so that what is posted meanwhile needs no wake.
  if (!running_)
    settle();
}

} // namespace troupe::detail
