// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "pool/router.hpp"

#include "rules/naming.hpp"
#include "supervisor/supervisor_core.hpp"
#include "worker/core_ptr.hpp"
#include "worker/spawn.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace troupe {

namespace {

/// Makes the workers in one seat of a pool.
class seat_factory final : public child_factory {
public:
  seat_factory(std::shared_ptr<const child_factory> each,
               std::weak_ptr<pool_router> pool, std::size_t seat)
    : each_(std::move(each)), pool_(std::move(pool)), seat_(seat) {
    // nop
  }

  [[nodiscard]] std::unique_ptr<worker>
  make(caf::actor_system& sys) const override {
    return each_->make(sys);
  }

  [[nodiscard]] std::shared_ptr<message_queue> make_queue() const override {
    auto pool = pool_.lock();
    return pool ? pool->queue_of(seat_) : each_->make_queue();
  }

  [[nodiscard]] const std::type_info& type() const noexcept override {
    return each_->type();
  }

  [[nodiscard]] const worker_role& role() const noexcept override {
    return each_->role();
  }

private:
  std::shared_ptr<const child_factory> each_;
  std::weak_ptr<pool_router> pool_;
  std::size_t seat_;
};

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

// -- the workers ---------------------------------------------------------------

child_spec pool_router::spec_of(std::size_t i) {
  return {rules::snake_case(class_name(plan_.each->type())) + "#"
            + std::to_string(i + 1),
          plan_.options.each,
          std::make_shared<seat_factory>(plan_.each, weak_from_this(), i)};
}

std::shared_ptr<const supervisor_spec> pool_router::begin() {
  auto result = std::make_shared<supervisor_spec>();
  result->name = plan_.options.name;
  result->strategy = strategy::dynamic;
  result->intensity = plan_.options.intensity;
  std::vector<call_ptr> overtaken;
  std::size_t n = 0;
  {
    std::unique_lock guard{mtx_};
    ++life_;
    owner_.reset();
    clear_seats();
    n = former_size_ = size_;
    for (std::size_t i = 0; i < n; ++i)
      set_stage(at(i), stage::starting);
    overtaken.swap(calls_);
  }
  for (std::size_t i = 0; i < n; ++i)
    result->add(spec_of(i));
  for (auto& call : overtaken)
    call->finish({});
  return result;
}

void pool_router::set_owner(const std::shared_ptr<supervisor_core>& by) {
  {
    std::unique_lock guard{mtx_};
    owner_ = by;
  }
  reconcile_all(); // Somebody may have changed their number meanwhile.
}

void pool_router::end(const caf::error& why) noexcept {
  std::vector<core_ptr> gone;
  std::vector<call_ptr> calls;
  {
    std::unique_lock guard{mtx_};
    gone.swap(gone_);
    for (auto& x : seats_)
      gone.push_back(std::move(x.core));
    clear_seats();
    owner_.reset();
    calls.swap(calls_);
  }
  for (auto& call : calls)
    call->finish({why, {}});
}

void pool_router::note_ready(worker_core& who) noexcept {
  std::vector<core_ptr> gone;
  std::unique_lock guard{mtx_};
  gone.swap(gone_);
  auto* found = find(who.queue());
  if (found == nullptr)
    return;
  if (found->at == stage::starting)
    set_stage(*found, stage::there);
  found->up = true;
  if (!found->open)
    ready_.push_back(number(*found));
}

/// Those that are ready get messages from now on, if it is time for that, and a
/// share of what is queued already. By key, that is what belongs to them,
/// before anything that is sent from now on.
void pool_router::open_ready(after_unlock_list& out) {
  if (!rules::may_open(plan_.options.routing, ready_.size(), open_.size(),
                       settled())
      || waiting_->load().closed)
    return;
  const auto others = open_;
  for (auto i : ready_) {
    auto& x = seats_[i];
    // One that is to go has perhaps been told so already.
    if (x.at == stage::there && x.up && i < size_)
      set_open(x, true);
  }
  ready_.clear();
  redistribute(*waiting_, true, out);
  for (auto i : others)
    if (seats_[i].open)
      redistribute(*seats_[i].queue, true, out);
}

/// Messages that they have not begun with go to the others, before any that is
/// sent from now on.
void pool_router::close_seats(std::size_t first, std::size_t last,
                              after_unlock_list& out) {
  std::vector<message_queue*> closed;
  for (auto i = last; i > first; --i)
    if (auto& x = seats_[i - 1]; x.open) {
      set_open(x, false);
      closed.push_back(x.queue.get());
    }
  if (waiting_->load().closed)
    return;
  for (auto* queue : closed)
    redistribute(*queue, true, out);
}

void pool_router::child_ready(worker_core& who) {
  note_ready(who);
  // Somebody may wait for those who came with the pool.
  reconcile(0, 0);
}

void pool_router::child_ended(worker_core& who) noexcept {
  std::unique_lock guard{mtx_};
  if (auto* found = find(who.queue()))
    found->up = false;
}

std::size_t pool_router::size() const {
  std::unique_lock guard{mtx_};
  return size_;
}

void pool_router::resize(std::size_t n, const call_ptr& call) {
  {
    std::unique_lock guard{mtx_};
    size_ = n;
    for (auto& x : seats_) {
      // Also one that has come to its end by itself is to be there again.
      auto over = x.at == stage::there && x.queue->load().closed
                  && rules::is_final(x.core->stage());
      if (over || x.at == stage::failed)
        set_stage(x, stage::absent);
    }
    calls_.push_back(call);
  }
  reconcile_all();
}

void pool_router::reconcile(std::size_t first, std::size_t last) {
  std::vector<std::size_t> coming;
  std::vector<std::size_t> going;
  std::vector<call_ptr> done;
  caf::error why_not;
  std::shared_ptr<supervisor_core> by;
  after_unlock_list out;
  {
    std::unique_lock guard{mtx_};
    by = owner_.lock();
    for (auto i = first; by && i < std::min(last, size_); ++i) {
      auto& x = at(i);
      if (x.at == stage::absent) {
        set_stage(x, stage::starting);
        coming.push_back(i);
      }
    }
    const auto end = std::min(last, seats_.size());
    const auto begin = std::min(std::max(first, size_), end);
    if (by)
      close_seats(begin, end, out);
    for (auto i = begin; by && i < end; ++i) {
      auto& x = seats_[i];
      if (x.at == stage::failed) {
        set_stage(x, stage::absent);
      } else if (x.at == stage::starting || x.at == stage::there) {
        set_stage(x, stage::leaving);
        going.push_back(i);
      }
    }
    open_ready(out);
    if (!by || settled()) {
      former_size_ = size_;
      done.swap(calls_);
      why_not = std::exchange(why_not_, {});
    }
  }
  for (auto i : going)
    stop_worker(*by, i);
  for (auto i : coming)
    start_worker(*by, i);
  for (auto& x : done)
    x->finish({why_not, {}});
}

void pool_router::start_worker(supervisor_core& by, std::size_t i) {
  auto spec = spec_of(i);
  auto name = spec.name;
  auto starting = by.start_child(std::move(spec));
  starting->then([weak = weak_from_this(), weak_owner = by.weak_from_this(),
                  life = life(), i, name](const child_result& first) {
    auto self = weak.lock();
    auto children = weak_owner.lock();
    if (!self || !children)
      return;
    if (first.error != errc::already_present
        && first.error != errc::already_started) {
      self->arrived(life, i, first.error);
      return;
    }
    // Its former life is over, and perhaps not everybody knows.
    auto over = children->terminate_child(name);
    over->then([weak, weak_owner, life, i, name](const child_result&) {
      auto pool = weak.lock();
      auto owner = weak_owner.lock();
      if (!pool || !owner)
        return;
      auto again = owner->restart_child(name);
      again->then([weak, life, i](const child_result& second) {
        if (auto there = weak.lock())
          there->arrived(life, i, second.error);
      });
    });
  });
}

/// It finishes the message that it has in hand.
void pool_router::stop_worker(supervisor_core& by, std::size_t i) {
  auto stopping = by.terminate_child(spec_of(i).name, on_stop::discard);
  stopping->then(
    [weak = weak_from_this(), life = life(), i](const child_result&) {
      if (auto self = weak.lock())
        self->left(life, i);
    });
}

std::uint64_t pool_router::life() const {
  std::unique_lock guard{mtx_};
  return life_;
}

void pool_router::arrived(std::uint64_t life, std::size_t i,
                          const caf::error& why_not) {
  auto failed = false;
  {
    std::unique_lock guard{mtx_};
    if (life != life_)
      return;
    auto& x = seats_[i];
    // Else it was not wanted any more, and this is how its start has ended.
    failed = why_not && x.at == stage::starting;
    if (failed) {
      set_stage(x, stage::failed);
      set_open(x, false);
      size_ = std::min(size_, former_size_);
      if (!why_not_)
        why_not_ = why_not;
    }
  }
  if (failed)
    reconcile_all();
  else
    reconcile(i, i + 1);
}

void pool_router::left(std::uint64_t life, std::size_t i) {
  {
    std::unique_lock guard{mtx_};
    if (life != life_)
      return;
    if (seats_[i].at == stage::leaving)
      set_stage(seats_[i], stage::absent);
  }
  reconcile(i, i + 1);
}

} // namespace troupe
