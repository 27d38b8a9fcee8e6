// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/supervision.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <set>
#include <utility>
#include <vector>

/// The contract of a supervisor once more, as plainly as can be: no lists, no
/// cursors, no counters. After each event it looks at all children and asks
/// what has to be done. What it says is what `supervision` has to say.
///
/// It knows no jitter, and only backoffs that double.
namespace support {

using namespace troupe;

/// What somebody who reads the contract knows about a child.
struct model_child {
  rules::child_id id = rules::no_child;
  rules::child_rules rules = {};
  rules::child_stage stage = rules::child_stage::planned;
  int starts = 0;
  /// Takes part in the group restart.
  bool affected = false;
  /// Its start or stop is one that the window limits.
  bool in_turn = false;
  bool terminated = false;
  /// Was told to stop so that another life follows.
  bool restarted = false;
  /// The same, in a restart of the group.
  bool kept = false;
  /// Was terminated during the restart of the group.
  bool cancelled = false;
  /// Came at run time, and was not ready since.
  bool added = false;
  bool by_hand = false;
  bool left_stopped = false;
  /// Lives for what it has left to finish.
  bool last_life = false;
  std::optional<time_point> ready_since = {};
  time_point due = never;
  int backoffs = 0;
  std::vector<time_point> failures = {};
};

class supervision_model {
public:
  using stage = rules::child_stage;
  using gstage = rules::group_stage;
  using kind = rules::command_kind;

  explicit supervision_model(rules::group_rules rules) : rules_(rules) {
    // nop
  }

  gstage at = gstage::created;
  rules::group_end end = rules::group_end::none;
  rules::child_id blamed = rules::no_child;
  std::vector<model_child> children;
  /// Those that have something left to finish when they are over.
  std::set<rules::child_id> laden;

  /// What is to be done, in order.
  [[nodiscard]] std::vector<rules::command> take() {
    return std::exchange(out_, {});
  }

  [[nodiscard]] model_child* find(rules::child_id id) {
    for (auto& x : children)
      if (x.id == id)
        return &x;
    return nullptr;
  }

  [[nodiscard]] std::size_t active() const {
    return count([](auto& x) { return is_active(x); });
  }

  [[nodiscard]] std::size_t recent(time_point now) {
    pass(now);
    return recent(restarts_, clock_, rules_.intensity.within);
  }

  // -- what happens -----------------------------------------------------------

  void add(rules::child_id id, const rules::child_rules& rules) {
    children.push_back({.id = id, .rules = rules});
  }

  void start(time_point now) {
    pass(now);
    if (at == gstage::created)
      at = gstage::starting;
    settle(now);
  }

  void child_ready(rules::child_id id, time_point now) {
    pass(now);
    auto x = find(id);
    if (!x || x->stage != stage::starting)
      return;
    x->stage = stage::running;
    x->in_turn = x->added = x->by_hand = false;
    x->ready_since = now;
    settle(now);
  }

  void child_ended(rules::child_id id, rules::child_end how, time_point now) {
    pass(now);
    auto x = find(id);
    if (!x || !is_active(*x))
      return;
    const auto in_turn = std::exchange(x->in_turn, false);
    const auto unready = x->stage == stage::starting;
    if (x->ready_since && now - *x->ready_since >= x->rules.backoff.reset_after)
      x->backoffs = 0;
    x->ready_since.reset();
    const auto told = x->stage == stage::stopping;
    const auto unfinished = how == rules::child_end::failed || x->restarted
                            || (told && x->kept);
    if ((stopping() || x->terminated) && unfinished && is_laden(*x)) {
      begin_last(*x);
      if (told) {
        tell_to_stop(*x);
        x->in_turn = in_turn;
      }
    } else if (told) {
      // S10: whatever it was, it is no failure.
      const auto for_good = x->terminated || temporary(*x) || stopping();
      if (!for_good && at == gstage::unwinding)
        x->stage = stage::planned;
      else if (!for_good && x->restarted)
        begin(*x);
      else if (x->terminated)
        stays_down(*x);
      else
        finish(id);
    } else if (stopping() || (unready && (x->added || x->by_hand))) {
      finish(id);
    } else if (unready && in_turn && x->starts == 1 && !announced_) {
      finish(id);
      begin_end(rules::group_end::start_failed, id); // S3
    } else {
      by_itself(*x, unready || how != rules::child_end::normal, now);
    }
    settle(now);
  }

  void retry_due(rules::child_id id, time_point now) {
    pass(now);
    if (id == rules::no_child && at == gstage::pausing) {
      if (group_due() > now)
        say(kind::set_retry, id, group_due());
      else
        for (auto& x : children)
          if (x.stage == stage::backing_off)
            x.stage = stage::planned;
    }
    auto x = find(id);
    if (x && alone() && x->stage == stage::backing_off) {
      if (x->due > now)
        say(kind::set_retry, id, x->due);
      else
        begin(*x);
    }
    settle(now);
  }

  void mark_healthy(rules::child_id id) {
    if (auto x = find(id))
      x->backoffs = 0;
  }

  // -- what somebody asks for -------------------------------------------------

  void stop(time_point now) {
    pass(now);
    begin_end(rules::group_end::asked, rules::no_child);
    settle(now);
  }

  void hurry(time_point now) {
    pass(now);
    auto ids = backward();
    for (auto id : ids) {
      auto x = find(id);
      if (x->stage == stage::starting || x->stage == stage::running)
        tell_to_stop(*x);
      else if (waits(*x))
        cancel(id);
    }
    settle(now);
  }

  /// @returns Why it is refused; if it is not, tell the id by `started`.
  [[nodiscard]] rules::refusal may_start_child() const {
    if (auto x = closed(); x != rules::refusal::none)
      return x;
    return children.size() >= rules_.max_children
             ? rules::refusal::too_many_children
             : rules::refusal::none;
  }

  void started(rules::child_id id, const rules::child_rules& rules,
               time_point now) {
    pass(now);
    children.push_back({.id = id, .rules = rules, .added = true});
    begin(children.back());
  }

  void terminate_child(rules::child_id id, time_point now) {
    pass(now);
    auto& x = *find(id);
    if (x.stage == stage::stopped) {
      x.cancelled = restarting();
    } else if (waits(x)) {
      x.terminated = true;
      if (is_laden(x)) {
        begin_last(x);
        tell_to_stop(x);
        x.in_turn = at == gstage::unwinding;
      } else {
        if (x.stage == stage::backing_off)
          no_longer_backs_off(x);
        stays_down(x);
      }
    } else {
      x.terminated = true;
      if (x.stage != stage::stopping)
        tell_to_stop(x);
    }
    settle(now);
  }

  rules::refusal start_again(rules::child_id id, time_point now) {
    pass(now);
    if (auto why_not = may_touch(id); why_not != rules::refusal::none)
      return why_not;
    auto& x = *find(id);
    x.by_hand = true;
    x.left_stopped = false;
    x.backoffs = 0;
    x.failures.clear();
    begin(x);
    return rules::refusal::none;
  }

  rules::refusal restart_child(rules::child_id id, time_point now) {
    pass(now);
    if (auto x = closed(); x != rules::refusal::none)
      return x;
    auto& x = *find(id);
    const auto under_way = x.restarted && !x.terminated;
    if (x.stage == stage::stopped)
      return start_again(id, now);
    if (x.stage == stage::planned)
      return rules::refusal::restarting;
    if (x.stage == stage::stopping)
      return under_way ? rules::refusal::none : rules::refusal::ending;
    if (x.stage != stage::backing_off && temporary(x))
      return rules::refusal::lives_once;
    x.backoffs = 0;
    x.failures.clear();
    if (x.stage == stage::backing_off) {
      no_longer_backs_off(x);
      begin(x);
    } else if (alone() || rules_.strategy == strategy::stop_all) {
      tell_to_stop(x);
      x.restarted = true;
    } else {
      restart_group(x);
    }
    settle(now);
    return rules::refusal::none;
  }

  bool retry_now(rules::child_id id, time_point now) {
    pass(now);
    auto x = find(id);
    if (!x || stopping() || x->stage != stage::backing_off)
      return false;
    no_longer_backs_off(*x);
    if (alone())
      begin(*x);
    settle(now);
    return true;
  }

  rules::refusal delete_child(rules::child_id id) {
    auto why_not = may_touch(id);
    if (why_not == rules::refusal::none)
      remove(id);
    return why_not;
  }

private:
  // -- questions --------------------------------------------------------------

  static bool is_active(const model_child& x) {
    return x.stage == stage::starting || x.stage == stage::running
           || x.stage == stage::stopping;
  }

  static bool waits(const model_child& x) {
    return x.stage == stage::planned || x.stage == stage::backing_off;
  }

  /// S14: whether one more life is to finish something.
  bool is_laden(const model_child& x) const {
    return x.starts > 0 && !x.last_life && !temporary(x)
           && laden.count(x.id) == 1;
  }

  static bool temporary(const model_child& x) {
    return x.rules.restart == restart::temporary;
  }

  template <class Predicate>
  std::size_t count(Predicate what) const {
    return static_cast<std::size_t>(
      std::count_if(children.begin(), children.end(), what));
  }

  static std::size_t recent(const std::vector<time_point>& all, time_point now,
                            timespan within) {
    std::size_t result = 0;
    for (auto x : all)
      result += now - x <= within ? 1 : 0;
    return result;
  }

  bool alone() const {
    return rules_.strategy == strategy::one_for_one
           || rules_.strategy == strategy::dynamic;
  }

  bool stopping() const {
    return at == gstage::stopping || at == gstage::stopped;
  }

  bool restarting() const {
    return at == gstage::unwinding || at == gstage::pausing
           || at == gstage::rewinding;
  }

  std::size_t limit() const {
    return rules_.concurrent || rules_.strategy == strategy::dynamic
             ? rules_.window
             : 1;
  }

  rules::refusal closed() const {
    if (stopping())
      return rules::refusal::stopping;
    if (at == gstage::created)
      return rules::refusal::busy;
    if (rules_.strategy != strategy::dynamic && at != gstage::running)
      return rules::refusal::busy;
    return rules::refusal::none;
  }

  rules::refusal may_touch(rules::child_id id) {
    if (auto x = closed(); x != rules::refusal::none)
      return x;
    auto& x = *find(id);
    if (is_active(x))
      return rules::refusal::running;
    return waits(x) ? rules::refusal::restarting : rules::refusal::none;
  }

  /// When the last backoff is over.
  time_point group_due() const {
    auto result = time_point::min();
    for (auto& x : children)
      if (x.stage == stage::backing_off)
        result = std::max(result, x.due);
    return result;
  }

  std::vector<rules::child_id> backward() const {
    std::vector<rules::child_id> result;
    for (auto i = children.rbegin(); i != children.rend(); ++i)
      result.push_back(i->id);
    return result;
  }

  // -- steps ------------------------------------------------------------------

  void say(kind what, rules::child_id who = rules::no_child,
           time_point when = never) {
    out_.push_back({what, who, when});
  }

  /// S27: the clock of the intensity stands still in a group restart.
  void pass(time_point now) {
    if (!restarting())
      clock_ += now - last_;
    last_ = now;
  }

  void begin(model_child& x) {
    x.stage = stage::starting;
    x.restarted = false;
    ++x.starts;
    say(kind::start, x.id);
  }

  void begin_last(model_child& x) {
    if (x.stage == stage::backing_off)
      no_longer_backs_off(x);
    x.last_life = true;
    begin(x);
  }

  void tell_to_stop(model_child& x) {
    x.stage = stage::stopping;
    x.kept = false;
    say(kind::stop, x.id);
  }

  void remove(rules::child_id id) {
    std::erase_if(children, [id](auto& x) { return x.id == id; });
  }

  void finish(rules::child_id id) {
    auto& x = *find(id);
    const auto stops = at == gstage::stopping || at == gstage::stopped;
    const auto gone = temporary(x) || (x.added && !x.terminated)
                      || (stops && rules_.strategy == strategy::dynamic);
    if (x.terminated)
      x.cancelled = restarting();
    x.added = x.by_hand = x.terminated = x.in_turn = x.last_life = false;
    x.stage = stage::stopped;
    say(gone ? kind::forget : kind::retire, id);
    if (gone)
      remove(id);
  }

  void no_longer_backs_off(model_child& x) {
    const auto before = group_due();
    x.stage = stage::planned;
    if (alone())
      say(kind::clear_retry, x.id);
    else if (at == gstage::pausing && group_due() == time_point::min())
      say(kind::clear_retry);
    else if (at == gstage::pausing && group_due() != before)
      say(kind::set_retry, rules::no_child, group_due());
  }

  void cancel(rules::child_id id) {
    if (auto& x = *find(id); x.stage == stage::backing_off)
      no_longer_backs_off(x);
    finish(id);
  }

  void begin_end(rules::group_end why, rules::child_id who) {
    if (stopping())
      return;
    if (at == gstage::pausing && group_due() != time_point::min())
      say(kind::clear_retry);
    at = gstage::stopping;
    end = why;
    blamed = who;
    if (why != rules::group_end::asked)
      say(kind::group_ends, who);
    for (auto id : backward())
      if (auto& x = *find(id); waits(x)) {
        if (is_laden(x))
          begin_last(x);
        else
          cancel(id);
      }
  }

  // -- an end -----------------------------------------------------------------

  void by_itself(model_child& x, bool failed, time_point now) {
    // The table of restart types.
    const auto again = x.rules.restart == restart::permanent
                       || (x.rules.restart == restart::transient && failed);
    if (!again && !temporary(x) && at == gstage::unwinding && x.affected)
      x.stage = stage::planned; // S9
    else if (!again)
      stays_down(x);
    else if (rules_.strategy == strategy::stop_all)
      give_up(rules::group_end::child_ended, x.id);
    else if (passed_own_limit(x, now)) {
      if (x.rules.on_give_up == on_give_up::escalate) {
        give_up(rules::group_end::gave_up, x.id);
      } else {
        x.left_stopped = true;
        stays_down(x);
      }
    } else if (too_many(x)) {
      give_up(rules::group_end::gave_up, x.id);
    } else {
      start_again(x, now);
    }
  }

  void give_up(rules::group_end why, rules::child_id id) {
    finish(id);
    begin_end(why, id);
  }

  void stays_down(model_child& x) {
    const auto id = x.id;
    const auto mode = rules_.auto_shutdown;
    const auto on_purpose = x.terminated;
    const auto significant
      = x.rules.significant
        && (!on_purpose || mode == auto_shutdown::any_significant_over
            || mode == auto_shutdown::all_significant_over);
    finish(id);
    const auto left = count([](auto& y) {
      return y.rules.significant && (is_active(y) || waits(y));
    });
    const auto any = mode == auto_shutdown::any_significant
                     || mode == auto_shutdown::any_significant_over;
    if (significant && mode != auto_shutdown::never && (any || left == 0))
      begin_end(rules::group_end::significant, id);
  }

  bool passed_own_limit(model_child& x, time_point now) {
    const auto& own = x.rules.give_up_after;
    if (own.failures == 0)
      return false;
    if (recent(x.failures, now, own.within)
        >= static_cast<std::size_t>(own.failures))
      return true;
    x.failures.push_back(now);
    return false;
  }

  bool has_backoff(const model_child& x) const {
    return x.rules.backoff.initial > timespan::zero();
  }

  bool merging() const {
    return at == gstage::unwinding || at == gstage::pausing;
  }

  bool too_many(const model_child& x) {
    if (has_backoff(x) || merging())
      return false;
    if (recent(last_)
        >= static_cast<std::size_t>(rules_.intensity.max_restarts))
      return true;
    restarts_.push_back(clock_);
    return false;
  }

  void start_again(model_child& x, time_point now) {
    x.stage = stage::planned;
    if (has_backoff(x)) {
      timespan delay = x.rules.backoff.initial;
      for (int i = 0; i < x.backoffs; ++i)
        delay = std::min<timespan>(delay * 2, x.rules.backoff.max);
      ++x.backoffs;
      x.due = now + delay;
      x.stage = stage::backing_off;
    }
    if (!alone())
      restart_group(x);
    else if (has_backoff(x))
      say(kind::set_retry, x.id, x.due);
    else
      begin(x);
  }

  void restart_group(model_child& x) {
    if (!merging())
      for (auto& y : children)
        y.affected = false;
    if (merging() && x.affected)
      return;
    // All, or from x on.
    auto found = rules_.strategy == strategy::one_for_all;
    for (auto& y : children) {
      found = found || y.id == x.id;
      if (!found || y.affected)
        continue;
      y.affected = true;
      if (y.stage == stage::stopped && !y.cancelled && !y.left_stopped)
        y.stage = stage::planned;
    }
    if (at == gstage::pausing)
      say(kind::clear_retry);
    at = gstage::unwinding;
  }

  // -- what can be done now -----------------------------------------------------

  void settle(time_point now) {
    if (at == gstage::unwinding)
      unwind(now);
    if (at == gstage::pausing && group_due() == time_point::min())
      at = gstage::rewinding;
    if (at == gstage::starting || at == gstage::rewinding)
      start_in_turn();
    if (at == gstage::stopping)
      stop_all();
  }

  void start_in_turn() {
    auto used = count([](auto& x) { return x.in_turn; });
    for (auto& x : children)
      if (x.stage == stage::planned && used < limit()) {
        begin(x);
        x.in_turn = true;
        ++used;
      }
    if (used > 0)
      return;
    at = gstage::running;
    for (auto& x : children)
      x.cancelled = false;
    if (!std::exchange(announced_, true))
      say(kind::group_ready);
  }

  std::size_t stops_in_turn() const {
    return count(
      [](auto& x) { return x.in_turn && x.stage == stage::stopping; });
  }

  void stop_in_turn(model_child& x) {
    if (x.stage == stage::starting || x.stage == stage::running) {
      tell_to_stop(x);
      x.kept = at == gstage::unwinding;
    }
    if (x.stage == stage::stopping)
      x.in_turn = true;
  }

  void unwind(time_point now) {
    for (auto id : backward())
      if (auto& x = *find(id); x.affected && stops_in_turn() < limit())
        stop_in_turn(x);
    const auto busy = count([](auto& x) { return x.affected && is_active(x); });
    if (busy > 0 || stops_in_turn() > 0)
      return;
    if (group_due() > now) {
      at = gstage::pausing;
      say(kind::set_retry, rules::no_child, group_due());
      return;
    }
    at = gstage::rewinding;
    for (auto& x : children)
      if (x.stage == stage::backing_off)
        x.stage = stage::planned;
  }

  void stop_all() {
    for (auto id : backward()) {
      if (stops_in_turn() >= limit())
        return;
      stop_in_turn(*find(id));
    }
    if (active() > 0)
      return;
    at = gstage::stopped;
    say(kind::group_over);
  }

  rules::group_rules rules_;
  std::vector<rules::command> out_;
  time_point clock_{};
  time_point last_{};
  std::vector<time_point> restarts_;
  bool announced_ = false;
};

} // namespace support
