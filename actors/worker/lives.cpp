// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The lives of a worker that has an owner: how one follows another in the same
// core, or in a successor of it, and how the last one ends.

#include "base/memory_ahead.hpp"
#include "worker/worker_core.hpp"

#include <cassert>
#include <utility>

namespace troupe::detail {

worker_phase worker_core::phase() const noexcept {
  auto at = stage();
  if (rules::is_final(at) && backing_off_.load(std::memory_order_relaxed))
    return worker_phase::backing_off;
  return rules::phase_of(at);
}

bool worker_core::can_live() const {
  held guard{mtx_};
  return can_live(guard);
}

bool worker_core::can_live(const held&) const {
  if (over_ || life_.was_dropped()
      || life_.machine.at() == rules::stage::abandoned)
    return false;
  return link_.is_tied();
}

caf::error worker_core::begin_life() {
  if (stage() == rules::stage::created) {
    if (queue_)
      queue_->reopen(); // The core before this one may have closed it.
    return start_now();
  }
  {
    held guard{mtx_};
    assert(rules::is_final(life_.machine.at()));
    // Somebody may have killed it before its first life could begin.
    if (!can_live(guard))
      return why_not_startable();
    failure none;
    begin_anew(guard, none);
  }
  log_transition(rules::stage::created, rules::stage::starting);
  return {};
}

void worker_core::begin_anew(const held& lock, failure& none) {
  tell(lock);
  former_ = std::make_unique<const outcome>(std::move(life_.make_end().how));
  life_ = life{rt().time().now()};
  backing_off_.store(false, std::memory_order_relaxed);
  incarnation_.fetch_add(1, std::memory_order_relaxed);
  health_.store(health::healthy, std::memory_order_relaxed);
  if (lazy_)
    lazy_->degraded_because.clear();
  if (queue_)
    queue_->reopen();
  apply(lock, life_.machine.feed(rules::event::start), none);
}

void worker_core::make_object() {
  memory_ahead(512); // with the frame of run()
  worker_.reset();   // before there is another one
  worker_ = owner_->make_object(*this);
  worker_->core_ = this;
}

bool worker_core::want_stop(on_stop mode) {
  if (!owner_)
    return request_stop(mode);
  owner_->stop_wanted(*this, mode);
  return true;
}

bool worker_core::claim_path() {
  if (!rt().claim_path(*this))
    return false;
  held guard{mtx_};
  // It may have been abandoned meanwhile.
  if (over_)
    rt().release_path(*this);
  else
    has_path_ = true;
  return !over_;
}

void worker_core::end_reached() {
  if (owner_ && !rt().gone()) {
    owner_->child_ended(*this);
    return;
  }
  tell();
  release_waiters();
}

void worker_core::retire() {
  if (finished())
    return;
  backing_off_.store(false, std::memory_order_relaxed);
  if (stage() == rules::stage::created
      && drop_unstarted(caf::make_error(errc::stopped_before_ready,
                                        subject() + " was never started")))
    return;
  if (queue_)
    queue_->discard(message_queue::fate::handled);
  release_waiters();
  held guard{mtx_};
  if (life_.machine.at() != rules::stage::abandoned)
    add_todo(todo::quit_actor);
}

void worker_core::succeed(worker_core& next) {
  next.retain();
  auto over = finished();
  auto how = last_outcome();
  if (!over)
    retain();
  {
    held guard{next.mtx_};
    if (!over)
      next.make_lazy().predecessor = this;
    next.incarnation_.store(incarnation() + 1, std::memory_order_relaxed);
    if (how)
      next.former_ = std::make_unique<const outcome>(std::move(*how));
  }
  successor_.store(&next, std::memory_order_release);
}

worker_core& worker_core::latest() noexcept {
  auto* result = this;
  while (auto* next = result->successor_.load(std::memory_order_acquire))
    result = next;
  return *result;
}

// -- the children --------------------------------------------------------------

void worker_core::set_child_group(std::shared_ptr<child_group> children) {
  std::shared_ptr<const tree_status> former; // goes without the lock
  held guard{mtx_};
  make_lazy().children = std::move(children);
  former.swap(make_lazy().last_children);
}

std::shared_ptr<child_group> worker_core::get_child_group() const {
  held guard{mtx_};
  return lazy().children;
}

std::shared_ptr<const tree_status> worker_core::last_child_group() const {
  held guard{mtx_};
  return lazy().last_children;
}

bool worker_core::has_child_group() const {
  held guard{mtx_};
  return lazy().children && !lazy().children->over();
}

void worker_core::child_group_over() noexcept {
  held guard{mtx_};
  if (life_.machine.at() == rules::stage::forcing && life_.end().abandon_due)
    arm(guard, rt().time().now());
  add_todo(todo::child_ended);
}

bool worker_core::has_children(const held&) const {
  if (!lazy_)
    return false;
  const auto& kept = lazy_->children;
  return lazy_->first_child != nullptr || (kept && !kept->over());
}

} // namespace troupe::detail
