// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/lifecycle.hpp"

namespace troupe::rules {

namespace {

struct row {
  stage from;
  event on;
  step to;
};

using enum stage;
using enum event;
using enum action;

// Only what means something stands here; every other cell of the table is
// "stays as it is, nothing to do".
constexpr row rows[] = {
  // -- spawned ----------------------------------------------------------------
  {created, start, {starting, begin_startup | arm_start_timeout}},
  {created, kill, {stopped, note_cancelled | finish}},
  // -- on_startup() -----------------------------------------------------------
  {starting, start, {starting, refuse_start}},
  {starting, started, {stage::ready, announce_ready | begin_run | disarm}},
  {starting, started_unready, {warming, begin_run}},
  {starting,
   startup_failed,
   {closing, note_failed | begin_close | arm_cleanup}},
  {starting, stop, {starting_stop, wake_waits | arm_grace}},
  {starting, deadline, {forcing, note_failed | destroy_frame | arm_force}},
  {starting, force, {forcing, note_forced | destroy_frame | arm_force}},
  {starting, kill, {killing, note_cancelled | destroy_frame | arm_force}},
  // A stop while on_startup() runs: it finishes, and run() is skipped unless
  // it has something to drain (L11, Q6).
  {starting_stop, start, {starting_stop, refuse_start}},
  {starting_stop, started, {closing_stop, begin_close | arm_cleanup}},
  {starting_stop, started_unready, {closing_stop, begin_close | arm_cleanup}},
  {starting_stop, started_to_drain, {draining, wake_waits | begin_run}},
  {starting_stop,
   startup_failed,
   {closing_stop, note_failed | begin_close | arm_cleanup}},
  {starting_stop, deadline, {forcing, note_forced | destroy_frame | arm_force}},
  {starting_stop, force, {forcing, note_forced | destroy_frame | arm_force}},
  {starting_stop, kill, {killing, note_cancelled | destroy_frame | arm_force}},
  // -- run(), before ready() --------------------------------------------------
  {warming, start, {warming, refuse_start}},
  {warming, became_ready, {stage::ready, announce_ready | disarm}},
  // To end before being ready is a failed start, whatever run() meant by it.
  {warming, run_returned, {closing, note_failed | begin_close | arm_cleanup}},
  {warming, run_failed, {closing, note_failed | begin_close | arm_cleanup}},
  {warming, stop, {draining, wake_waits | arm_grace}},
  {warming, deadline, {forcing, note_failed | destroy_frame | arm_force}},
  {warming, force, {forcing, note_forced | destroy_frame | arm_force}},
  {warming, kill, {killing, note_cancelled | destroy_frame | arm_force}},
  // -- run() ------------------------------------------------------------------
  {stage::ready, start, {stage::ready, refuse_start}},
  {stage::ready, run_returned, {closing, begin_close | arm_cleanup}},
  {stage::ready,
   run_failed,
   {closing, note_failed | begin_close | arm_cleanup}},
  {stage::ready, stop, {draining, wake_waits | arm_grace}},
  {stage::ready, force, {forcing, note_forced | destroy_frame | arm_force}},
  {stage::ready, kill, {killing, note_cancelled | destroy_frame | arm_force}},
  // -- run(), asked to stop ---------------------------------------------------
  {draining, start, {draining, refuse_start}},
  {draining, run_returned, {closing_stop, begin_close | arm_cleanup}},
  {draining,
   run_failed,
   {closing_stop, note_failed | begin_close | arm_cleanup}},
  {draining, deadline, {forcing, note_forced | destroy_frame | arm_force}},
  {draining, force, {forcing, note_forced | destroy_frame | arm_force}},
  {draining, kill, {killing, note_cancelled | destroy_frame | arm_force}},
  // -- on_shutdown() ----------------------------------------------------------
  // As long as it has not begun it is still due, whatever is forced.
  {closing, start, {closing, refuse_start}},
  {closing, join_overdue, {forcing, note_forced | destroy_frame | arm_force}},
  {closing, stop, {closing_stop}},
  {closing, closed, {stopped, note_normal | finish | arm_farewell}},
  {closing, close_failed, {stopped, note_failed | finish | arm_farewell}},
  {closing,
   deadline,
   {cleanup_forcing, note_forced | destroy_frame | arm_force}},
  {closing, force, {cleanup_forcing, note_forced | destroy_frame | arm_force}},
  {closing, kill, {killing, note_cancelled | destroy_frame | arm_force}},
  {closing_stop, start, {closing_stop, refuse_start}},
  {closing_stop,
   join_overdue,
   {forcing, note_forced | destroy_frame | arm_force}},
  {closing_stop, closed, {stopped, note_normal | finish | arm_farewell}},
  {closing_stop, close_failed, {stopped, note_failed | finish | arm_farewell}},
  {closing_stop,
   deadline,
   {cleanup_forcing, note_forced | destroy_frame | arm_force}},
  {closing_stop,
   force,
   {cleanup_forcing, note_forced | destroy_frame | arm_force}},
  {closing_stop, kill, {killing, note_cancelled | destroy_frame | arm_force}},
  // -- forced -----------------------------------------------------------------
  {forcing, start, {forcing, refuse_start}},
  {forcing, destroyed, {closing_forced, begin_close | arm_cleanup}},
  {forcing, deadline, {abandoned, note_forced | abandon}},
  {forcing, kill, {killing, note_cancelled | destroy_frame}},
  {closing_forced, start, {closing_forced, refuse_start}},
  {closing_forced,
   join_overdue,
   {forcing, note_forced | destroy_frame | arm_force}},
  {closing_forced, closed, {stopped, note_normal | finish | arm_farewell}},
  {closing_forced,
   close_failed,
   {stopped, note_failed | finish | arm_farewell}},
  {closing_forced,
   deadline,
   {cleanup_forcing, note_forced | destroy_frame | arm_force}},
  {closing_forced,
   force,
   {cleanup_forcing, note_forced | destroy_frame | arm_force}},
  {closing_forced, kill, {killing, note_cancelled | destroy_frame | arm_force}},
  {cleanup_forcing, start, {cleanup_forcing, refuse_start}},
  {cleanup_forcing, destroyed, {stopped, note_forced | finish | arm_farewell}},
  {cleanup_forcing, deadline, {abandoned, note_forced | abandon}},
  {cleanup_forcing, kill, {killing, note_cancelled | destroy_frame}},
  // -- killed -----------------------------------------------------------------
  {killing, start, {killing, refuse_start}},
  {killing, destroyed, {stopped, note_cancelled | finish | arm_farewell}},
  {killing, deadline, {abandoned, note_forced | abandon}},
  // -- over -------------------------------------------------------------------
  // Until after_shutdown() has returned.
  {stopped, start, {stopped, refuse_start}},
  {stopped, deadline, {abandoned, note_forced | abandon}},
  {force_stopped, start, {force_stopped, refuse_start}},
  {force_stopped, deadline, {abandoned, note_forced | abandon}},
  {abandoned, start, {abandoned, refuse_start}},
  {abandoned, destroyed, {abandoned, record_return}},
};

using table_type = std::array<std::array<step, num_events>, num_stages>;

constexpr table_type make_table() {
  table_type result{};
  for (std::size_t s = 0; s < num_stages; ++s)
    for (auto& cell : result[s])
      cell = step{static_cast<stage>(s)};
  for (auto& r : rows)
    result[static_cast<std::size_t>(r.from)][static_cast<std::size_t>(r.on)]
      = r.to;
  return result;
}

constexpr table_type table = make_table();

} // namespace

step transition(stage s, event e) noexcept {
  return table[static_cast<std::size_t>(s)][static_cast<std::size_t>(e)];
}

verdict merge(verdict known, action actions) noexcept {
  // A failure stays; a cancelled end is the end of a worker that was taken
  // away from itself; being forced outweighs having gone well.
  if (known == verdict::failed || known == verdict::cancelled)
    return known;
  if (has(actions, note_cancelled))
    return verdict::cancelled;
  if (has(actions, note_failed))
    return known == verdict::forced ? known : verdict::failed;
  if (has(actions, note_forced))
    return verdict::forced;
  if (has(actions, note_normal) && known == verdict::open)
    return verdict::normal;
  return known;
}

action lifecycle::feed(event e) noexcept {
  auto [next, actions] = transition(stage_, e);
  if (stage_ != created && next != stage_
      && (e == started || e == started_unready || e == started_to_drain))
    cleanup_due_ = true;
  verdict_ = merge(verdict_, actions);
  if (next == stopped && verdict_ == verdict::forced)
    next = force_stopped;
  stage_ = next;
  return actions;
}

worker_phase phase_of(stage s) noexcept {
  switch (s) {
    case created:
      return worker_phase::created;
    case starting:
    case starting_stop:
    case warming:
      return worker_phase::starting;
    case stage::ready:
      return worker_phase::ready;
    case draining:
    case forcing:
    case killing:
      return worker_phase::draining;
    case closing:
    case closing_stop:
    case closing_forced:
    case cleanup_forcing:
      return worker_phase::cleaning_up;
    case stopped:
    case force_stopped:
      return worker_phase::done;
    case abandoned:
      return worker_phase::abandoned;
  }
  return worker_phase::done;
}

std::string_view to_string(stage s) noexcept {
  constexpr std::string_view names[num_stages]
    = {"created", "starting",       "starting_stop",   "warming",
       "ready",   "draining",       "closing",         "closing_stop",
       "forcing", "closing_forced", "cleanup_forcing", "killing",
       "stopped", "force_stopped",  "abandoned"};
  return names[static_cast<std::size_t>(s)];
}

std::string_view to_string(event e) noexcept {
  constexpr std::string_view names[num_events] = {"start",
                                                  "started",
                                                  "started_unready",
                                                  "started_to_drain",
                                                  "startup_failed",
                                                  "became_ready",
                                                  "stop",
                                                  "run_returned",
                                                  "run_failed",
                                                  "deadline",
                                                  "force",
                                                  "join_overdue",
                                                  "destroyed",
                                                  "closed",
                                                  "close_failed",
                                                  "kill"};
  return names[static_cast<std::size_t>(e)];
}

} // namespace troupe::rules
