// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "pool/router.hpp"

#include "rules/naming.hpp"
#include "supervisor/supervisor_core.hpp"
#include "troupe/detail/submission.hpp"
#include "worker/core_ptr.hpp"
#include "worker/spawn.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace troupe::detail {

namespace {

void add(queue_counts& to, const queue_counts& x) noexcept {
  to.sent += x.sent;
  to.handled += x.handled;
  to.in_progress += x.in_progress;
  to.queued += x.queued;
  to.handed_over += x.handed_over;
  to.closed += x.closed;
  to.rejected += x.rejected;
  to.dropped += x.dropped;
  to.discarded += x.discarded;
  to.failed += x.failed;
  to.lost += x.lost;
  to.abandoned += x.abandoned;
}

} // namespace

pool_router::pool_router(pool_plan plan)
  : plan_(std::move(plan)),
    waiting_(plan_.each->make_queue()),
    size_(plan_.options.size),
    former_size_(size_) {
  // nop
}

// -- senders -------------------------------------------------------------------

void pool_router::assign(message_node& x) const {
  x.partition = plan_.key ? rules::partition_of(plan_.key(x))
                          : rules::partition{0};
}

receipt pool_router::submit(submission& x) {
  // They go after the lock: messages are the user's.
  std::optional<message_queue::after_unlock> out;
  after_unlock_list moved;
  {
    std::unique_lock guard{mtx_};
    const auto where = x.what()->partition;
    // Once a stop was asked for, nothing new begins.
    while (!waiting_->load().closed) {
      auto* found = choose(where);
      auto& queue = found != nullptr ? *found->queue : *waiting_;
      auto result = queue.offer(x, out.emplace(queue));
      if (result != receipt::closed)
        return result;
      if (found != nullptr)
        pass_over(*found, moved);
    }
  }
  // A queue that is closed counts what it refuses.
  return waiting_->submit(x);
}

/// @returns null if nobody can take a message.
pool_router::seat* pool_router::choose(rules::partition where) {
  if (open_.empty())
    return nullptr;
  const auto bounded = plan_.options.each.worker.queue.capacity != unbounded;
  auto look = [this](rules::pool_number i) -> rules::pool_member {
    return {.up = seats_[i].up};
  };
  auto look_closely = [this](rules::pool_number i) -> rules::pool_member {
    const auto at = seats_[i].queue->load();
    return {seats_[i].up, at.full, at.pending};
  };
  switch (plan_.options.routing) {
    case routing::round_robin:
      last_ = open_[bounded ? rules::in_turn(open_, last_, look_closely)
                            : rules::in_turn(open_, last_, look)];
      break;
    case routing::least_busy:
      last_ = open_[rules::least_busy(open_, last_, look_closely)];
      break;
    case routing::by_key:
      last_ = owners_.of(open_, where);
      break;
  }
  return &seats_[last_];
}

// -- the queues ----------------------------------------------------------------

void pool_router::take_over(message_queue& from, bool messages) noexcept {
  after_unlock_list out;
  std::unique_lock guard{mtx_};
  if (is_own(from))
    return;
  auto* found = find(&from);
  const auto was_open = found != nullptr && found->open;
  if (was_open)
    set_open(*found, false);
  if (waiting_->load().closed)
    return;
  messages = messages || plan_.options.routing == routing::by_key;
  if (was_open && messages)
    from.break_promises();
  redistribute(from, messages, out);
}

/// Other queues take the leftovers of one; nothing else can come between.
/// @pre the lock is held
void pool_router::redistribute(message_queue& from, bool messages,
                               after_unlock_list& out) {
  // Tries the queues one after another, `from` in the end.
  auto give = [&](rules::partition where, auto take) {
    while (auto* found = choose(where)) {
      if (take(*found->queue, false))
        return;
      pass_over(*found, out);
    }
    if (!take(*waiting_, false))
      take(from, true);
  };
  auto leftovers = from.release_leftovers(messages);
  while (leftovers.messages != nullptr) {
    message_queue::node_ptr x{leftovers.messages};
    leftovers.messages = x->next;
    give(x->partition, [&x](message_queue& queue, bool anyhow) {
      return queue.take_over(x, anyhow);
    });
  }
  while (leftovers.senders != nullptr) {
    auto& who = *message_queue::take_first(leftovers.senders);
    give(who.partition(), [&](message_queue& queue, bool anyhow) {
      return queue.take_over(who, anyhow, out.emplace_back(queue));
    });
  }
}

/// Its queue is closed, because somebody has stopped that worker alone. By key,
/// what it still has goes to the others here and now, before what comes.
/// @pre the lock is held
void pool_router::pass_over(seat& x, after_unlock_list& out) {
  set_open(x, false);
  if (plan_.options.routing != routing::by_key || waiting_->load().closed)
    return;
  x.queue->break_promises();
  redistribute(*x.queue, true, out);
}

void pool_router::prepare_drain() noexcept {
  after_unlock_list out;
  std::unique_lock guard{mtx_};
  if (waiting_->load().pending == 0)
    return;
  for (auto& x : seats_) {
    if (x.core.get() == nullptr)
      continue;
    const auto at = x.core->stage();
    set_open(x, at != rules::stage::created && !rules::is_final(at));
  }
  redistribute(*waiting_, true, out);
}

void pool_router::housed(const message_queue& from, worker_core& in) {
  std::unique_lock guard{mtx_};
  auto* found = find(&from);
  if (found == nullptr)
    return;
  // It may be the last who knows it, and its object is the user's.
  if (found->core.get() != nullptr)
    gone_.push_back(std::move(found->core));
  found->core = core_ptr{in};
}

queue_counts pool_router::counts() noexcept {
  std::unique_lock guard{mtx_};
  auto result = waiting_->counts();
  for (auto& x : seats_)
    add(result, x.queue->counts());
  return result;
}

std::shared_ptr<message_queue> pool_router::own_queue() {
  auto self = shared_from_this();
  waiting_->join(self, 0);
  return {std::move(self), waiting_.get()};
}

std::shared_ptr<message_queue> pool_router::queue_of(std::size_t i) {
  std::unique_lock guard{mtx_};
  return at(i).queue;
}

pool_router::seat* pool_router::find(const message_queue* queue) noexcept {
  const auto i = queue->seat();
  return i < seats_.size() && seats_[i].queue.get() == queue ? &seats_[i]
                                                             : nullptr;
}

pool_router::seat& pool_router::at(std::size_t i) {
  while (seats_.size() <= i) {
    seat next;
    next.queue = plan_.each->make_queue();
    next.queue->join(weak_from_this(),
                     static_cast<rules::pool_number>(seats_.size()));
    seats_.push_back(std::move(next));
  }
  return seats_[i];
}

void pool_router::set_stage(seat& x, stage to) noexcept {
  auto moves = [](stage s) {
    return s == stage::starting || s == stage::leaving;
  };
  if (moves(x.at))
    --under_way_;
  x.at = to;
  if (moves(to))
    ++under_way_;
}

void pool_router::set_open(seat& x, bool value) {
  if (std::exchange(x.open, value) == value)
    return;
  const auto i = number(x);
  const auto where = std::ranges::lower_bound(open_, i);
  if (value) {
    open_.insert(where, i);
    owners_.joined(i);
  } else {
    open_.erase(where);
    owners_.left();
  }
}

/// No worker is left of the former life.
void pool_router::clear_seats() noexcept {
  for (auto& x : seats_) {
    x.at = stage::absent;
    x.up = x.open = false;
  }
  under_way_ = 0;
  open_.clear();
  ready_.clear();
  owners_.left();
}

} // namespace troupe::detail
