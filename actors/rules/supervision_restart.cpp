// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How a child ended, and what follows for it and for the others.

#include "rules/supervision.hpp"

#include <algorithm>
#include <limits>

namespace troupe::rules {

using enum child_stage;

namespace {

/// The table of restart types.
bool wants_restart(restart type, child_end how) noexcept {
  switch (type) {
    case restart::permanent:
      return true;
    case restart::transient:
      return how != child_end::normal;
    case restart::temporary:
      return false;
  }
  return false;
}

} // namespace

// -- ends ----------------------------------------------------------------------

void supervision::ended_as_told(index i, time_point now) {
  auto& x = slots_[i];
  const auto comes_back = x.comes_back && !x.terminated && !ending()
                          && x.restart != restart::temporary;
  x.comes_back = false;
  if (!comes_back && x.terminated)
    stays_down(i, now);
  else if (!comes_back)
    finish(i);
  else if (at_ == group_stage::unwinding)
    set_stage(x, planned);
  else
    begin(i);
}

/// Whether one more life is to finish what a child that is to stop has left: it
/// failed meanwhile, or it was stopped so that its queue would wait. (S14)
bool supervision::lives_once_more(index i, child_end how) const {
  const auto& x = slots_[i];
  return (ending() || x.terminated)
         && (how == child_end::failed || x.comes_back) && has_to_finish(i);
}

void supervision::ended_by_itself(index i, child_end how, time_point now) {
  auto& x = slots_[i];
  if (wants_restart(x.restart, how)) {
    failed(i, now);
    return;
  }
  // Its turn to be stopped would have come: it is restarted like those that
  // were over before. (S9)
  if (to_be_unwound(x) && x.restart != restart::temporary) {
    set_stage(x, planned);
    return;
  }
  stays_down(i, now);
}

bool supervision::to_be_unwound(const slot& x) const noexcept {
  return at_ == group_stage::unwinding && x.order >= from_;
}

void supervision::stays_down(index i, time_point now) {
  const auto who = id_of(i);
  const auto mode = rules_.auto_shutdown;
  const auto counts = slots_[i].significant && mode != auto_shutdown::never
                      && (!slots_[i].terminated || counts_stops(mode));
  finish(i);
  if (counts && (any_is_enough(mode) || significant_ == 0))
    begin_end(group_end::significant, who, now);
}

void supervision::failed(index i, time_point now) {
  auto& x = slots_[i];
  if (rules_.strategy == strategy::stop_all) {
    give_up(group_end::child_ended, i, now);
    return;
  }
  if (x.more && x.more->limited && !x.more->failures.allow(now)) {
    if (x.more->on_give_up == on_give_up::escalate) {
      give_up(group_end::gave_up, i, now);
    } else {
      x.left_stopped = true;
      stays_down(i, now);
    }
    return;
  }
  if (!may_restart(x, now))
    give_up(group_end::gave_up, i, now);
  else if (alone())
    restart_alone(i, now);
  else
    restart_group(i, now);
}

bool supervision::may_restart(const slot& x, time_point now) {
  if (x.more && x.more->delay.on())
    return true;
  // It merges into the restart that is under way.
  if (at_ == group_stage::unwinding || at_ == group_stage::pausing)
    return true;
  return intensity_.allow(now);
}

void supervision::give_up(group_end why, index i, time_point now) {
  const auto who = id_of(i);
  finish(i);
  begin_end(why, who, now);
}

// -- restarts ------------------------------------------------------------------

void supervision::plan_restart(slot& x, time_point now) {
  if (!x.more || !x.more->delay.on()) {
    set_stage(x, planned);
    return;
  }
  x.more->due = deadline_after(now, x.more->delay.next(sample()));
  set_stage(x, backing_off);
}

void supervision::restart_alone(index i, time_point now) {
  auto& x = slots_[i];
  plan_restart(x, now);
  if (x.stage == planned)
    begin(i);
  else
    commands_.push_back({command_kind::set_retry, id_of(i), x.more->due});
}

void supervision::restart_group(index i, time_point now) {
  auto& x = slots_[i];
  const auto merges = at_ == group_stage::unwinding
                      || at_ == group_stage::pausing;
  plan_restart(x, now);
  if (x.stage == backing_off)
    group_due_ = std::max(group_due_, x.more->due);
  if (!merges || x.order < from_)
    unwind_from(i, now);
}

/// Begins to stop `i` and those that are restarted with it, or more of them
/// than before.
void supervision::unwind_from(index i, time_point now) {
  const auto merges = at_ == group_stage::unwinding
                      || at_ == group_stage::pausing;
  // A restart that follows from another one belongs to the same episode.
  if (!restarting_group())
    ++episode_;
  intensity_.pause(now);
  const auto all = rules_.strategy == strategy::one_for_all;
  const auto first = all ? head_ : i;
  revive(first, merges ? from_ : next_order_);
  from_ = slots_[first].order;
  if (at_ == group_stage::pausing)
    commands_.push_back({command_kind::clear_retry});
  if (!merges)
    cursor_ = tail_;
  at_ = group_stage::unwinding;
}

void supervision::revive(index first, std::uint64_t end) {
  for (auto i = first; i != nil && slots_[i].order < end; i = slots_[i].next) {
    auto& x = slots_[i];
    if (x.stage == stopped && !x.left_stopped && x.held_in != episode_)
      set_stage(x, planned);
  }
}

// -- backoffs ------------------------------------------------------------------

void supervision::retry_due(child_id who, time_point now) {
  if (who == no_child) {
    if (at_ != group_stage::pausing)
      return;
    if (now < group_due_) {
      commands_.push_back({command_kind::set_retry, no_child, group_due_});
      return;
    }
    group_due_ = time_point::min();
    advance(now);
    return;
  }
  const auto i = find(who);
  if (i == nil || !alone() || slots_[i].stage != backing_off)
    return;
  // One that was replaced may have been on its way already.
  if (const auto due = slots_[i].more->due; now < due)
    commands_.push_back({command_kind::set_retry, who, due});
  else
    begin(i);
}

bool supervision::retry_now(child_id who, time_point now) {
  const auto i = find(who);
  if (i == nil || slots_[i].stage != backing_off)
    return false;
  drop_backoff(i);
  if (alone())
    begin(i);
  advance(now);
  return true;
}

void supervision::drop_backoff(index i) {
  set_stage(slots_[i], planned);
  if (alone())
    say(command_kind::clear_retry, i);
  else
    drop_group_backoff();
}

void supervision::drop_group_backoff() {
  if (at_ != group_stage::unwinding && at_ != group_stage::pausing)
    return;
  const auto due = latest_due();
  if (at_ == group_stage::pausing && due == time_point::min())
    commands_.push_back({command_kind::clear_retry});
  else if (at_ == group_stage::pausing && due != group_due_)
    commands_.push_back({command_kind::set_retry, no_child, due});
  group_due_ = due;
}

time_point supervision::latest_due() const noexcept {
  auto result = time_point::min();
  for (auto i = tail_; i != nil && slots_[i].order >= from_; i = slots_[i].prev)
    if (slots_[i].stage == backing_off)
      result = std::max(result, slots_[i].more->due);
  return result;
}

double supervision::sample() noexcept {
  return rules::sample(random_);
}

} // namespace troupe::rules
