// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "pool/router.hpp"

#include "rules/naming.hpp"
#include "spawn.hpp"
#include "supervisor/nursery.hpp"

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

  [[nodiscard]] child_kind kind() const noexcept override {
    return each_->kind();
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

std::shared_ptr<pool_router> router_of(const cell& x) {
  auto* queue = x.queue();
  if (queue == nullptr)
    return nullptr;
  auto pool = queue->pool();
  return pool && pool->is_own(*queue) ? pool : nullptr;
}

// -- senders -------------------------------------------------------------------

rules::partition pool_router::partition_of(message_queue::node& x) const {
  return plan_.key ? rules::partition_of(plan_.key(x)) : rules::partition{0};
}

/// Offers a message to the queue where it belongs.
/// @param offer Called with a queue, says what it made of the message.
template <class F>
message_queue::receipt pool_router::put(rules::partition where, F offer) {
  // Goes after the lock: messages are the user's.
  std::optional<message_queue::departures> out;
  std::unique_lock guard{mtx_};
  // Once a stop was asked for, nothing new begins.
  while (!waiting_->at().closed) {
    auto* found = choose(where);
    auto& queue = found != nullptr ? *found->queue : *waiting_;
    auto result = offer(queue, out.emplace(queue));
    if (result != message_queue::receipt::closed)
      return result;
    // Somebody has stopped that worker alone.
    if (found != nullptr)
      found->open = false;
  }
  return message_queue::receipt::closed;
}

bool pool_router::push(message_queue::node_ptr x) {
  using receipt = message_queue::receipt;
  auto result = put(x->partition, [&x](auto& queue, auto& out) {
    return queue.offer(x, out);
  });
  // A queue that is closed counts what it refuses.
  return result == receipt::closed ? waiting_->push(std::move(x))
                                   : result == receipt::taken;
}

message_queue::receipt
pool_router::push_request(message_queue::node_ptr x,
                          const caf::strong_actor_ptr& from,
                          caf::message_id answer) {
  auto result = put(x->partition, [&](auto& queue, auto& out) {
    return queue.offer(x, from, answer, out);
  });
  return result == message_queue::receipt::closed
           ? waiting_->push_request(std::move(x), from, answer)
           : result;
}

message_queue::receipt pool_router::apply(message_queue::applicant& who) {
  auto result = put(who.partition(), [&who](auto& queue, auto& out) {
    return queue.offer(who, out);
  });
  return result == message_queue::receipt::closed ? waiting_->apply(who)
                                                  : result;
}

/// @returns null if nobody can take a message.
pool_router::seat* pool_router::choose(rules::partition where) {
  const auto how = plan_.options.routing;
  const auto bounded = plan_.options.each.worker.queue.capacity != unbounded;
  members_.clear();
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    auto& x = seats_[i];
    if (!x.open)
      continue;
    rules::pool_member member{.number = i, .up = x.up};
    if (how == routing::least_busy
        || (how == routing::round_robin && bounded)) {
      auto at = x.queue->at();
      member.full = at.full;
      member.load = at.load;
    }
    members_.push_back(member);
  }
  if (members_.empty())
    return nullptr;
  std::size_t chosen = 0;
  switch (how) {
    case routing::round_robin:
      chosen = rules::in_turn(members_, last_);
      break;
    case routing::least_busy:
      chosen = rules::least_busy(members_, last_);
      break;
    case routing::by_key:
      chosen = rules::by_key(members_, where);
      break;
  }
  last_ = members_[chosen].number;
  return &seats_[last_];
}

// -- the queues ----------------------------------------------------------------

void pool_router::inherit(message_queue& from, bool messages) noexcept {
  departure_list out;
  std::unique_lock guard{mtx_};
  if (is_own(from))
    return;
  if (auto* found = find(&from))
    found->open = false;
  if (!waiting_->at().closed)
    redistribute(from, messages, out);
}

/// What one queue has given up, others take; nothing else can come between.
/// @pre the lock is held
void pool_router::redistribute(message_queue& from, bool messages,
                               departure_list& out) {
  // Tries the queues one after another, `from` in the end.
  auto settle = [&](rules::partition where, auto inherit) {
    while (auto* found = choose(where)) {
      if (inherit(*found->queue, false))
        return;
      found->open = false;
    }
    if (!inherit(*waiting_, false))
      inherit(from, true);
  };
  auto estate = from.give_up(messages);
  while (estate.messages != nullptr) {
    message_queue::node_ptr x{estate.messages};
    estate.messages = x->next;
    settle(x->partition, [&x](message_queue& queue, bool anyhow) {
      return queue.inherit(x, anyhow);
    });
  }
  while (estate.applicants != nullptr) {
    auto& who = *message_queue::take_first(estate.applicants);
    settle(who.partition(), [&](message_queue& queue, bool anyhow) {
      return queue.inherit(who, anyhow, out.emplace_back(queue));
    });
  }
}

void pool_router::housed(const message_queue& from, cell& in) {
  std::unique_lock guard{mtx_};
  auto* found = find(&from);
  if (found == nullptr)
    return;
  // It may be the last who knows it, and its object is the user's.
  if (found->home.get() != nullptr)
    gone_.push_back(std::move(found->home));
  found->home = cell_ptr{in};
}

queue_counts pool_router::counts() const {
  std::unique_lock guard{mtx_};
  auto result = waiting_->counts();
  for (auto& x : seats_)
    add(result, x.queue->counts());
  return result;
}

std::shared_ptr<message_queue> pool_router::own_queue() {
  auto self = shared_from_this();
  waiting_->join(self);
  return {std::move(self), waiting_.get()};
}

std::shared_ptr<message_queue> pool_router::queue_of(std::size_t i) {
  std::unique_lock guard{mtx_};
  return at(i).queue;
}

pool_router::seat* pool_router::find(const message_queue* queue) noexcept {
  auto i = std::ranges::find_if(seats_, [queue](const seat& x) {
    return x.queue.get() == queue;
  });
  return i != seats_.end() ? &*i : nullptr;
}

pool_router::seat& pool_router::at(std::size_t i) {
  while (seats_.size() <= i) {
    seat next;
    next.queue = plan_.each->make_queue();
    next.queue->join(weak_from_this());
    seats_.push_back(std::move(next));
  }
  return seats_[i];
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
    keeper_.reset();
    for (auto& x : seats_) {
      x.at = stage::absent;
      x.up = x.open = false;
    }
    n = former_size_ = size_;
    for (std::size_t i = 0; i < n; ++i)
      at(i).at = stage::starting;
    overtaken.swap(calls_);
  }
  for (std::size_t i = 0; i < n; ++i)
    result->add(spec_of(i));
  for (auto& call : overtaken)
    call->finish({});
  return result;
}

void pool_router::kept_by(const std::shared_ptr<nursery>& by) {
  {
    std::unique_lock guard{mtx_};
    keeper_ = by;
  }
  reconcile(); // Somebody may have changed their number meanwhile.
}

void pool_router::end(const caf::error& why) noexcept {
  std::vector<cell_ptr> gone;
  std::vector<call_ptr> calls;
  {
    std::unique_lock guard{mtx_};
    gone.swap(gone_);
    for (auto& x : seats_) {
      gone.push_back(std::move(x.home));
      x.at = stage::absent;
      x.up = x.open = false;
    }
    keeper_.reset();
    calls.swap(calls_);
  }
  for (auto& call : calls)
    call->finish({why, {}});
}

void pool_router::open_seat(cell& who) noexcept {
  std::vector<cell_ptr> gone;
  departure_list out;
  std::unique_lock guard{mtx_};
  gone.swap(gone_);
  auto* found = find(who.queue());
  if (found == nullptr)
    return;
  if (found->at == stage::starting)
    found->at = stage::there;
  found->up = true;
  // One that is to go has perhaps been told so already.
  if (found->at != stage::there
      || static_cast<std::size_t>(found - seats_.data()) >= size_)
    return;
  if (found->open || is_held())
    return;
  found->open = true;
  redistribute(*waiting_, true, out);
  share(*found, out);
}

/// Whether those who are ready get no messages yet: by key, as long as others
/// come at the same time, and nobody is at work. Else keys would move from one
/// to the next while they come.
/// @pre the lock is held
bool pool_router::is_held() const noexcept {
  return plan_.options.routing == routing::by_key
         && std::ranges::none_of(seats_, [](const seat& x) { return x.open; });
}

/// Those who were held begin together, once nobody else comes.
/// @pre the lock is held
void pool_router::open_held(departure_list& out) {
  if (!is_held() || !settled())
    return;
  auto any = false;
  for (std::size_t i = 0; i < std::min(size_, seats_.size()); ++i)
    if (auto& x = seats_[i]; x.at == stage::there && x.up)
      any = x.open = true;
  if (any)
    redistribute(*waiting_, true, out);
}

void pool_router::child_ready(cell& who) {
  open_seat(who);
  // Somebody may wait for those who came with the pool.
  reconcile();
}

/// Whoever comes gets a share of what is queued already. By key, that is what
/// belongs to it, before anything that is sent from now on.
/// @pre the lock is held
void pool_router::share(const seat& with, departure_list& out) {
  for (auto& x : seats_)
    if (&x != &with && x.open)
      redistribute(*x.queue, true, out);
}

void pool_router::child_ended(cell& who) noexcept {
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
      auto over = x.at == stage::there && x.queue->at().closed
                  && rules::is_final(x.home->stage());
      if (over || x.at == stage::failed)
        x.at = stage::absent;
    }
    calls_.push_back(call);
  }
  reconcile();
}

/// Makes the workers those that are wanted. Each change that is done calls this
/// once more, so whatever was asked for last is what comes about.
void pool_router::reconcile() {
  std::vector<std::size_t> coming;
  std::vector<std::size_t> going;
  std::vector<call_ptr> done;
  caf::error why_not;
  std::shared_ptr<nursery> by;
  departure_list out;
  {
    std::unique_lock guard{mtx_};
    by = keeper_.lock();
    for (std::size_t i = 0; by && i < size_; ++i) {
      auto& x = at(i);
      if (x.at == stage::absent) {
        x.at = stage::starting;
        coming.push_back(i);
      }
    }
    for (auto i = size_; by && i < seats_.size(); ++i) {
      auto& x = seats_[i];
      // What it has not begun with goes to the others before anything that is
      // sent from now on.
      if (std::exchange(x.open, false) && !waiting_->at().closed)
        redistribute(*x.queue, true, out);
      if (x.at == stage::failed) {
        x.at = stage::absent;
      } else if (x.at == stage::starting || x.at == stage::there) {
        x.at = stage::leaving;
        going.push_back(i);
      }
    }
    open_held(out);
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

bool pool_router::settled() const noexcept {
  return std::ranges::none_of(seats_, [](const seat& x) {
    return x.at == stage::starting || x.at == stage::leaving;
  });
}

void pool_router::start_worker(nursery& by, std::size_t i) {
  auto spec = spec_of(i);
  auto name = spec.name;
  auto starting = by.start_child(std::move(spec));
  starting->then([weak = weak_from_this(), keeper = by.weak_from_this(),
                  life = life(), i, name](const child_result& first) {
    auto self = weak.lock();
    auto children = keeper.lock();
    if (!self || !children)
      return;
    if (first.error != errc::already_present) {
      self->arrived(life, i, first.error);
      return;
    }
    auto again = children->restart_child(name);
    again->then([weak, life, i](const child_result& second) {
      if (auto pool = weak.lock())
        pool->arrived(life, i, second.error);
    });
  });
}

/// It finishes the message that it has in hand.
void pool_router::stop_worker(nursery& by, std::size_t i) {
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
  {
    std::unique_lock guard{mtx_};
    if (life != life_)
      return;
    auto& x = seats_[i];
    // Else it was not wanted any more, and this is how its start has ended.
    if (why_not && x.at == stage::starting) {
      x.at = stage::failed;
      x.open = false;
      size_ = std::min(size_, former_size_);
      if (!why_not_)
        why_not_ = why_not;
    }
  }
  reconcile();
}

void pool_router::left(std::uint64_t life, std::size_t i) {
  {
    std::unique_lock guard{mtx_};
    if (life != life_)
      return;
    if (seats_[i].at == stage::leaving)
      seats_[i].at = stage::absent;
  }
  reconcile();
}

} // namespace troupe
