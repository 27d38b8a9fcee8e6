// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How a worker's actor goes through the steps of a life: the hooks, run(), and
// the handlers beside it.

#include "rules/reasons.hpp"
#include "worker/worker_actor.hpp"

#include <utility>

namespace troupe::detail {

void worker_actor::carry_out(todo what) {
  if (has(what, todo::answer))
    core_->answer_pollers();
  if (over_)
    return; // Told before the end, and overtaken by it.
  if (has(what, todo::child_ended))
    children_ended();
  // The frames may be gone already: a tear-down that began for another reason
  // has ended meanwhile.
  if (has(what, todo::destroy_frame) && core_->frozen())
    tear_down(true);
  if (has(what, todo::begin_startup))
    begin_startup();
  if (has(what, todo::wake_waits)) {
    core_->idle().wake_all();
    tell_calls_to_stop();
  }
  if (has(what, todo::begin_run))
    begin_run();
  // It may have been told late.
  if (has(what, todo::serve) && !closing_ && !core_->frozen())
    serve();
  if (has(what, todo::holds_changed))
    return_if_free();
  if (has(what, todo::begin_close))
    begin_close();
  if (has(what, todo::finish))
    finish();
  if (has(what, todo::quit_actor))
    quit_actor();
}

failure worker_actor::failed(errc code, std::string_view how,
                             std::exception_ptr what) {
  auto text = rules::reason(core_->subject(), how, text_of(what));
  return {caf::make_error(code, std::move(text)), std::move(what)};
}

void worker_actor::begin_startup() {
  // A force or a kill may have come first.
  auto at = core_->stage();
  if (at != rules::stage::starting && at != rules::stage::starting_stop)
    return;
  step_ = step::startup;
  try {
    if (core_->owner() != nullptr)
      core_->make_object();
    if (lazy_)
      lazy_->handlers = caf::behavior{};
    if (auto hs = core_->object().handlers(); !hs.empty())
      make_lazy().handlers
        = caf::message_handler{[this] { pump(); }}.or_else(hs.impl());
    main_.start(core_->object().on_startup(),
                [this](completion<void> how) { step_done(std::move(how)); });
  } catch (...) {
    step_threw();
  }
}

void worker_actor::begin_run() {
  auto at = core_->stage();
  if (at != rules::stage::warming && at != rules::stage::ready
      && at != rules::stage::draining)
    return;
  step_ = step::run;
  if (core_->config().readiness != readiness::explicit_ready)
    serve();
  try {
    main_.start(core_->object().run(),
                [this](completion<void> how) { step_done(std::move(how)); });
    // The stop may have come before there was anybody to be told.
    if (step_ == step::run && core_->stop_asked())
      main_.request_stop();
  } catch (...) {
    step_threw();
  }
}

/// The step ends with the exception that is being handled.
void worker_actor::step_threw() {
  completion<void> how;
  how.fail(std::current_exception());
  step_done(std::move(how));
}

/// The coroutine of the current step has ended.
void worker_actor::step_done(completion<void> how) {
  using rules::event;
  auto ended = std::exchange(step_, step::none);
  if (core_->frozen())
    return; // The frames went by themselves; `tear_down` sees to it.
  auto what = how.error();
  switch (ended) {
    case step::startup:
      if (what)
        core_->feed(event::startup_failed,
                    failed(errc::start_failed, rules::because::failed_to_start,
                           what));
      else
        core_->feed(core_->config().readiness != readiness::automatic
                      ? event::started_unready
                      : event::started);
      break;
    case step::run:
      if (what) {
        core_->feed(event::run_failed,
                    failed(errc::worker_failed, " failed: ", what));
      } else {
        run_over_ = true;
        return_if_free();
      }
      break;
    case step::hand_over:
      if (what)
        note_cleanup_failure(
          failed(errc::worker_failed, " failed in hand_over(): ", what));
      cleanup_done();
      break;
    case step::shutdown:
      if (what)
        note_cleanup_failure(
          failed(errc::worker_failed, " failed in on_shutdown(): ", what));
      cleanup_done();
      break;
    case step::none:
      break;
  }
}

/// The end of `run()` is the end of the worker unless somebody holds it.
void worker_actor::return_if_free() {
  if (run_over_ && !closing_ && !ending_ && calls() == nullptr
      && core_->look(&life::holds) == 0)
    core_->feed(rules::event::run_returned);
}

void worker_actor::end_run(std::optional<failure> why) {
  if (why && lazy_ && lazy_->noted_failure != nullptr)
    *lazy_->noted_failure = why->reason;
  if (core_->frozen())
    return;
  auto cleaning_up = step_ == step::hand_over || step_ == step::shutdown;
  if (cleaning_up && why && !(lazy_ && lazy_->cleanup_failure)) {
    make_lazy().cleanup_failure = std::move(*why);
    tear_down(false);
    return;
  }
  if (ending_ || closing_)
    return;
  ending_ = true;
  // Any end of a worker before it has started is a failed start.
  auto in_startup = step_ == step::startup;
  if (in_startup && !why)
    why = failure{caf::make_error(errc::start_failed,
                                  core_->subject()
                                    + " failed to start: finish() was called "
                                      "in on_startup()"),
                  nullptr};
  // A failure is known at once, whatever has to be waited for before the end.
  // It takes the other handlers along; without one they may finish.
  auto failed = why.has_value();
  if (failed) {
    make_lazy().ending_why = why->reason;
    core_->feed(in_startup ? rules::event::startup_failed
                           : rules::event::run_failed,
                std::move(*why));
  }
  tear_down(failed);
}

// -- handlers --------------------------------------------------------------------

void worker_actor::handler_cancelled(handler_call& x) {
  x.promise().deliver(
    lazy_ && lazy_->ending_why
      ? lazy_->ending_why
      : caf::make_error(caf::sec::request_receiver_down,
                        core_->subject() + " ended before it had answered"));
  handler_done(x);
  part_gone();
}

/// Sets the stop tokens of offloaded calls, of those that will begin as well.
void worker_actor::tell_calls_to_stop() noexcept {
  main_.request_stop();
  for (auto* i = calls(); i != nullptr; i = i->next_call())
    i->fiber().request_stop();
}

void worker_actor::handler_begun() noexcept {
  if (core_->stop_asked())
    tell_calls_to_stop();
}

void worker_actor::adopt(handler_call& x) {
  x.link(make_lazy().calls);
}

void worker_actor::handler_done(handler_call& x) {
  x.unlink(lazy_->calls);
  delete &x;
  if (tearing_down_ != 0)
    return;
  if (closing_)
    close_if_alone();
  else
    return_if_free();
}

} // namespace troupe::detail
