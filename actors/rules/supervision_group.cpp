// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Starts and stops of many children, one after another or in a window.

#include "rules/supervision.hpp"

namespace troupe::rules {

using enum child_stage;

void supervision::begin_end(group_end why, child_id blamed, time_point now) {
  if (ending())
    return;
  // Unless the end of the child that backed off is what ends all.
  if (at_ == group_stage::pausing && group_due_ != time_point::min())
    commands_.push_back({command_kind::clear_retry});
  intensity_.resume(now);
  at_ = group_stage::stopping;
  end_ = why;
  blamed_ = blamed;
  if (why != group_end::asked)
    commands_.push_back({command_kind::group_ends, blamed});
  // A child that is not running is over at once, or lives once more, before its
  // turn: another that has to finish may wait for it, for room in its queue for
  // example.
  cancel_absent();
  cursor_ = tail_;
}

void supervision::cancel_absent() {
  for (auto i = tail_; i != nil;) {
    const auto before = slots_[i].prev;
    const auto stage = slots_[i].stage;
    const auto absent = stage == planned || stage == backing_off;
    if (absent && has_to_finish(i))
      begin_last_life(i);
    else if (absent)
      cancel(i);
    i = before;
  }
}

void supervision::hurry(time_point now) {
  if (at_ != group_stage::stopping)
    return;
  for (auto i = tail_; i != nil; i = slots_[i].prev) {
    const auto stage = slots_[i].stage;
    if (stage == starting || stage == running)
      tell_to_stop(i);
  }
  advance(now);
}

void supervision::advance(time_point now) {
  switch (at_) {
    case group_stage::starting:
    case group_stage::rewinding:
      advance_starts(now);
      break;
    case group_stage::unwinding:
      advance_unwinding(now);
      break;
    case group_stage::pausing:
      if (group_due_ == time_point::min())
        begin_rewinding(now);
      break;
    case group_stage::stopping:
      advance_stops();
      break;
    case group_stage::created:
    case group_stage::running:
    case group_stage::stopped:
      break;
  }
}

void supervision::advance_starts(time_point now) {
  for (; cursor_ != nil && starts_ + stops_ < limit();
       cursor_ = slots_[cursor_].next)
    if (slots_[cursor_].stage == planned) {
      begin(cursor_);
      enter_turn(slots_[cursor_]);
    }
  if (cursor_ != nil || starts_ + stops_ > 0)
    return;
  intensity_.resume(now);
  at_ = group_stage::running;
  if (!announced_ready_)
    commands_.push_back({command_kind::group_ready});
  announced_ready_ = true;
}

void supervision::advance_unwinding(time_point now) {
  while (cursor_ != nil && slots_[cursor_].order >= from_ && stops_ < limit()) {
    const auto i = cursor_;
    cursor_ = slots_[i].prev;
    stop_in_turn(i);
  }
  if ((cursor_ != nil && slots_[cursor_].order >= from_) || stops_ > 0)
    return;
  if (group_due_ <= now) {
    begin_rewinding(now);
    return;
  }
  at_ = group_stage::pausing;
  commands_.push_back({command_kind::set_retry, no_child, group_due_});
}

void supervision::advance_stops() {
  while (cursor_ != nil && stops_ < limit()) {
    const auto i = cursor_;
    cursor_ = slots_[i].prev;
    stop_in_turn(i);
  }
  if (cursor_ != nil || stops_ > 0)
    return;
  at_ = group_stage::stopped;
  commands_.push_back({command_kind::group_over});
}

void supervision::stop_in_turn(index i) {
  auto& x = slots_[i];
  if (x.stage == starting || x.stage == running)
    tell_to_stop(i, at_ == group_stage::unwinding);
  // One that somebody else told to stop is waited for in its turn.
  if (x.stage == stopping)
    enter_turn(x);
}

void supervision::begin_rewinding(time_point now) {
  at_ = group_stage::rewinding;
  group_due_ = time_point::min();
  cursor_ = cursor_ == nil ? head_ : slots_[cursor_].next;
  for (auto i = cursor_; i != nil; i = slots_[i].next)
    if (slots_[i].stage == backing_off)
      set_stage(slots_[i], planned);
  advance_starts(now);
}

} // namespace troupe::rules
