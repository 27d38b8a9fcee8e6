// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How a worker's actor comes to its end, life by life: the coroutine is
// destroyed, what is queued is handed over, `on_shutdown` runs, the outcome is
// told, and the actor rests until the next life, or leaves.

#include "worker/complaints.hpp"
#include "worker/deadlines.hpp"
#include "worker/family.hpp"
#include "worker/worker_actor.hpp"

#include "rules/reasons.hpp"

#include <caf/default_attachable.hpp>

#include <cassert>
#include <mutex>
#include <utility>

namespace troupe::detail {

caf::skippable_result worker_actor::refuse_late(caf::scheduled_actor*,
                                                caf::message&) {
  return caf::make_error(caf::sec::request_receiver_down);
}

/// No handler begins from here on, and a request has an error.
void worker_actor::refuse_messages() {
  default_handler_ = refuse_late;
  serve_nobody();
}

void worker_actor::tear_down(bool handlers_too) {
  ++tearing_down_;
  if (core_->frozen()) {
    refuse_messages();
    family{*core_}.stop(core_->stage() == rules::stage::killing
                          ? family::how_to_end::linked_by_force
                          : family::how_to_end::by_force);
  }
  if (main_.active() && !main_.cancelled()
      && !main_.cancel([this](fiber&) { part_gone(); }))
    ++tearing_down_;
  if (handlers_too) {
    for (auto* i = calls(); i != nullptr;) {
      auto* call = std::exchange(i, i->next_call());
      // One that has ended is about to go by itself.
      if (!call->fiber().active() || call->fiber().cancelled())
        continue;
      ++tearing_down_;
      if (call->fiber().cancel([call](fiber&) { call->cancelled(); }))
        call->cancelled();
    }
  }
  part_gone();
}

void worker_actor::part_gone() {
  if (--tearing_down_ == 0)
    torn_down();
}

/// All that was to be destroyed is gone.
void worker_actor::torn_down() {
  if (core_->frozen()) {
    // This may be the end of a tear-down that began before it was frozen.
    refuse_messages();
    // The handlers that finish() had spared have to go as well by now.
    for (auto* i = calls(); i != nullptr; i = i->next_call()) {
      if (i->fiber().active() && !i->fiber().cancelled()) {
        tear_down(true);
        return;
      }
    }
    step_ = step::none;
    core_->feed(rules::event::destroyed);
    if (core_->stage() == rules::stage::abandoned)
      finish();
  } else if (std::exchange(ending_, false)) {
    step_ = step::none;
    run_over_ = true;
    if (closing_)
      close_if_alone();
    else
      return_if_free();
  } else if (step_ == step::hand_over || step_ == step::shutdown) {
    cleanup_done();
  } else if (closing_) {
    close_if_alone();
  }
}

/// The children end before `on_shutdown()`, or before the worker does.
void worker_actor::stop_children() {
  family{*core_}.stop(core_->stage() == rules::stage::closing_forced
                        ? family::how_to_end::by_force
                        : family::how_to_end::gracefully);
}

void worker_actor::begin_close() {
  // Told late: after a kill, which was told at the same time, nothing of it
  // begins any more.
  if (!rules::is_closing(core_->stage()))
    return;
  if (std::exchange(closing_, true)) {
    close_if_alone();
    return;
  }
  refuse_messages();
  core_->idle().clear_sleep_wake();
  // A worker with an owner may live again, and its queue goes on.
  if (auto* queue = core_->queue(); queue && core_->owner() == nullptr) {
    queue->close(true);
    queue->refuse_waiting();
  }
  stop_children();
  tear_down(true);
}

/// Goes on with the end once children and handlers are gone.
void worker_actor::close_if_alone() {
  if (!closing_ || tearing_down_ != 0 || step_ != step::none
      || family{*core_}.any() || calls() != nullptr
      || !rules::is_closing(core_->stage()))
    return;
  auto* queue = core_->queue();
  if (core_->look(&life::cleanup_due) && !shutdown_begun_ && !hand_over_begun_
      && queue != nullptr && queue->hand_over_due())
    begin_hand_over();
  else if (core_->look(&life::cleanup_due) && !shutdown_begun_)
    begin_shutdown();
  else if (lazy_ && lazy_->cleanup_failure)
    core_->feed(rules::event::close_failed, std::move(*lazy_->cleanup_failure));
  else
    core_->feed(rules::event::closed);
}

/// Queued messages are handed over. The end waits for this as well: when it
/// takes too long, `on_shutdown()` is still due.
void worker_actor::begin_hand_over() {
  // The message that run() had in progress is none of those.
  core_->queue()->end_message(core_->look(&life::goes_well)
                                ? message_queue::fate::handled
                                : message_queue::fate::lost);
  // Its destructor may have taken so long that this worker was forced, or given
  // up: then the messages are still there, or those of another life.
  if (core_->frozen())
    return;
  step_ = step::hand_over;
  hand_over_begun_ = true;
  try {
    main_.start(core_->hand_over_queue(),
                [this](completion<void> how) { step_done(std::move(how)); });
  } catch (...) {
    step_threw();
  }
}

/// The first failure of the clean-up is the one that counts.
void worker_actor::note_cleanup_failure(failure why) {
  if (auto& first = make_lazy().cleanup_failure; !first)
    first = std::move(why);
  else
    core_->rt().log(compat::log_error, text_of(why.reason));
}

/// A part of the clean-up is over. Fibers that it has started go before the
/// worker does.
void worker_actor::cleanup_done() {
  step_ = step::none;
  if (family{*core_}.any()) {
    deadlines{*core_}.join_again();
    stop_children();
  }
  close_if_alone();
}

void worker_actor::begin_shutdown() {
  deadlines{*core_}.begin_cleanup();
  // A force or a kill that came just before is looked at first; after a force
  // it is still due. One that comes from now on finds it begun.
  if (auto at = core_->stage(); at == rules::stage::forcing
                                || at == rules::stage::killing
                                || rules::is_final(at))
    return;
  shutdown_begun_ = true;
  step_ = step::shutdown;
  try {
    main_.start(core_->object().on_shutdown(),
                [this](completion<void> how) { step_done(std::move(how)); });
  } catch (...) {
    step_threw();
  }
}

void worker_actor::children_ended() {
  for (auto* child : family{*core_}.take_ended()) {
    auto how = child->last_outcome();
    const auto fatal
      = rules::fails_parent(how && how->kind() == outcome_kind::failed,
                            child->look(&life::ready),
                            child->config().on_failure);
    if (fatal && !closing_ && !core_->frozen()) {
      auto text = rules::reason(core_->subject(), rules::because::child_did,
                                child->cause_of(how->reason()));
      end_run(failure{caf::make_error(errc::child_failed, std::move(text)),
                      how->thrown()});
    }
    child->release();
  }
  // A kill may have come that has not been looked at: what runs goes first.
  if (rules::ends_without_joining(core_->stage()) && tearing_down_ == 0
      && !main_.active())
    torn_down();
  else
    close_if_alone();
}

void worker_actor::finish() {
  assert(!main_.active() && "a life ends while its coroutine is there");
  assert(calls() == nullptr && "a life ends while a handler of it is there");
  over_ = true;
  auto at = core_->stage();
  // Stays as it is, even if the worker is abandoned in what follows.
  const auto& how = core_->final_outcome();
  family{*core_}.disown();
  auto kept = core_->owner() != nullptr;
  if (auto* queue = core_->queue(); queue && at != rules::stage::abandoned) {
    queue->end_message(how.kind() == outcome_kind::normal
                         ? message_queue::fate::handled
                         : message_queue::fate::crashed);
    if (!kept)
      queue->discard(message_queue::fate::handled);
  }
  if (at != rules::stage::abandoned) {
    try {
      if (core_->has_object())
        core_->object().after_shutdown(how);
    } catch (...) {
      core_->rt().complain(compat::log_error,
                           core_->subject() + " failed in after_shutdown(): "
                             + text_of(std::current_exception()));
    }
    at = deadlines{*core_}.end_farewell();
  }
  if (at == rules::stage::abandoned) {
    // The code that did not return has: nobody waits for it any more.
    core_->rt().log(compat::log_warning,
                    core_->subject()
                      + " returned after it had been abandoned, and was "
                        "destroyed");
    core_->tell();
    if (core_->rt().events().wanted())
      core_->publish(event_kind::came_back);
    core_->discard_object();
  } else if (kept && !doomed_) {
    rest();
    core_->end_reached();
    return;
  }
  auto reason = core_->reason_to_quit();
  if (at != rules::stage::abandoned) {
    if (reason && is_watched())
      complaints{*core_}.get_mark().set();
    if (kept)
      core_->detach(); // Its next life needs another actor.
    core_->end_reached();
  }
  quit(std::move(reason));
  // Somebody else may have called quit() first, see `on_exit`.
  bhvr_stack().clear();
}

/// Whether an actor that has linked to this one, or monitors it, gets to know
/// the reason of its end. CAF 1.x hides monitors with a callback.
bool worker_actor::is_watched() {
  const std::unique_lock guard{mtx_};
  for (const auto* i = attachables_head_.get(); i != nullptr; i = i->next.get())
    if (dynamic_cast<const caf::default_attachable*>(i) != nullptr)
      return true;
  return false;
}

/// Waits for what the owner decides: another life, or the end.
void worker_actor::rest() {
  over_ = false;
  step_ = step::none;
  run_over_ = ending_ = closing_ = false;
  hand_over_begun_ = shutdown_begun_ = false;
  lazy_ = nullptr;
  core_->idle().clear_sleep_wake();
  keep_messages();
  serve_nobody();
}

/// The owner has decided that this is the end.
void worker_actor::quit_actor() {
  over_ = true;
  quit(core_->reason_to_quit());
  bhvr_stack().clear();
}

void worker_actor::on_exit() {
  if (rules::is_final(core_->stage())) {
    core_->detach();
    return;
  }
  if (core_->stage() == rules::stage::created) {
    core_->drop_unstarted(caf::make_error(caf::exit_reason::unreachable));
    core_->detach();
    return;
  }
  // A plain handler called quit(), and CAF takes the actor down right after
  // this: take the worker apart here and now.
  outlive_quit();
  pump();
  bhvr_stack().clear();
  if (rules::is_final(core_->stage()))
    core_->detach();
}

} // namespace troupe::detail
