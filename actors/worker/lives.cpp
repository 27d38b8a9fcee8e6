// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How one life of a worker follows another, and how the last one ends.

#include "worker/lives.hpp"
#include "base/memory_ahead.hpp"
#include "worker/complaints.hpp"
#include "worker/family.hpp"
#include "worker/news.hpp"
#include "worker/waiters.hpp"
#include "worker/worker_core.hpp"

#include <cassert>
#include <utility>

namespace troupe::detail {

bool lives::possible() const {
  held guard{of_.mtx_};
  return possible(guard);
}

bool lives::possible(const held&) const {
  if (of_.over_ || of_.life_.was_dropped()
      || of_.life_.machine.at() == rules::stage::abandoned)
    return false;
  return of_.link_.is_tied();
}

caf::error lives::begin() {
  if (of_.stage() == rules::stage::created) {
    if (of_.queue_)
      of_.queue_->reopen(); // The core before this one may have closed it.
    return of_.start_now();
  }
  {
    held guard{of_.mtx_};
    assert(rules::is_final(of_.life_.machine.at()));
    // Somebody may have killed it before its first life could begin.
    if (!possible(guard))
      return of_.why_not_startable();
    failure none;
    of_.begin_anew(guard, none);
  }
  log_transition(of_, rules::stage::created, rules::stage::starting);
  return {};
}

void worker_core::begin_anew(const held& lock, failure& none) {
  tell(lock);
  former_ = std::make_unique<const outcome>(std::move(life_.make_end().how));
  life_ = life{rt().time().now()};
  set_backing_off(false);
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
  worker_ = owner()->make_object(*this);
  worker_->core_ = this;
}

bool worker_core::want_stop(on_stop mode) {
  if (owner() == nullptr)
    return request_stop(queue_at_stop(mode), {});
  owner()->stop_wanted(*this, mode);
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
  if (owner() != nullptr && !rt().gone()) {
    owner()->child_ended(*this);
    return;
  }
  tell();
  release_waiters();
}

void lives::retire() {
  if (of_.finished())
    return;
  of_.set_backing_off(false);
  if (of_.stage() == rules::stage::created
      && of_.drop_unstarted(caf::make_error(
        errc::stopped_before_ready, of_.subject() + " was never started")))
    return;
  if (of_.queue_)
    of_.queue_->discard(message_queue::fate::handled);
  of_.release_waiters();
  held guard{of_.mtx_};
  if (of_.life_.machine.at() != rules::stage::abandoned)
    of_.add_todo(todo::quit_actor);
}

void lives::go_on_in(worker_core& next) {
  next.retain();
  auto over = of_.finished();
  auto how = of_.last_outcome();
  if (!over)
    of_.retain();
  {
    held guard{next.mtx_};
    if (!over)
      next.make_lazy().predecessor = &of_;
    next.incarnation_.store(of_.incarnation() + 1, std::memory_order_relaxed);
    if (how)
      next.former_ = std::make_unique<const outcome>(std::move(*how));
  }
  of_.successor_.store(&next, std::memory_order_release);
}

worker_core& worker_core::latest() noexcept {
  auto* result = this;
  while (auto* next = result->successor_.load(std::memory_order_acquire))
    result = next;
  return *result;
}

void worker_core::note_blockers(stop_report who) {
  held guard{mtx_};
  life_.note_blockers(std::move(who));
}

void worker_core::release_waiters() {
  {
    held guard{mtx_};
    over_ = true;
    // A thread that has waited may start another tree of that name.
    if (std::exchange(has_path_, false))
      rt().release_path(*this);
    waiters{*this}.announce(guard, lifecycle_awaiter::what::over);
  }
  rt().notify();
  waiters{*this}.send_replies(lifecycle_awaiter::what::over);
  complaints{*this}.end_reached();
  // Waiters for the predecessor of this core wait for this one. The two hold
  // each other up to here.
  auto* before = [this] {
    held guard{mtx_};
    return lazy_ ? std::exchange(lazy_->predecessor, nullptr) : nullptr;
  }();
  if (before != nullptr) {
    before->release_waiters();
    before->release();
  }
  if (kin() != nullptr)
    family{*this}.tell_parent();
}

} // namespace troupe::detail
