// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/supervision.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace troupe::rules {

using enum child_stage;
using enum command_kind;

namespace {

bool is_active(child_stage x) noexcept {
  return x == child_stage::starting || x == child_stage::running
         || x == child_stage::stopping;
}

} // namespace

supervision::patience::patience(const child_rules& rules)
  : delay(rules.backoff),
    failures(rules.give_up_after.failures, rules.give_up_after.within),
    limited(rules.give_up_after.failures > 0),
    on_give_up(rules.on_give_up) {
  // nop
}

void supervision::patience::renew() {
  delay.mark_healthy();
  failures.clear();
}

supervision::supervision(group_rules rules, std::uint64_t seed)
  : rules_(rules),
    intensity_(rules.intensity.max_restarts, rules.intensity.within),
    random_(seed) {
  // nop
}

// -- properties ----------------------------------------------------------------

group_stage supervision::at() const noexcept {
  return at_;
}

group_end supervision::end() const noexcept {
  return end_;
}

child_id supervision::blamed() const noexcept {
  return blamed_;
}

bool supervision::contains(child_id who) const noexcept {
  return find(who) != nil;
}

child_stage supervision::at(child_id who) const noexcept {
  return slots_[find(who)].stage;
}

std::uint64_t supervision::restarts(child_id who) const noexcept {
  const auto starts = slots_[find(who)].starts;
  return starts == 0 ? 0 : starts - 1;
}

bool supervision::lives_once(child_id who) const noexcept {
  return slots_[find(who)].restart == restart::temporary;
}

time_point supervision::next_retry(child_id who) const noexcept {
  const auto& x = slots_[find(who)];
  if (alone())
    return x.stage == backing_off ? x.more->due : never;
  const auto takes_part = x.stage == backing_off || x.stage == planned;
  return takes_part ? group_restart_due() : never;
}

time_point supervision::group_restart_due() const noexcept {
  const auto waits = at_ == group_stage::unwinding
                     || at_ == group_stage::pausing;
  return waits && group_due_ != time_point::min() ? group_due_ : never;
}

bool supervision::given_up(child_id who) const noexcept {
  return slots_[find(who)].left_stopped;
}

bool supervision::comes_back(child_id who) const noexcept {
  return slots_[find(who)].comes_back;
}

restart supervision::restart_of(child_id who) const noexcept {
  return slots_[find(who)].restart;
}

bool supervision::is_significant(child_id who) const noexcept {
  return slots_[find(who)].significant;
}

child_counts supervision::counts() const noexcept {
  return counts_;
}

std::size_t supervision::recent_restarts(time_point now) const {
  return intensity_.recent(now);
}

std::vector<child_id> supervision::children() const {
  std::vector<child_id> result;
  result.reserve(counts_.specs);
  for (auto i = head_; i != nil; i = slots_[i].next)
    result.push_back(id_of(i));
  return result;
}

bool supervision::alone() const noexcept {
  return rules_.strategy == strategy::one_for_one
         || rules_.strategy == strategy::dynamic;
}

bool supervision::ending() const noexcept {
  return at_ == group_stage::stopping || at_ == group_stage::stopped;
}

bool supervision::restarting_group() const noexcept {
  return at_ == group_stage::unwinding || at_ == group_stage::pausing
         || at_ == group_stage::rewinding;
}

refusal supervision::closed() const noexcept {
  if (ending())
    return refusal::stopping;
  if (at_ == group_stage::created)
    return refusal::busy;
  if (rules_.strategy != strategy::dynamic && at_ != group_stage::running)
    return refusal::busy;
  return refusal::none;
}

std::size_t supervision::limit() const noexcept {
  if (rules_.concurrent || rules_.strategy == strategy::dynamic)
    return std::max(rules_.window, std::size_t{1});
  return 1;
}

// -- before the start ----------------------------------------------------------

void supervision::ask_what_is_left(std::function<bool(child_id)> f) {
  what_is_left_ = std::move(f);
}

child_id supervision::add(const child_rules& rules) {
  const auto i = append(rules);
  set_stage(slots_[i], planned);
  return id_of(i);
}

// -- what happens --------------------------------------------------------------

void supervision::start(time_point now) {
  if (at_ != group_stage::created)
    return;
  at_ = group_stage::starting;
  cursor_ = head_;
  advance(now);
}

void supervision::child_ready(child_id who, time_point now) {
  const auto i = find(who);
  if (i == nil || slots_[i].stage != starting)
    return;
  auto& x = slots_[i];
  leave_turn(x);
  set_stage(x, running);
  x.added = x.by_hand = false;
  if (x.more)
    x.more->delay.ready(now);
  advance(now);
}

void supervision::child_ended(child_id who, child_end how, time_point now) {
  const auto i = find(who);
  if (i == nil || !is_active(slots_[i].stage))
    return;
  auto& x = slots_[i];
  const auto not_ready = x.stage == starting;
  const auto told = x.stage == stopping;
  const auto in_turn = x.in_turn;
  const auto initial = x.starts == 1 && x.in_turn && !announced_ready_;
  leave_turn(x);
  if (x.more)
    x.more->delay.ended(now);
  if (lives_once_more(i, how)) {
    begin_last_life(i);
    if (told)
      tell_to_stop(i);
    if (told && in_turn)
      enter_turn(x);
  } else if (told)
    ended_as_told(i, now);
  else if (ending() || (not_ready && (x.added || x.by_hand)))
    finish(i);
  else if (not_ready && initial)
    give_up(group_end::start_failed, i, now);
  else
    ended_by_itself(i, not_ready ? child_end::failed : how, now);
  advance(now);
}

void supervision::mark_healthy(child_id who) {
  if (const auto i = find(who); i != nil && slots_[i].more)
    slots_[i].more->delay.mark_healthy();
}

// -- what somebody asks for ----------------------------------------------------

void supervision::stop(time_point now) {
  begin_end(group_end::asked, no_child, now);
  advance(now);
}

refusal supervision::may_start_child() const noexcept {
  if (const auto why_not = closed(); why_not != refusal::none)
    return why_not;
  return counts_.specs < rules_.max_children ? refusal::none
                                             : refusal::too_many_children;
}

supervision::added supervision::start_child(const child_rules& rules) {
  if (const auto why_not = may_start_child(); why_not != refusal::none)
    return {no_child, why_not};
  const auto i = append(rules);
  slots_[i].added = true;
  begin(i);
  return {id_of(i), refusal::none};
}

void supervision::terminate_child(child_id who, time_point now) {
  const auto i = find(who);
  auto& x = slots_[i];
  switch (x.stage) {
    case stopped:
      if (restarting_group())
        x.held_in = episode_;
      break;
    case planned:
    case backing_off:
      x.terminated = true;
      if (has_to_finish(i)) {
        begin_last_life(i);
        tell_to_stop(i);
        // Its turn has been, and the others wait until all are over.
        if (at_ == group_stage::unwinding)
          enter_turn(x);
      } else {
        if (x.stage == backing_off)
          drop_backoff(i);
        stays_down(i, now);
      }
      break;
    case starting:
    case running:
      x.terminated = true;
      tell_to_stop(i);
      break;
    case stopping:
      x.terminated = true;
      break;
  }
  advance(now);
}

refusal supervision::start_again(child_id who) {
  if (const auto why_not = closed(); why_not != refusal::none)
    return why_not;
  const auto i = find(who);
  auto& x = slots_[i];
  if (is_active(x.stage))
    return refusal::running;
  if (x.stage != stopped)
    return refusal::restarting;
  x.by_hand = true;
  x.left_stopped = false;
  if (x.more)
    x.more->renew();
  begin(i);
  return refusal::none;
}

refusal supervision::restart_child(child_id who, time_point now) {
  if (const auto why_not = closed(); why_not != refusal::none)
    return why_not;
  const auto i = find(who);
  auto& x = slots_[i];
  switch (x.stage) {
    case stopped:
      return start_again(who);
    case planned:
      return refusal::restarting;
    case stopping:
      return x.comes_back && !x.terminated ? refusal::none : refusal::ending;
    case backing_off:
      drop_backoff(i);
      break;
    case starting:
    case running:
      if (x.restart == restart::temporary)
        return refusal::lives_once;
      break;
  }
  if (x.more)
    x.more->renew();
  if (x.stage == planned)
    begin(i);
  else if (alone() || rules_.strategy == strategy::stop_all)
    tell_to_stop(i, true);
  else
    unwind_from(i, now);
  advance(now);
  return refusal::none;
}

refusal supervision::delete_child(child_id who) {
  if (const auto why_not = closed(); why_not != refusal::none)
    return why_not;
  const auto i = find(who);
  if (is_active(slots_[i].stage))
    return refusal::running;
  if (slots_[i].stage != stopped)
    return refusal::restarting;
  remove(i);
  return refusal::none;
}

std::vector<command> supervision::take() {
  return std::exchange(commands_, {});
}

void supervision::take(std::vector<command>& others) noexcept {
  commands_.swap(others);
}

// -- children ------------------------------------------------------------------

supervision::index supervision::find(child_id who) const noexcept {
  const auto i = slot_of(who);
  return i < slots_.size() && slots_[i].used && id_of(i) == who ? i : nil;
}

child_id supervision::id_of(index i) const noexcept {
  return child_id{slots_[i].generation} << 32 | i;
}

supervision::index supervision::append(const child_rules& rules) {
  static_assert(sizeof(slot) <= 64, "there can be 100,000 of them");
  auto i = free_;
  if (i == nil) {
    i = static_cast<index>(slots_.size());
    slots_.emplace_back();
  } else {
    free_ = slots_[i].next;
  }
  auto& x = slots_[i];
  x.used = true;
  x.order = next_order_++;
  x.restart = rules.restart;
  x.significant = rules.significant;
  if (rules.backoff.initial > timespan::zero()
      || rules.give_up_after.failures > 0)
    x.more = std::make_unique<patience>(rules);
  x.prev = std::exchange(tail_, i);
  x.next = nil;
  (x.prev == nil ? head_ : slots_[x.prev].next) = i;
  ++counts_.specs;
  return i;
}

void supervision::remove(index i) {
  auto& x = slots_[i];
  (x.prev == nil ? head_ : slots_[x.prev].next) = x.next;
  (x.next == nil ? tail_ : slots_[x.next].prev) = x.prev;
  if (cursor_ == i) {
    const auto forward = at_ == group_stage::starting
                         || at_ == group_stage::rewinding;
    cursor_ = forward ? x.next : x.prev;
  }
  const auto generation = x.generation + 1;
  x = slot{};
  x.generation = generation;
  x.next = std::exchange(free_, i);
  --counts_.specs;
}

void supervision::set_stage(slot& x, child_stage to) noexcept {
  if (is_active(x.stage))
    --counts_.active;
  if (is_active(to))
    ++counts_.active;
  if (x.stage == running)
    --counts_.ready;
  if (to == running)
    ++counts_.ready;
  if (x.significant && x.stage != stopped)
    --significant_;
  if (x.significant && to != stopped)
    ++significant_;
  x.stage = to;
}

// -- one step with one child ---------------------------------------------------

void supervision::say(command_kind what, index i) {
  commands_.push_back({what, id_of(i)});
}

void supervision::begin(index i) {
  auto& x = slots_[i];
  set_stage(x, starting);
  // It stays at the most that fits, whoever crashes for so long.
  if (x.starts != std::numeric_limits<std::uint32_t>::max())
    ++x.starts;
  say(command_kind::start, i);
}

void supervision::tell_to_stop(index i, bool comes_back) {
  auto& x = slots_[i];
  x.comes_back = comes_back;
  // A child that was one of the starts under way is one of the stops now.
  const auto in_turn = x.in_turn;
  leave_turn(x);
  set_stage(x, stopping);
  if (in_turn)
    enter_turn(x);
  say(command_kind::stop, i);
}

void supervision::enter_turn(slot& x) noexcept {
  if (x.in_turn)
    return;
  x.in_turn = true;
  ++(x.stage == starting ? starts_ : stops_);
}

void supervision::leave_turn(slot& x) noexcept {
  if (!x.in_turn)
    return;
  x.in_turn = false;
  --(x.stage == starting ? starts_ : stops_);
}

void supervision::finish(index i) {
  auto& x = slots_[i];
  const auto gone = x.restart == restart::temporary
                    || (x.added && !x.terminated)
                    // There can be very many, and none will be back.
                    || (ending() && rules_.strategy == strategy::dynamic);
  if (x.terminated && restarting_group())
    x.held_in = episode_;
  x.added = x.by_hand = x.terminated = x.comes_back = x.in_last_life = false;
  set_stage(x, stopped);
  say(gone ? forget : retire, i);
  if (gone)
    remove(i);
}

bool supervision::has_to_finish(index i) const {
  const auto& x = slots_[i];
  // One that has not been started yet is not started for a stop. (S17)
  return x.starts > 0 && !x.in_last_life && x.restart != restart::temporary
         && what_is_left_ && what_is_left_(id_of(i));
}

void supervision::begin_last_life(index i) {
  auto& x = slots_[i];
  if (x.stage == backing_off)
    drop_backoff(i);
  x.in_last_life = true;
  x.comes_back = false;
  begin(i);
}

void supervision::cancel(index i) {
  if (slots_[i].stage == backing_off)
    drop_backoff(i);
  finish(i);
}

} // namespace troupe::rules
