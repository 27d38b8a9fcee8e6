// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The workers of a pool: how many there are, how they come and go.

#include "pool/router.hpp"
#include "rules/naming.hpp"
#include "supervisor/supervisor_core.hpp"
#include "worker/core_ptr.hpp"
#include "worker/spawn.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace troupe::detail {

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

  [[nodiscard]] std::string check() const override {
    return each_->check();
  }

private:
  std::shared_ptr<const child_factory> each_;
  std::weak_ptr<pool_router> pool_;
  std::size_t seat_;
};

} // namespace

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
      auto again = owner->start_child(name);
      again->then([weak, life, i](const child_result& second) {
        if (auto there = weak.lock())
          there->arrived(life, i, second.error);
      });
    });
  });
}

/// It finishes the message that it has in hand.
void pool_router::stop_worker(supervisor_core& by, std::size_t i) {
  auto stopping = by.terminate_child(spec_of(i).name, {}, on_stop::discard);
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

} // namespace troupe::detail
