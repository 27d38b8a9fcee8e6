// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How a core starts, stops and forces: it feeds its lifecycle and carries out
// what the table asks for.

#include "worker/core_ptr.hpp"
#include "worker/deadlines.hpp"
#include "worker/family.hpp"
#include "worker/news.hpp"
#include "worker/waiters.hpp"
#include "worker/worker_core.hpp"

#include <algorithm>
#include <utility>

namespace troupe::detail {

caf::error worker_core::start() {
  if (rt().forked())
    return error_after_fork(subject());
  if (owner() != nullptr)
    return caf::make_error(errc::already_started,
                           subject()
                             + " is started by its supervisor; use "
                               "start_child if it is stopped");
  return start_now();
}

[[gnu::cold]] caf::error worker_core::why_not_startable() const {
  return rt().gone()
           ? caf::make_error(errc::system_gone,
                             subject()
                               + " cannot be started: its actor system is gone")
           : caf::make_error(errc::cancelled,
                             subject()
                               + " cannot be started: it was ended from "
                                 "outside before");
}

caf::error worker_core::start_now() {
  {
    held guard{mtx_};
    if (life_.was_dropped())
      return why_not_startable();
    if (life_.machine.at() != rules::stage::created) {
      auto text = subject() + " was started before and is "
                  + to_string(rules::state_of(life_.machine.at()))
                  + "; a worker is started once: spawn another one";
      return caf::make_error(errc::already_started, std::move(text));
    }
    if (!rt().count_worker())
      return caf::make_error(
        errc::system_gone,
        subject() + " cannot be started: its actor system is gone");
    if (!link_.hold()) {
      rt().uncount_worker();
      return caf::make_error(
        errc::system_gone, subject() + " cannot be started: its actor is gone");
    }
    entered_ = true;
    life_.started_at = rt().time().now();
    failure none;
    apply(guard, life_.machine.feed(rules::event::start), none);
  }
  log_transition(*this, rules::stage::created, rules::stage::starting);
  return {};
}

bool worker_core::request_stop(queue_at_stop mode,
                               const rules::stop_limits& limits, bool last,
                               const caf::error* why) {
  auto from = rules::stage::created;
  std::shared_ptr<child_group> children;
  auto told = rules::stop_limits{};
  {
    held guard{mtx_};
    from = life_.machine.at();
    if (from == rules::stage::created || rules::is_final(from))
      return from != rules::stage::created;
    auto& end = life_.make_end();
    const auto before = end.limits;
    end.limits = rules::tighten(end.limits, limits);
    end.told_last = end.told_last || last;
    children = lazy().children;
    if (children && config().periods.grace != infinite
        && !rules::stop_asked(from)) {
      auto now = rt().time().now();
      auto own = deadline_after(now, config().periods.grace);
      end.limits = rules::tighten(end.limits, rules::limits_until(now, own));
    }
    told = end.limits;
    if (rules::stop_asked(from)) {
      // The stop is under way; all that can change is that it gets shorter.
      if (grace_limit(guard) < end.grace_over) {
        end.grace_over = grace_limit(guard);
        if (from == rules::stage::draining
            || from == rules::stage::starting_stop)
          arm(guard, end.grace_over);
      }
      if (end.limits != before)
        deadlines{*this}.shorten(guard);
      guard.unlock();
      if (children)
        children->stop(told);
      return true;
    }
    end.stop_asked_at = rt().time().now();
    if (why != nullptr)
      end.why_stopped = *why;
    if (queue_) {
      if (mode == queue_at_stop::keep)
        queue_->suspend();
      else
        queue_->close(mode == queue_at_stop::drain);
    }
    failure none;
    apply(guard, life_.machine.feed(rules::event::stop), none);
    if (end.grace_over <= end.stop_asked_at) {
      // No grace at all: the worker does not get to see the stop. (L3)
      apply(guard, life_.machine.feed(rules::event::force), none);
    } else if (from == rules::stage::closing) {
      // The clean-up has begun without a grace period that ends.
      end.grace_over = rules::grace_deadline(end.stop_asked_at,
                                             config().periods.grace,
                                             grace_limit(guard));
      deadlines{*this}.shorten_cleanup(guard);
    }
  }
  const core_ptr self{*this}; // messages go, and with them perhaps handles
  if (queue_ && mode == queue_at_stop::discard)
    queue_->discard(message_queue::fate::handled);
  else if (queue_ && mode != queue_at_stop::keep)
    queue_->refuse_waiting();
  log_transition(*this, from, stage(), why);
  // The supervisor may have to wait for threads; its children need not.
  if (children)
    children->stop(told);
  return true;
}

void worker_core::force() {
  force_all({core_ptr{*this}});
}

/// Forces all of them, and all below: however deep, not on the stack.
void worker_core::force_all(std::vector<core_ptr> due) {
  if (due.empty())
    return;
  const runtime::forcing mark{due.front()->rt()};
  while (!due.empty()) {
    auto next = std::move(due.back());
    due.pop_back();
    next->force_one(due);
  }
}

/// Forces this one.
/// @param below Where to add its children, which are to be forced as well.
void worker_core::force_one(std::vector<core_ptr>& below) {
  auto joining = false;
  auto is_parent = false;
  {
    held guard{mtx_};
    auto at = life_.machine.at();
    if (at == rules::stage::created || rules::is_final(at)
        || life_.end().force_asked)
      return;
    auto now = rt().time().now();
    auto& end = life_.make_end();
    if (end.stop_asked_at == never)
      end.stop_asked_at = now;
    end.force_asked = true;
    // Nothing is left of the grace period, also for the clean-up.
    end.grace_over = std::min(end.grace_over, now);
    joining = life_.joins();
    is_parent = family{*this}.any(guard);
  }
  if (!joining || !is_parent)
    feed(joining ? rules::event::join_overdue : rules::event::force);
  if (is_parent)
    family{*this}.stop(family::how_to_end::by_force, below);
}

void worker_core::kill(caf::error reason) {
  feed(rules::event::kill, {std::move(reason), nullptr});
}

bool worker_core::drop_unstarted(caf::error reason) noexcept {
  const core_ptr self{*this}; // messages go, and with them perhaps handles
  {
    held guard{mtx_};
    if (life_.machine.at() != rules::stage::created)
      return false;
    failure why{std::move(reason), nullptr};
    auto what = life_.machine.feed(rules::event::kill);
    stage_.store(life_.machine.at(), std::memory_order_release);
    life_.note_outcome(what, why, *this, is_supervisor());
  }
  if (queue_)
    queue_->discard(message_queue::fate::handled);
  release_waiters();
  // Its actor ends as well, even if others hold it.
  add_todo(todo::quit_actor);
  std::ignore = link_.let_go(); // this may be the end of the actor
  return true;
}

void worker_core::add_hold() {
  held guard{mtx_};
  ++life_.holds;
}

void worker_core::drop_hold() noexcept {
  held guard{mtx_};
  if (--life_.holds == 0)
    add_todo(todo::holds_changed);
}

void worker_core::feed(rules::event e, failure why) {
  auto from = rules::stage::created;
  auto to = from;
  auto untold = false;
  {
    held guard{mtx_};
    from = life_.machine.at();
    // Told to drain while it started. With the lock held: a stop may come at
    // the same time.
    if ((e == rules::event::started || e == rules::event::started_unready)
        && from == rules::stage::starting_stop && queue_ && queue_->drain_due())
      e = rules::event::started_to_drain;
    // Its next life would have its children beside it. With the lock held: a
    // kill may come at the same time. The actor says so again when they are
    // over.
    if (e == rules::event::destroyed && rules::ends_without_joining(from)
        && family{*this}.any(guard))
      return;
    auto what = life_.machine.feed(e);
    to = life_.machine.at();
    apply(guard, what, why);
    untold = life_.untold == news::ready;
  }
  log_transition(*this, from, to);
  if (to == rules::stage::ready && from != to) {
    if (config().readiness == readiness::explicit_ready)
      add_todo(todo::serve);
    waiters{*this}.send_replies(lifecycle_awaiter::what::ready);
    if (owner() != nullptr)
      owner()->child_ready(*this, untold);
  }
}

/// Carries out what `what` asks for, or puts it down for the actor.
void worker_core::apply(const held& lock, rules::action what, failure& why) {
  using enum rules::action;
  auto has = [what](rules::action x) { return rules::has(what, x); };
  auto from = stage_.load(std::memory_order_relaxed);
  stage_.store(life_.machine.at(), std::memory_order_release);
  life_.note_outcome(what, why, *this, is_supervisor());
  // With the lock held, so that events come in the order of what they tell.
  if (rt().events().wanted())
    publish_transition(lock, from);
  auto now = [this] { return rt().time().now(); };
  if (has(arm_start_timeout))
    arm(lock, deadline_after(now(), config().periods.start_timeout));
  if (has(arm_grace)) {
    life_.make_end().grace_over = rules::grace_deadline(
      life_.end().stop_asked_at, config().periods.grace, grace_limit(lock));
    arm(lock, life_.end().grace_over);
  }
  if (has(arm_cleanup))
    arm(lock, deadlines{*this}.of_cleanup(lock));
  if (has(arm_force)) {
    auto& end = life_.make_end();
    end.forced_since = now();
    arm(lock, rules::abandon_at(end.forced_since, config().periods.force,
                                end.limits));
  }
  if (has(arm_farewell)) {
    // Mostly that of the clean-up stays, which costs nothing.
    const auto least
      = rules::abandon_at(life_.started_at + life_.end().how.duration(),
                          std::max(config().periods.force, rules::least_to_go),
                          life_.end().limits);
    arm(lock, is_armed_ ? std::max(due(lock), least) : least);
  }
  if (has(disarm))
    arm(lock, never);
  if (has(announce_ready)) {
    life_.ready = true;
    if (owner() != nullptr && lazy_
        && (lazy_->blocked != nullptr || lazy_->awaiters != nullptr))
      life_.untold = news::ready;
    else
      waiters{*this}.announce(lock, lifecycle_awaiter::what::ready);
  }
  auto jobs = todo::none;
  if (has(begin_startup))
    jobs = jobs | todo::begin_startup;
  if (has(begin_run))
    jobs = jobs | todo::begin_run;
  if (has(begin_close))
    jobs = jobs | todo::begin_close;
  if (has(destroy_frame))
    jobs = jobs | todo::destroy_frame;
  if (has(rules::action::wake_waits))
    jobs = jobs | todo::wake_waits;
  if (has(finish))
    jobs = jobs | todo::finish;
  if (jobs != todo::none)
    add_todo(jobs);
}

void worker_core::add_todo(todo what) noexcept {
  if (link_.add(what) && !at_work_here())
    link_.wake(nullptr);
}

} // namespace troupe::detail
