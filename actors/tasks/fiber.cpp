// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/fiber.hpp"

#include "base/standard_error.hpp"
#include "troupe/task.hpp"

#include <cassert>
#include <cstdlib>
#include <utility>

namespace troupe::detail {

namespace {

// Parts start on the stack of the coroutine that awaits them. Where groups nest
// deeper than this they start from the strand's ready list instead, so that no
// nesting can use up the stack.
constexpr std::uint16_t max_nesting = 8;

// Tasks that were never started are destroyed on the stack of what holds them
// up to this depth, which keeps the usual order of destruction.
constexpr std::uint16_t max_destructions = 64;

thread_local constinit std::uint16_t destructions = 0;

// Those beyond it, linked by `caller_`.
thread_local constinit promise_base* destroy_later = nullptr;

/// A coroutine has suspended, and nobody knows what it waits for: it would
/// never go on. That is a mistake in the program, so the process ends.
[[noreturn, gnu::cold, gnu::noinline]] void stop_at_lost_coroutine() noexcept {
  say_if_there_is_room(
    "troupe: a coroutine has suspended, and nobody can resume it: it awaits "
    "what is not made for troupe, or GCC before 12.3 has miscompiled a "
    "co_await "
    "in the condition of an if or a loop; give its result a name first, see "
    "\"GCC 12 and co_await\" in docs/guide/awaiting.md\n");
  std::abort();
}

} // namespace

alignas(std::max_align_t) constinit const std::byte no_promise{};

template <>
task<> empty_coroutine<void>() {
  co_return;
}

// -- promise_base -------------------------------------------------------------

void promise_base::destroy_unstarted() noexcept {
  if (destructions == max_destructions) {
    caller_ = std::exchange(destroy_later, this);
    return;
  }
  ++destructions;
  frame_.destroy();
  --destructions;
  if (destructions > 0)
    return;
  while (auto* x = destroy_later) {
    destroy_later = x->caller_;
    ++destructions;
    x->frame_.destroy();
    --destructions;
  }
}

// -- fiber: properties --------------------------------------------------------

fiber::~fiber() {
  assert(!running_ && "a fiber was destroyed by one of its own coroutines");
  if (!active())
    return;
  if (!cancelled_) {
    cancelled_ = true;
    if (tear_down())
      return;
  }
  waiting_ = nullptr;
  destroy_frames();
}

std::size_t fiber::in_flight() const noexcept {
  std::size_t result = 0;
  for (const auto* x = this; x != nullptr; x = x->next_below(*this))
    if (x->waiting_ != nullptr && x->waiting_->kind_ == wait::kind::joined)
      ++result;
  return result;
}

fiber_group* fiber::group() const noexcept {
  if (waiting_ == nullptr || waiting_->kind_ != wait::kind::group)
    return nullptr;
  return static_cast<fiber_group*>(waiting_);
}

const fiber* fiber::next_below(const fiber& root) const noexcept {
  if (auto* parts = group(); parts != nullptr && parts->first_ != nullptr)
    return parts->first_;
  const auto* x = this;
  while (x != &root) {
    auto* part = static_cast<const fiber_part*>(x);
    if (part->sibling_ != nullptr)
      return part->sibling_;
    x = &part->parent_->owner();
  }
  return nullptr;
}

// -- fiber: running -----------------------------------------------------------

void fiber::enter(promise_base& root) noexcept {
  assert(!active() && "a fiber was started that has not ended yet");
  root.fiber_ = this;
  root.caller_ = nullptr;
  innermost_ = &root;
  waiting_ = nullptr;
  cancelled_ = false;
  stop_requested_ = false;
}

void fiber::run() noexcept {
  auto& nesting = strand_->nesting_;
  running_ = true;
  ++nesting;
  for (;;) {
    auto* current = innermost_;
    current->frame_.resume();
    if (waiting_ != nullptr || cancelled_)
      break;
    if (innermost_ != current) // it has called another one
      continue;
    if (!current->frame_.done()) [[unlikely]]
      stop_at_lost_coroutine();
    if (current->caller_ == nullptr)
      break;
    // Its frame belongs to the awaiter in the caller now, which takes the
    // result when the caller goes on. It stays innermost up to here, so that
    // there is no moment at which nobody owns it.
    innermost_ = current->caller_;
  }
  --nesting;
  running_ = false;
  if (cancelled_) {
    if (tear_down())
      report_gone();
  } else if (waiting_ == nullptr) {
    // It has ended. This may destroy this fiber.
    const auto end = end_;
    end.call(*this, end.bits);
  }
}

void fiber::resume(wait& x) noexcept {
  if (cancelled_) {
    // A joined wait has come back.
    if (tear_down())
      report_gone();
    return;
  }
  if (auto* parts = group(); parts != nullptr && !parts->started_) {
    // A part that cancels this fiber must not pull the rug from under the loop
    // that starts the parts, so this counts as running.
    x.state_.store(wait::state::waiting, std::memory_order_relaxed);
    running_ = true;
    const auto over = parts->start_parts();
    running_ = false;
    if (cancelled_) {
      if (tear_down())
        report_gone();
      return;
    }
    if (!over)
      return;
    x.state_.store(wait::state::idle, std::memory_order_relaxed);
  }
  waiting_ = nullptr;
  run();
}

// -- fiber: ending ------------------------------------------------------------

void fiber::destroy_frames() noexcept {
  while (auto* x = innermost_) {
    innermost_ = x->caller_;
    x->frame_.destroy();
  }
}

bool fiber::destroy_last_frame() noexcept {
  running_ = true;
  destroy_frames();
  running_ = false;
  if (!cancelled_)
    return true;
  report_gone(); // which may destroy this fiber
  return false;
}

void fiber::request_stop() noexcept {
  for (const auto* x = this; x != nullptr; x = x->next_below(*this)) {
    auto* self = const_cast<fiber*>(x);
    self->stop_requested_ = true;
    if (x->waiting_ != nullptr && x->waiting_->kind_ == wait::kind::joined)
      static_cast<joined_wait*>(x->waiting_)->request_stop();
  }
}

bool fiber::do_cancel(hook on_gone) noexcept {
  if (!active() && !running_)
    return true;
  if (cancelled_)
    return false;
  cancelled_ = true;
  stop_requested_ = true;
  end_ = on_gone;
  return !running_ && tear_down();
}

bool fiber::tear_down() noexcept {
  auto* x = this;
  for (;;) {
    // Down, to a fiber without parts that are still to be cancelled.
    if (auto* parts = x->group()) {
      if (auto* part = parts->next_to_cancel(nullptr)) {
        x = part;
        continue;
      }
    }
    // Up, to a fiber with more of them.
    for (;;) {
      auto* parts = x->group();
      auto* joined = x->waiting_ != nullptr
                         && x->waiting_->kind_ == wait::kind::joined
                       ? static_cast<joined_wait*>(x->waiting_)
                       : nullptr;
      const auto back = joined == nullptr
                        || joined->state_.load(std::memory_order_relaxed)
                             == wait::state::idle
                        || joined->take_back();
      const auto gone = (parts == nullptr || parts->alive_ == 0) && back;
      if (gone) {
        x->waiting_ = nullptr;
        x->destroy_frames();
      } else if (joined != nullptr) {
        joined->give_up();
      }
      if (x == this)
        return gone;
      auto* part = static_cast<fiber_part*>(x);
      auto* siblings = part->parent_;
      if (gone)
        --siblings->alive_;
      if (auto* next = siblings->next_to_cancel(part)) {
        x = next;
        break;
      }
      x = siblings->fiber_;
    }
  }
}

void fiber::report_gone() noexcept {
  auto* x = this;
  while (x->part_) {
    auto& parts = *static_cast<fiber_part*>(x)->parent_;
    auto& parent = parts.owner();
    if (!parent.cancelled_ || parent.running_) {
      parts.leave();
      return;
    }
    if (--parts.alive_ > 0)
      return;
    parent.waiting_ = nullptr;
    parent.destroy_frames();
    x = &parent;
  }
  const auto end = x->end_;
  if (end.call != nullptr)
    end.call(*x, end.bits);
}

// -- fiber_group --------------------------------------------------------------

void fiber_group::add(fiber_part& part) noexcept {
  part.parent_ = this;
  if (last_part_ == nullptr)
    first_ = &part;
  else
    last_part_->sibling_ = &part;
  last_part_ = &part;
  ++alive_;
}

bool fiber_group::begin(promise_base& who) noexcept {
  wait::begin(who);
  auto& strand = owner().get_strand();
  for (auto* x = first_; x != nullptr; x = x->sibling_)
    x->strand_ = &strand;
  if (strand.nesting_ > max_nesting) {
    post();
    return true;
  }
  if (!start_parts())
    return true;
  withdraw();
  return false;
}

bool fiber_group::start_parts() noexcept {
  auto& parent = owner();
  started_ = true;
  starting_ = true;
  for (auto* x = first_; x != nullptr && decider_ == nullptr; x = x->sibling_) {
    if (parent.cancelled_)
      break;
    x->stop_requested_ = parent.stop_requested_;
    x->run();
  }
  starting_ = false;
  return alive_ == 0 && !parent.cancelled_;
}

fiber_part* fiber_group::next_to_cancel(fiber_part* x) noexcept {
  for (x = x == nullptr ? first_ : x->sibling_; x != nullptr; x = x->sibling_) {
    if (!x->active() || x->cancelled_)
      continue;
    x->cancelled_ = true;
    x->stop_requested_ = true;
    if (!x->running_) // else its loop sees to it
      return x;
  }
  return nullptr;
}

void fiber_group::ended(fiber_part& part, bool failed) noexcept {
  if (decider_ == nullptr && (failed || rule_ == rule::first_ended)) {
    decider_ = &part;
    for (auto* x = next_to_cancel(nullptr); x != nullptr; x = next_to_cancel(x))
      if (x->tear_down())
        --alive_;
  }
  // Only now does this part count as gone: up to here it keeps the group alive,
  // whatever the destructors of the others do. From here on it is as if it had
  // been cancelled itself, in case somebody has cancelled the parent.
  part.report_gone();
}

void fiber_group::leave() noexcept {
  if (--alive_ == 0 && !starting_)
    post();
}

} // namespace troupe::detail
