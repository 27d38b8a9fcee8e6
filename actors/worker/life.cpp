// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How a core feeds its lifecycle and carries out what the table asks for: the
// deadlines, the outcome, the log.

#include "worker/worker_actor.hpp"
#include "worker/worker_core.hpp"

#include <caf/deep_to_string.hpp>

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

std::string render(timespan x) {
  if (x == infinite)
    return "infinite";
  return caf::deep_to_string(x);
}

/// How others get to know of the end of a life.
event_kind kind_of_end(const outcome& how) {
  if (how.abandoned())
    return event_kind::abandoned;
  switch (how.kind()) {
    case outcome_kind::normal:
      return event_kind::stopped;
    case outcome_kind::forced:
      return event_kind::forced;
    case outcome_kind::failed:
      return event_kind::failed;
    case outcome_kind::cancelled:
      return event_kind::cancelled;
  }
  return event_kind::stopped;
}

} // namespace

/// Goes off when a deadline may have passed. Holds the core while it is set.
class worker_core::alarm final : public clock::job {
public:
  explicit alarm(worker_core& core) noexcept : core_(core) {
    // nop
  }

  /// @pre the core's lock is held
  void set(time_point due) {
    due_ = due;
    // As long as it goes off before, it looks once more when it does.
    if (armed() && goes_off_ <= due)
      return;
    goes_off_ = due;
    core_.rt().time().schedule(*this, due);
  }

  /// The deadline that was set last.
  [[nodiscard]] time_point due() const noexcept {
    return due_;
  }

  void run() noexcept override {
    core_.deadline_passed();
  }

  void retain() noexcept override {
    core_.retain();
  }

  void release() noexcept override {
    core_.release();
  }

private:
  worker_core& core_;
  time_point due_ = never;
  time_point goes_off_ = never;
};

/// The deadline of the current stage.
/// @pre `mtx_` is held
time_point worker_core::due() const noexcept {
  return is_armed_ ? static_cast<const alarm&>(*alarm_).due() : never;
}

caf::error worker_core::start() {
  if (rt().forked())
    return error_after_fork(subject());
  if (owner_)
    return caf::make_error(errc::already_started,
                           subject()
                             + " is started by its supervisor; use "
                               "restart_child if it is stopped");
  return start_now();
}

/// Whether it was ended before it was started.
/// @pre `mtx_` is held
bool worker_core::dropped() const noexcept {
  return started_at_ == never && rules::is_final(lifecycle_.at());
}

caf::error worker_core::why_not_startable() const {
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
    std::unique_lock guard{mtx_};
    if (dropped())
      return why_not_startable();
    if (lifecycle_.at() != rules::stage::created) {
      auto text = subject() + " was started before and is "
                  + to_string(rules::state_of(lifecycle_.at()))
                  + "; a worker is started once: spawn another one";
      return caf::make_error(errc::already_started, std::move(text));
    }
    if (!rt().count_worker())
      return caf::make_error(
        errc::system_gone,
        subject() + " cannot be started: its actor system is gone");
    {
      std::unique_lock wake_guard{wake_mtx_};
      if (actor_ == nullptr) {
        rt().uncount_worker();
        return caf::make_error(errc::system_gone,
                               subject()
                                 + " cannot be started: its actor is "
                                   "gone");
      }
      if (!strong_)
        strong_ = caf::strong_actor_ptr{actor_->ctrl()};
    }
    entered_ = true;
    started_at_ = rt().time().now();
    failure none;
    apply(lifecycle_.feed(rules::event::start), none);
  }
  log_transition(rules::stage::created, rules::stage::starting);
  return {};
}

bool worker_core::request_stop(queue_at_stop mode,
                               const rules::stop_limits& limits, bool last) {
  auto from = rules::stage::created;
  std::shared_ptr<child_group> children;
  auto told = rules::stop_limits{};
  {
    std::unique_lock guard{mtx_};
    from = lifecycle_.at();
    if (from == rules::stage::created || rules::is_final(from))
      return from != rules::stage::created;
    auto& end = make_end();
    const auto before = end.limits;
    end.limits = rules::tighten(end.limits, limits);
    end.told_last = end.told_last || last;
    children = lazy().children;
    if (children && config_->periods.grace != infinite
        && !rules::stop_asked(from)) {
      auto now = rt().time().now();
      auto own = deadline_after(now, config_->periods.grace);
      end.limits = rules::tighten(end.limits, rules::limits_until(now, own));
    }
    told = end.limits;
    if (rules::stop_asked(from)) {
      // The stop is under way; all that can change is that it gets shorter.
      if (grace_limit() < end.grace_over) {
        end.grace_over = grace_limit();
        if (from == rules::stage::draining
            || from == rules::stage::starting_stop)
          arm(end.grace_over);
      }
      if (end.limits != before && rules::is_closing(from))
        shorten_cleanup();
      else if (end.limits != before
               && (from == rules::stage::forcing
                   || from == rules::stage::cleanup_forcing
                   || from == rules::stage::killing))
        arm(std::min(due(),
                     rules::abandon_at(rt().time().now(),
                                       config_->periods.force, end.limits)));
      guard.unlock();
      if (children)
        children->stop(told);
      return true;
    }
    end.stop_asked_at = rt().time().now();
    if (queue_) {
      if (mode == queue_at_stop::keep)
        queue_->suspend();
      else
        queue_->close(mode == queue_at_stop::drain);
    }
    failure none;
    apply(lifecycle_.feed(rules::event::stop), none);
    if (end.grace_over <= end.stop_asked_at) {
      // No grace at all: the worker does not get to see the stop. (L3)
      apply(lifecycle_.feed(rules::event::force), none);
    } else if (from == rules::stage::closing) {
      // The clean-up has begun without a grace period that ends.
      end.grace_over = rules::grace_deadline(end.stop_asked_at,
                                             config_->periods.grace,
                                             grace_limit());
      shorten_cleanup();
    }
  }
  const core_ptr self{*this}; // messages go, and with them perhaps handles
  if (queue_ && mode == queue_at_stop::discard)
    queue_->discard(message_queue::fate::handled);
  else if (queue_ && mode != queue_at_stop::keep)
    queue_->refuse_waiting();
  log_transition(from, stage());
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
  auto has_children = false;
  {
    std::unique_lock guard{mtx_};
    auto at = lifecycle_.at();
    if (at == rules::stage::created || rules::is_final(at) || end().force_asked)
      return;
    auto now = rt().time().now();
    auto& end = make_end();
    if (end.stop_asked_at == never)
      end.stop_asked_at = now;
    end.force_asked = true;
    // Nothing is left of the grace period, also for the clean-up.
    end.grace_over = std::min(end.grace_over, now);
    joining = joins();
    has_children = has_children_locked();
  }
  if (!joining || !has_children)
    feed(joining ? rules::event::join_overdue : rules::event::force);
  if (has_children)
    stop_children(how_to_end::by_force, below);
}

void worker_core::kill(caf::error reason) {
  feed(rules::event::kill, {std::move(reason), nullptr});
}

bool worker_core::drop_unstarted(caf::error reason) noexcept {
  const core_ptr self{*this}; // messages go, and with them perhaps handles
  {
    std::unique_lock guard{mtx_};
    if (lifecycle_.at() != rules::stage::created)
      return false;
    failure why{std::move(reason), nullptr};
    auto what = lifecycle_.feed(rules::event::kill);
    stage_view_.store(lifecycle_.at(), std::memory_order_release);
    note_outcome(what, why);
  }
  if (queue_)
    queue_->discard(message_queue::fate::handled);
  release_waiters();
  // Its actor ends as well, even if others hold it.
  add_todo(todo::quit_actor);
  // Outside of the lock: this can be the end of the actor.
  caf::strong_actor_ptr last;
  {
    std::unique_lock guard{wake_mtx_};
    last = std::move(strong_);
  }
  return true;
}

void worker_core::ready_called() {
  feed(rules::event::became_ready);
}

void worker_core::add_hold() {
  std::unique_lock guard{mtx_};
  ++holds_;
}

void worker_core::drop_hold() noexcept {
  std::unique_lock guard{mtx_};
  if (--holds_ == 0)
    add_todo(todo::holds_changed);
}

void worker_core::feed(rules::event e, failure why) {
  auto from = rules::stage::created;
  auto to = from;
  auto untold = false;
  {
    std::unique_lock guard{mtx_};
    from = lifecycle_.at();
    // With the lock held: a stop may come at the same time.
    if ((e == rules::event::started || e == rules::event::started_unready)
        && has_to_drain())
      e = rules::event::started_to_drain;
    auto what = lifecycle_.feed(e);
    to = lifecycle_.at();
    apply(what, why);
    untold = untold_ == news::ready;
  }
  log_transition(from, to);
  if (to == rules::stage::ready && from != to) {
    send_replies(lifecycle_awaiter::what::ready);
    if (owner_)
      owner_->child_ready(*this, untold);
  }
}

/// Whether it was told to drain while it started, and has something queued.
/// @pre `mtx_` is held
bool worker_core::has_to_drain() const noexcept {
  return lifecycle_.at() == rules::stage::starting_stop && queue_
         && queue_->drain_due();
}

/// Carries out what `what` asks for, or puts it down for the actor.
/// @pre `mtx_` is held
void worker_core::apply(rules::action what, failure& why) {
  using enum rules::action;
  auto has = [what](rules::action x) { return rules::has(what, x); };
  auto from = stage_view_.load(std::memory_order_relaxed);
  stage_view_.store(lifecycle_.at(), std::memory_order_release);
  note_outcome(what, why);
  // With the lock held, so that events come in the order of what they tell.
  if (rt().events().wanted())
    publish_transition(from);
  auto now = [this] { return rt().time().now(); };
  if (has(arm_start_timeout))
    arm(deadline_after(now(), config_->periods.start_timeout));
  if (has(arm_grace)) {
    make_end().grace_over = rules::grace_deadline(end().stop_asked_at,
                                                  config_->periods.grace,
                                                  grace_limit());
    arm(end().grace_over);
  }
  if (has(arm_cleanup))
    arm(cleanup_deadline());
  if (has(arm_force)) {
    auto& end = make_end();
    end.forced_since = now();
    arm(
      rules::abandon_at(end.forced_since, config_->periods.force, end.limits));
  }
  if (has(disarm))
    arm(never);
  if (has(announce_ready)) {
    ready_ = true;
    if (owner_ && (lazy().blocked != nullptr || lazy().awaiters != nullptr))
      untold_ = news::ready;
    else
      announce(lifecycle_awaiter::what::ready);
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

/// Sets the one deadline of the current stage.
/// @pre `mtx_` is held
void worker_core::arm(time_point due) {
  is_armed_ = due != never;
  if (is_armed_) {
    if (!alarm_)
      alarm_ = std::make_unique<alarm>(*this);
    static_cast<alarm&>(*alarm_).set(due);
  } else if (alarm_) {
    rt().time().unschedule(*alarm_);
  }
}

/// Runs on the clock's thread, whatever the worker does meanwhile.
void worker_core::deadline_passed() {
  auto from = rules::stage::created;
  auto to = from;
  {
    std::unique_lock guard{mtx_};
    if (!is_armed_)
      return; // It went off when this was changed.
    if (const auto limit = due(); rt().time().now() < limit) {
      static_cast<alarm&>(*alarm_).set(limit);
      return;
    }
    is_armed_ = false;
    from = lifecycle_.at();
    // While children are being joined the time is theirs: each of them is bound
    // to end, by its own deadlines, once it has been forced.
    // A supervisor that has no thread is abandoned after its children, or it
    // would be blamed for them. The children of a supervisor that was killed
    // stop by themselves.
    if (auto& children = lazy().children;
        children && !children->over()
        && (from == rules::stage::forcing || from == rules::stage::killing)) {
      make_end().abandon_due = from == rules::stage::forcing;
      return;
    }
    // Nor does a new life begin beside linked children of this one. They were
    // forced, and its own code may have returned long ago: look once more.
    if (const auto now = rt().time().now();
        lazy().first_child != nullptr && now < end().limits.end
        && (from == rules::stage::killing
            || from == rules::stage::cleanup_forcing)) {
      const auto later = deadline_after(now, std::max(config_->periods.force,
                                                      rules::least_to_go));
      arm(std::min(later, end().limits.end));
      return;
    }
    auto joining = joins();
    if (joining && has_children_locked()) {
      guard.unlock();
      stop_children(how_to_end::by_force);
      return;
    }
    failure why;
    if (from == rules::stage::starting || from == rules::stage::warming)
      why.reason = caf::make_error(errc::start_timeout,
                                   subject() + " was not ready within "
                                     + render(config_->periods.start_timeout));
    auto what = lifecycle_.feed(joining ? rules::event::join_overdue
                                        : rules::event::deadline);
    to = lifecycle_.at();
    apply(what, why);
  }
  log_transition(from, to);
  if (to == rules::stage::abandoned && from != to)
    leave_behind();
}

/// The worker is abandoned: nobody waits for it any more.
void worker_core::leave_behind() {
  const core_ptr self{*this}; // messages go, and with them perhaps handles
  rt().pool().abandon(*this);
  if (queue_ && owner_)
    queue_->let_go();
  else if (queue_)
    queue_->discard(message_queue::fate::abandoned);
  stop_children(how_to_end::linked_by_force);
  disown_children();
  end_reached();
  std::unique_lock guard{mtx_};
  if (std::exchange(entered_, false))
    rt().uncount_worker();
}

/// The words of an outcome about a force: its cause.
/// @pre `mtx_` is held
std::string worker_core::why_forced() const {
  if (end().force_asked)
    return ", as was asked for";
  if (in_cleanup_)
    return ", its on_shutdown() having taken longer than its time";
  if (end().grace_over == grace_limit() && end().grace_over != never)
    return ", its time to stop being over";
  return ", its grace period of " + render(config_->periods.grace)
         + " being over";
}

/// Remembers why and how the incarnation ends.
/// @pre `mtx_` is held
void worker_core::note_outcome(rules::action what, failure& why) {
  using enum rules::action;
  auto has = [what](rules::action x) { return rules::has(what, x); };
  auto note = [this](failure x) {
    auto& how = make_end().how;
    if (!how.reason_) {
      how.reason_ = std::move(x.reason);
      how.thrown_ = std::move(x.thrown);
    } else if (!how.cleanup_error_) {
      how.cleanup_error_ = std::move(x.reason);
    }
  };
  if (has(note_failed)) {
    if (!why.reason)
      why.reason = caf::make_error(
        errc::ended_before_ready,
        subject() + " failed to start: run() ended without calling ready()");
    note(std::move(why));
  } else if (has(note_cancelled)) {
    // That the frame is gone only confirms what the kill has noted before.
    if (!why.reason && !end().how.reason_)
      why.reason = caf::make_error(errc::cancelled,
                                   subject() + " was ended from outside");
    if (why.reason)
      note(std::move(why));
  } else if (has(abandon)) {
    auto reason = caf::make_error(
      errc::abandoned,
      subject()
        + (end().hung_for != timespan::zero()
             ? " was abandoned: it sits in code that has not returned for "
                 + render(end().hung_for) + ", longer than its watchdog allows"
             : " was abandoned: it sits in code that did not return within "
                 + render(rt().time().now() - end().forced_since)
                 + " of being forced"));
    if (lifecycle_.verdict() == rules::verdict::forced)
      make_end().how.reason_ = std::move(reason);
    else
      note({std::move(reason), nullptr});
  } else if (has(note_forced) && end().how.reason_ != errc::forced) {
    note({caf::make_error(errc::forced,
                          subject() + " was stopped by force" + why_forced()),
          nullptr});
  }
  if (!has(finish) && !has(abandon))
    return;
  auto& how = make_end().how;
  switch (lifecycle_.verdict()) {
    case rules::verdict::open:
    case rules::verdict::normal:
      how.kind_ = outcome_kind::normal;
      break;
    case rules::verdict::forced:
      how.kind_ = outcome_kind::forced;
      break;
    case rules::verdict::failed:
      how.kind_ = outcome_kind::failed;
      break;
    case rules::verdict::cancelled:
      how.kind_ = outcome_kind::cancelled;
      break;
  }
  how.abandoned_ = has(abandon);
  how.incarnation_ = incarnation();
  if (started_at_ != never)
    how.duration_ = rt().time().now() - started_at_;
  make_end().is_known = true;
}

/// Whether the end waits for children and handlers, and `on_shutdown()` is
/// still to come.
/// @pre `mtx_` is held
bool worker_core::joins() const noexcept {
  return !in_cleanup_ && rules::is_closing(lifecycle_.at());
}

void worker_core::join_again() {
  std::unique_lock guard{mtx_};
  in_cleanup_ = false;
}

void worker_core::begin_cleanup() {
  std::unique_lock guard{mtx_};
  // A force that was quicker has armed the deadline that holds now.
  if (!rules::is_closing(lifecycle_.at()))
    return;
  in_cleanup_ = true;
  arm(cleanup_deadline());
}

/// A supervisor has until the reserve is used up, since its children have until
/// then; and so has whoever was told last.
/// @pre `mtx_` is held
time_point worker_core::grace_limit() const noexcept {
  return lazy().children || end().told_last ? end().limits.force
                                            : end().limits.soft;
}

/// Until when `on_shutdown()`, and what comes before it, may take.
/// @pre `mtx_` is held
time_point worker_core::cleanup_deadline() const {
  return std::min(end().limits.cleanup,
                  rules::cleanup_deadline(rt().time().now(),
                                          end().stop_asked_at != never,
                                          end().grace_over, config_->periods));
}

/// A stop may end the clean-up earlier, but never gives it more time.
/// @pre `mtx_` is held
void worker_core::shorten_cleanup() {
  arm(std::min(due(), cleanup_deadline()));
}

void worker_core::add_todo(todo what) noexcept {
  if (todo_.add(what) && !at_work_here())
    wake_actor(nullptr);
}

void worker_core::publish(event_kind what, caf::error reason, timespan span) {
  rt().events().publish(
    {what, path_, incarnation(), rt().time().now(), std::move(reason), span});
}

/// Publishes a change of the stage.
/// @pre `mtx_` is held
void worker_core::publish_transition(rules::stage from) {
  auto to = lifecycle_.at();
  if (from == to)
    return;
  tell_locked();
  if (to == rules::stage::starting) {
    publish(incarnation() == 1 ? event_kind::started : event_kind::restarted);
    return;
  }
  if (to == rules::stage::ready) {
    if (owner_)
      untold_ = news::ready;
    else
      publish_ready();
  }
  if (rules::is_final(to)) {
    // An abandoned worker that has come back keeps its outcome.
    if (rules::is_final(from))
      return;
    if (owner_)
      untold_ = news::end;
    else
      publish_end();
    return;
  }
  auto graceful = to == rules::stage::starting_stop
                  || to == rules::stage::draining
                  || to == rules::stage::closing_stop;
  if (graceful && !rules::stop_asked(from))
    publish(event_kind::stopping);
}

/// @pre `mtx_` is held
void worker_core::publish_ready() {
  publish(event_kind::ready, {}, rt().time().now() - started_at_);
}

/// @pre `mtx_` is held
void worker_core::publish_end() {
  publish(kind_of_end(end().how), end().how.reason(), end().how.duration());
}

void worker_core::tell() {
  std::unique_lock guard{mtx_};
  tell_locked();
}

/// Publishes the event that was held back, if there is one. Each later event
/// of the worker calls this first, so that its events keep their order.
/// @pre `mtx_` is held
void worker_core::tell_locked() {
  const auto what = std::exchange(untold_, news::none);
  if (what == news::ready)
    announce(lifecycle_awaiter::what::ready);
  if (what == news::none || !rt().events().wanted())
    return;
  if (what == news::ready)
    publish_ready();
  else
    publish_end();
}

void worker_core::log_transition(rules::stage from, rules::stage to) {
  auto before = rules::state_of(from);
  auto after = rules::state_of(to);
  auto became_ready = to == rules::stage::ready && from != to;
  if (before == after && !became_ready)
    return;
  // An unstarted worker comes and goes without a word.
  if (before == worker_state::init && is_final(after))
    return;
  auto level = compat::log_info;
  if (!rt().logs(compat::log_error))
    return; // Nothing is logged at all.
  auto is_end = is_final(after);
  auto how = is_end ? last_outcome() : std::nullopt;
  if (how) {
    if (how->kind() == outcome_kind::forced)
      level = compat::log_warning;
    else if (how->kind() != outcome_kind::normal)
      level = compat::log_error;
  }
  if (!rt().logs(level))
    return;
  auto text = path_ + " [" + std::to_string(incarnation()) + "] "
              + (became_ready ? std::string{"ready"} : to_string(after));
  if (how)
    text += " after " + render(how->duration()) + ": " + to_string(*how);
  rt().log(level, text);
}

} // namespace troupe
