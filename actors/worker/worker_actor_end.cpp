// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How a worker's actor comes to its end, life by life: the coroutine is
// destroyed, what is queued is handed over, `on_shutdown` runs, the outcome is
// told, and the actor rests until the next life, or leaves.

#include "worker/worker_actor.hpp"

#include "rules/reasons.hpp"

#include <cassert>
#include <utility>

namespace troupe {

caf::skippable_result worker_actor::refuse_late(caf::scheduled_actor*,
                                                caf::message&) {
  return caf::make_error(caf::sec::request_receiver_down);
}

void worker_actor::tear_down(bool handlers_too) {
  ++tearing_down_;
  if (cell_->frozen()) {
    default_handler_ = refuse_late;
    serve_nobody();
    cell_->stop_children(cell_->stage() == rules::stage::killing
                           ? cell::how_to_end::linked_by_force
                           : cell::how_to_end::by_force);
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
  if (cell_->frozen()) {
    // What finish() had spared has to go as well by now.
    for (auto* i = calls(); i != nullptr; i = i->next_call()) {
      if (i->fiber().active() && !i->fiber().cancelled()) {
        tear_down(true);
        return;
      }
    }
    step_ = step::none;
    // Its next life would have its children beside it.
    if (ends_without_joining() && cell_->has_children())
      return;
    cell_->feed(rules::event::destroyed);
    if (cell_->stage() == rules::stage::abandoned)
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

/// Whether the end follows when the coroutines are gone: no join, and no
/// `on_shutdown()`, comes after that.
bool worker_actor::ends_without_joining() const noexcept {
  const auto at = cell_->stage();
  return at == rules::stage::killing || at == rules::stage::cleanup_forcing;
}

/// The children end before `on_shutdown()`, or before the worker does.
void worker_actor::stop_children() {
  cell_->stop_children(cell_->stage() == rules::stage::closing_forced
                         ? cell::how_to_end::by_force
                         : cell::how_to_end::gracefully);
}

void worker_actor::begin_close() {
  // Told late: after a kill, which was told at the same time, nothing of it
  // begins any more.
  if (!rules::is_closing(cell_->stage()))
    return;
  if (std::exchange(closing_, true)) {
    close_if_alone();
    return;
  }
  default_handler_ = refuse_late;
  serve_nobody();
  cell_->clear_sleep_wake();
  // What has a keeper may live again, and its queue goes on.
  if (auto* queue = cell_->queue(); queue && cell_->kept_by() == nullptr) {
    queue->close(true);
    queue->turn_away();
  }
  stop_children();
  tear_down(true);
}

/// Goes on with the end once children and handlers are gone.
void worker_actor::close_if_alone() {
  if (!closing_ || tearing_down_ != 0 || step_ != step::none
      || cell_->has_children() || calls() != nullptr
      || !rules::is_closing(cell_->stage()))
    return;
  auto* queue = cell_->queue();
  if (cell_->cleanup_due() && !shutdown_begun_ && !hand_over_begun_
      && queue != nullptr && queue->hand_over_due())
    begin_hand_over();
  else if (cell_->cleanup_due() && !shutdown_begun_)
    begin_shutdown();
  else if (extras_ && extras_->cleanup_failure)
    cell_->feed(rules::event::close_failed,
                std::move(*extras_->cleanup_failure));
  else
    cell_->feed(rules::event::closed);
}

/// What is queued is handed over. This is a part of what the end waits for:
/// when it takes too long, `on_shutdown()` is still due.
void worker_actor::begin_hand_over() {
  step_ = step::hand_over;
  hand_over_begun_ = true;
  // The message that run() had in progress is none of those.
  cell_->queue()->settle(cell_->goes_well() ? message_queue::leave::handled
                                            : message_queue::leave::lost);
  try {
    main_.start(cell_->hand_over_queue(),
                [this](completion<void> how) { step_done(std::move(how)); });
  } catch (...) {
    step_threw();
  }
}

/// The first failure of the clean-up is the one that counts.
void worker_actor::note_cleanup_failure(failure why) {
  if (auto& first = make_extra().cleanup_failure; !first)
    first = std::move(why);
  else
    cell_->rt().log(compat::log_error, text_of(why.reason));
}

/// A part of the clean-up is over. What it has started goes before the worker
/// does.
void worker_actor::cleanup_done() {
  step_ = step::none;
  if (cell_->has_children()) {
    cell_->join_again();
    stop_children();
  }
  close_if_alone();
}

void worker_actor::begin_shutdown() {
  cell_->begin_cleanup();
  // A force or a kill that came just before is looked at first; after a force
  // it is still due. One that comes from now on finds it begun.
  if (auto at = cell_->stage(); at == rules::stage::forcing
                                || at == rules::stage::killing
                                || rules::is_final(at))
    return;
  shutdown_begun_ = true;
  step_ = step::shutdown;
  try {
    main_.start(cell_->object().on_shutdown(),
                [this](completion<void> how) { step_done(std::move(how)); });
  } catch (...) {
    step_threw();
  }
}

void worker_actor::children_ended() {
  for (auto* child : cell_->take_ended_children()) {
    auto how = child->last_outcome();
    auto fatal = how && how->kind() == outcome_kind::failed
                 && child->was_ready()
                 && child->terms().on_failure == on_failure::fail_parent;
    if (fatal && !closing_ && !cell_->frozen()) {
      auto text = rules::reason(cell_->subject(), rules::because::child_did,
                                child->cause_of(how->reason()));
      end_run(failure{caf::make_error(errc::child_failed, std::move(text)),
                      how->thrown()});
    }
    child->release();
  }
  // A kill may have come that has not been looked at: what runs goes first.
  if (ends_without_joining() && tearing_down_ == 0 && !main_.active())
    torn_down();
  else
    close_if_alone();
}

void worker_actor::finish() {
  assert(!main_.active() && "a life ends while its coroutine is there");
  over_ = true;
  auto at = cell_->stage();
  const auto& how = cell_->final_outcome();
  cell_->disown_children();
  auto kept = cell_->kept_by() != nullptr;
  if (auto* queue = cell_->queue(); queue && at != rules::stage::abandoned) {
    queue->settle(how.kind() == outcome_kind::normal
                    ? message_queue::leave::handled
                    : message_queue::leave::crashed);
    if (!kept)
      queue->discard(message_queue::leave::handled);
  }
  if (at == rules::stage::abandoned) {
    // The code that did not return has: nobody waits for it any more.
    cell_->rt().log(compat::log_warning,
                    cell_->subject()
                      + " returned after it had been abandoned, and was "
                        "destroyed");
    cell_->tell();
    if (cell_->rt().events().wanted())
      cell_->publish(event_kind::came_back);
    cell_->discard_object();
  } else {
    try {
      if (cell_->has_object())
        cell_->object().after_shutdown(how);
    } catch (...) {
      cell_->rt().log(compat::log_error, cell_->subject()
                                           + " failed in after_shutdown(): "
                                           + text_of(std::current_exception()));
    }
    if (kept && !doomed_) {
      rest();
      cell_->end_reached();
      return;
    }
  }
  auto reason = cell_->reason_to_quit();
  if (at != rules::stage::abandoned) {
    if (kept)
      cell_->detach(); // Its next life needs another actor.
    cell_->end_reached();
  }
  quit(std::move(reason));
  // Somebody else may have called quit() first, see `on_exit`.
  bhvr_stack().clear();
}

/// Waits for what the keeper decides: another life, or the end.
void worker_actor::rest() {
  over_ = false;
  step_ = step::none;
  run_over_ = ending_ = closing_ = false;
  hand_over_begun_ = shutdown_begun_ = false;
  extras_ = nullptr;
  cell_->clear_sleep_wake();
  keep_messages();
  serve_nobody();
}

/// The keeper has decided that this is the end.
void worker_actor::leave() {
  over_ = true;
  quit(cell_->reason_to_quit());
  bhvr_stack().clear();
}

void worker_actor::on_exit() {
  if (rules::is_final(cell_->stage())) {
    cell_->detach();
    return;
  }
  if (cell_->stage() == rules::stage::created) {
    cell_->drop_unstarted(caf::make_error(caf::exit_reason::unreachable));
    cell_->detach();
    return;
  }
  // A plain handler called quit(), and CAF takes the actor down right after
  // this: take the worker apart here and now.
  outlive_quit();
  pump();
  bhvr_stack().clear();
  if (rules::is_final(cell_->stage()))
    cell_->detach();
}

} // namespace troupe
