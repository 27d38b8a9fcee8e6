// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How a supervisor_core carries out the commands of the rules.

#include "rules/reasons.hpp"
#include "supervisor/supervisor_core.hpp"
#include "troupe/detail/access.hpp"
#include "worker/core_ptr.hpp"
#include "worker/family.hpp"
#include "worker/lives.hpp"
#include "worker/waiters.hpp"

#include <optional>
#include <utility>

namespace troupe::detail {

void supervisor_core::carry_out(const rules::command& what) {
  using kind = rules::command_kind;
  switch (what.what) {
    case kind::start:
      begin_life(what.who);
      break;
    case kind::stop:
      stop_life(what.who);
      break;
    case kind::retire:
      end_of(what.who, false);
      break;
    case kind::forget:
      end_of(what.who, true);
      break;
    case kind::set_retry:
      set_retry(what.who, what.when);
      break;
    case kind::clear_retry:
      clear_retry(what.who);
      break;
    case kind::group_ready:
      group_ready();
      break;
    case kind::group_ends:
      group_ends(what.who);
      break;
    case kind::group_over:
      group_over();
      break;
  }
}

/// Begins a life, or has it wait until others have begun.
void supervisor_core::begin_life(child_id who) {
  {
    std::unique_lock guard{mtx_};
    auto* x = children_.find(who);
    if (x == nullptr)
      return;
    x->begins = child_record::beginning::due;
    if (beginning_ >= most_beginning) {
      due_.push_back(who);
      return;
    }
  }
  begin_now(who);
}

/// A life has begun, or never will.
/// @pre `mtx_` is held
void supervisor_core::has_begun(child_id who) {
  auto* x = children_.find(who);
  if (x == nullptr || x->begins != child_record::beginning::told)
    return;
  x->begins = child_record::beginning::none;
  --beginning_;
}

/// Has those begin that are due, as far as there is room for them.
/// @pre `mtx_` is held
void supervisor_core::begin_next() {
  while (!due_.empty() && beginning_ + begin_.size() < most_beginning) {
    auto who = due_.front();
    due_.pop_front();
    // One that is to stop may have begun out of turn.
    if (auto* x = children_.find(who);
        x != nullptr && x->begins == child_record::beginning::due)
      begin_.push_back(who);
  }
}

/// Begins a life that is due.
void supervisor_core::begin_now(child_id who) {
  core_ptr next;
  worker_handle former; // goes without the lock: an object may go with it
  {
    std::unique_lock guard{mtx_};
    auto* x = children_.find(who);
    if (x == nullptr || x->begins != child_record::beginning::due)
      return;
    x->begins = child_record::beginning::told;
    ++beginning_;
    auto* present = access::core_of(x->handle);
    if (!lives{*present}.possible()) {
      // Its actor is gone for good: another one takes its place.
      auto replacement = make_successor(*x);
      lives{*present}.go_on_in(*access::core_of(replacement));
      former = std::exchange(x->handle, std::move(replacement));
      present = access::core_of(x->handle);
    }
    next = core_ptr{*present};
  }
  if (auto err = lives{*next}.begin())
    news([this, who, err = std::move(err)] {
      has_begun(who);
      begin_next();
      last_failure_ = {err, nullptr};
      last_end_.clear();
      rules_.child_ended(who, rules::child_end::failed, now());
    });
}

void supervisor_core::stop_life(child_id who) {
  begin_now(who); // if it is due, so that it has an end
  core_ptr target;
  auto mode = worker_core::queue_at_stop::discard;
  auto limits = rules::stop_limits{};
  std::optional<caf::error> why;
  auto last = false;
  auto forced = false;
  auto listener = listener_.lock();
  {
    std::unique_lock guard{mtx_};
    auto* x = children_.find(who);
    if (x == nullptr)
      return;
    target = core_ptr{*access::core_of(x->handle)};
    if (rules_.comes_back(who))
      mode = worker_core::queue_at_stop::keep;
    else if (listener && listener->drains()
             && rules_.at() == rules::group_stage::stopping)
      mode = worker_core::queue_at_stop::drain;
    else
      mode = static_cast<worker_core::queue_at_stop>(x->mode);
    limits = limits_;
    if (x->plans && x->plans->why_stopped)
      why = std::exchange(x->plans->why_stopped, {});
    last = hurried_;
    forced = forced_;
  }
  if (listener && mode == worker_core::queue_at_stop::drain)
    listener->prepare_drain();
  target->request_stop(mode, limits, last, why ? &*why : nullptr);
  if (forced)
    target->force();
}

/// A child has come to its final end.
void supervisor_core::end_of(child_id who, bool forgotten) {
  core_ptr target;
  worker_handle handle;
  std::vector<call_ptr> starts;
  std::vector<call_ptr> stops;
  auto gave_up = false;
  {
    std::unique_lock guard{mtx_};
    auto* x = children_.find(who);
    if (x == nullptr)
      return;
    handle = x->handle;
    target = core_ptr{*access::core_of(handle)};
    x->take_starts(
      [&starts](call_ptr call) { starts.push_back(std::move(call)); });
    stops = x->take_stops();
    gave_up = rules_.contains(who) && rules_.given_up(who);
    if (forgotten)
      forget(who);
  }
  if (gave_up && rt_->events().wanted())
    if (auto how = target->last_outcome())
      target->publish(event_kind::gave_up, how->reason());
  lives{*target}.retire();
  for (auto& call : starts)
    call->finish({waiters{*target}.why_not_ready(), handle});
  for (auto& call : stops)
    call->finish({{}, handle});
}

void supervisor_core::set_retry(child_id who, time_point when) {
  auto job = make_job([weak = weak_from_this(), who] {
    if (auto self = weak.lock())
      self->run_serially(
        [&self = *self, who] { self.rules_.retry_due(who, self.now()); });
  });
  std::vector<core_ptr> waiting;
  {
    std::unique_lock guard{mtx_};
    if (who == rules::no_child) {
      group_retry_ = job;
      children_.for_each([this, &waiting](const child_record& x) {
        if (rules_.contains(x.id)
            && rules_.at(x.id) == rules::child_stage::backing_off)
          waiting.emplace_back(*access::core_of(x.handle));
      });
    } else if (auto* x = children_.find(who)) {
      x->make_plans().retry = job;
      waiting.emplace_back(*access::core_of(x->handle));
    }
  }
  for (auto& x : waiting)
    if (!x->set_backing_off(true) && rt_->events().wanted()) {
      auto how = x->last_outcome();
      x->publish(event_kind::backing_off, how ? how->reason() : caf::error{},
                 time_left(when, now()));
    }
  rt_->time().schedule(*job, when);
}

void supervisor_core::clear_retry(child_id who) {
  job_ptr job;
  {
    std::unique_lock guard{mtx_};
    if (who == rules::no_child)
      job = std::exchange(group_retry_, job_ptr{});
    else if (auto* x = children_.find(who); x != nullptr && x->plans)
      job = std::exchange(x->plans->retry, job_ptr{});
  }
  if (job)
    rt_->time().unschedule(*job);
}

void supervisor_core::group_ready() {
  core_ptr core;
  {
    std::unique_lock guard{mtx_};
    ready_ = true;
    if (has_hook_)
      wake(until::ready);
    else
      core = supervisor_;
  }
  if (core.get() != nullptr)
    core->feed(rules::event::became_ready);
}

/// Lets `run()` go on, if that is what it waits for; the end ends either wait.
/// @pre `mtx_` is held
void supervisor_core::wake(until what) {
  if (awaiter_ != nullptr && (what == until::end || awaiter_->waits_for(what)))
    std::exchange(awaiter_, nullptr)->post();
}

void supervisor_core::group_ends(child_id) {
  std::unique_lock guard{mtx_};
  ending_ = true;
  auto fail = [this](errc code, std::string_view what) {
    auto cause = last_end_.empty() ? text_of(last_failure_.reason) : last_end_;
    failure_ = {caf::make_error(code, rules::reason(subject_, what, cause)),
                last_failure_.thrown};
  };
  switch (rules_.end()) {
    case rules::group_end::gave_up:
      fail(errc::max_restarts_exceeded, group_.intensity.max_restarts == 0
                                          ? rules::because::gave_up_at_once
                                          : rules::because::gave_up);
      break;
    case rules::group_end::start_failed:
      fail(errc::start_failed, rules::because::failed_to_start);
      break;
    case rules::group_end::child_ended:
      failure_ = last_failure_;
      break;
    default:
      break;
  }
  if (supervisor_.get() != nullptr && rt_->events().wanted()) {
    supervisor_->tell(); // which comes first
    if (rules_.end() == rules::group_end::gave_up)
      supervisor_->publish(event_kind::gave_up, failure_.reason);
    supervisor_->publish(event_kind::stopping);
  }
  wake(until::end);
}

void supervisor_core::group_over() {
  core_ptr core;
  job_ptr soft;
  stop_report late;
  {
    std::unique_lock guard{mtx_};
    late.swap(late_);
    ending_ = true;
    over_.store(true, std::memory_order_release);
    core = supervisor_;
    soft = std::exchange(soft_, job_ptr{});
    wake(until::end);
  }
  if (soft)
    rt_->time().unschedule(*soft);
  if (core.get() != nullptr) {
    core->note_blockers(std::move(late));
    family{*core}.group_over();
  } else {
    run_serially([this] { let_go(); });
  }
}

} // namespace troupe::detail
