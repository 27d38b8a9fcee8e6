// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/lifecycle.hpp"

#include <catch2/catch_test_macros.hpp>

#ifdef TROUPE_HAS_RAPIDCHECK
#  include <rapidcheck.h>
#endif

#include <initializer_list>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::rules;

namespace {

template <class T>
std::vector<T> all(std::size_t count) {
  std::vector<T> result;
  for (std::size_t i = 0; i < count; ++i)
    result.push_back(static_cast<T>(i));
  return result;
}

const auto all_stages = all<stage>(num_stages);
const auto all_events = all<event>(num_events);

// -- the table, a second time: by event, as the rows of the semantics go --------

/// What an event does in some stages. Without `next` the stage stays.
struct line {
  event on;
  std::vector<stage> in;
  std::optional<stage> next;
  action actions;
};

constexpr auto closing_down = action::begin_close | action::arm_cleanup;
constexpr auto tear_down = action::destroy_frame | action::arm_force;
constexpr auto the_end = action::finish | action::arm_farewell;

std::vector<line> listing() {
  using enum stage;
  const std::vector<stage> in_startup = {starting, starting_stop};
  const std::vector<stage> in_clean_up = {closing, closing_stop,
                                          closing_forced};
  const auto last_resort = action::note_forced | action::abandon;
  return {
    // L4, L7: one start, all others are refused.
    {event::start,
     {created},
     starting,
     action::begin_startup | action::arm_start_timeout},
    {event::start,
     {starting, starting_stop, warming, stage::ready, draining, closing,
      closing_stop, forcing, closing_forced, cleanup_forcing, killing, stopped,
      force_stopped, abandoned},
     {},
     action::refuse_start},
    // L5: ready by itself, or by ready(). L11: after a stop, run() is skipped.
    {event::started,
     {starting},
     stage::ready,
     action::announce_ready | action::begin_run | action::disarm},
    {event::started, {starting_stop}, closing_stop, closing_down},
    {event::started_unready, {starting}, warming, action::begin_run},
    {event::started_unready, {starting_stop}, closing_stop, closing_down},
    // L11, Q6: unless there is something to drain. A sleep of run() ends then,
    // though one of on_startup() may have ended as well (A1).
    {event::started_to_drain,
     {starting_stop},
     draining,
     action::wake_waits | action::begin_run},
    {event::became_ready,
     {warming},
     stage::ready,
     action::announce_ready | action::disarm},
    // L8: a failed start.
    {event::startup_failed,
     {starting},
     closing,
     closing_down | action::note_failed},
    {event::startup_failed,
     {starting_stop},
     closing_stop,
     closing_down | action::note_failed},
    // L9, L11: a stop. What cleans up already goes on with it.
    {event::stop,
     {starting},
     starting_stop,
     action::wake_waits | action::arm_grace},
    {event::stop,
     {warming, stage::ready},
     draining,
     action::wake_waits | action::arm_grace},
    {event::stop, {closing}, closing_stop, action::none},
    // L12, L13: run() returns; before it is ready that is a failed start (L5).
    {event::run_returned,
     {warming},
     closing,
     closing_down | action::note_failed},
    {event::run_returned, {stage::ready}, closing, closing_down},
    {event::run_returned, {draining}, closing_stop, closing_down},
    // L14, L28, L29: run(), a handler or a child fails.
    {event::run_failed,
     {warming, stage::ready},
     closing,
     closing_down | action::note_failed},
    {event::run_failed,
     {draining},
     closing_stop,
     closing_down | action::note_failed},
    // L6: the start timeout. L16: the grace period. L18: the clean-up's budget.
    // L17: the force period.
    {event::deadline,
     {starting, warming},
     forcing,
     tear_down | action::note_failed},
    {event::deadline,
     {starting_stop, draining},
     forcing,
     tear_down | action::note_forced},
    {event::deadline, in_clean_up, cleanup_forcing,
     tear_down | action::note_forced},
    {event::deadline,
     {forcing, cleanup_forcing, killing},
     abandoned,
     last_resort},
    // L19: after_shutdown() does not return.
    {event::deadline, {stopped, force_stopped}, abandoned, last_resort},
    // L16: force at once.
    {event::force, in_startup, forcing, tear_down | action::note_forced},
    {event::force,
     {warming, stage::ready, draining},
     forcing,
     tear_down | action::note_forced},
    {event::force, in_clean_up, cleanup_forcing,
     tear_down | action::note_forced},
    // L18: before on_shutdown() has begun, either of them leaves it due.
    {event::join_overdue, in_clean_up, forcing,
     tear_down | action::note_forced},
    // L16 to L18: what was to go is gone.
    {event::destroyed, {forcing}, closing_forced, closing_down},
    {event::destroyed,
     {cleanup_forcing},
     stopped,
     the_end | action::note_forced},
    {event::destroyed, {killing}, stopped, the_end | action::note_cancelled},
    {event::destroyed, {abandoned}, {}, action::record_return},
    // L18: the clean-up is done.
    {event::closed, in_clean_up, stopped, the_end | action::note_normal},
    {event::close_failed, in_clean_up, stopped, the_end | action::note_failed},
    // L23: killed. What is being destroyed keeps its deadline.
    {event::kill, {created}, stopped, action::note_cancelled | action::finish},
    {event::kill,
     {starting, starting_stop, warming, stage::ready, draining, closing,
      closing_stop, closing_forced},
     killing,
     tear_down | action::note_cancelled},
    {event::kill,
     {forcing, cleanup_forcing},
     killing,
     action::note_cancelled | action::destroy_frame},
  };
}

/// Returns what `e` is to do in `s`, or nothing if the listing says it twice.
std::optional<step> expected(stage s, event e) {
  step result{s};
  auto found = 0;
  for (const auto& x : listing())
    for (auto in : x.in)
      if (x.on == e && in == s) {
        result = {x.next.value_or(s), x.actions};
        ++found;
      }
  return found < 2 ? std::optional{result} : std::nullopt;
}

// -- invariants ------------------------------------------------------------------

/// Feeds events and watches what must hold whatever comes in whatever order.
class watcher {
public:
  void feed(event e) {
    const auto from = life_.at();
    const auto known = life_.verdict();
    const auto due = life_.cleanup_due();
    const auto what = life_.feed(e);
    const auto to = life_.at();
    auto did = [what](action x) { return rules::has(what, x); };
    auto must = [&](bool holds, const char* rule) {
      if (!holds && broken_.empty())
        broken_ = std::string{rule} + ": " + std::string{to_string(e)} + " in "
                  + std::string{to_string(from)} + " leads to "
                  + std::string{to_string(to)};
    };
    // No way out of a final state, and nothing more to be done in it, unless
    // after_shutdown() does not return.
    const auto given_up = rules::is_final(from) && e == event::deadline
                          && from != stage::abandoned;
    if (given_up) {
      must(to == stage::abandoned, "after_shutdown() without an end");
      --ends_; // the first one was told to nobody
    } else if (rules::is_final(from)) {
      must(to == from, "a final stage was left");
      must(what == action::none || what == action::refuse_start
             || (what == action::record_return && from == stage::abandoned
                 && e == event::destroyed),
           "something is to be done after the end");
      must(life_.verdict() == known, "the verdict changed after the end");
    }
    // Exactly one end.
    if (did(action::finish) || did(action::abandon)) {
      must(++ends_ == 1, "a second end");
      must(rules::is_final(to), "an end that is none");
      must(life_.verdict() != verdict::open, "an end without a verdict");
    }
    must(rules::is_final(to) == (ends_ == 1), "a final stage without its end");
    // Each hook at most once, and in order.
    if (did(action::begin_startup))
      must(++startups_ == 1, "a second on_startup()");
    if (did(action::begin_run)) {
      must(++runs_ == 1, "a second run()");
      must(startups_ == 1 && closes_ == 0, "run() out of order");
      must(e == event::started || e == event::started_unready
             || e == event::started_to_drain,
           "run() before on_startup() was done");
      must(!stopped_ || e == event::started_to_drain, "run() after a stop");
    }
    if (e == event::join_overdue && to != from)
      --closes_; // it had not begun
    if (did(action::begin_close)) {
      must(++closes_ == 1, "a second clean-up");
      must(startups_ == 1, "a clean-up of nothing");
      must(!killed_, "a clean-up after a kill");
    }
    // on_shutdown() is due exactly if on_startup() succeeded.
    if (e == event::started || e == event::started_unready)
      succeeded_ = succeeded_ || from == stage::starting
                   || from == stage::starting_stop;
    if (e == event::started_to_drain)
      succeeded_ = succeeded_ || from == stage::starting_stop;
    must(life_.cleanup_due() == succeeded_, "on_shutdown() is due wrongly");
    must(!due || life_.cleanup_due(), "on_shutdown() was forgotten");
    if (did(action::announce_ready))
      must(++readies_ == 1 && to == stage::ready, "ready twice, or wrongly");
    // A failure is never lost, nor is a first reason ever hidden by another.
    if (known == verdict::failed || known == verdict::cancelled)
      must(life_.verdict() == known, "a verdict was lost");
    if (known == verdict::open && did(action::note_failed))
      must(life_.verdict() == verdict::failed, "a failure was lost");
    // What users see.
    const auto before = state_of(from);
    const auto after = state_of(to);
    must(after >= before
           || (before == worker_state::stopped
               && after == worker_state::stopped),
         "the state went back");
    must((after == worker_state::force_stopped)
           == (rules::is_final(to)
               && (to == stage::abandoned
                   || life_.verdict() == verdict::forced)),
         "force_stopped without a force, or the other way around");
    must(stop_asked(to) == (after == worker_state::stopping),
         "a stop that does not show");
    // An event that means nothing asks for nothing.
    stopped_ = stopped_ || stop_asked(to);
    killed_ = killed_ || (e == event::kill && to != from);
  }

  /// From wherever it is now, a force and the deadlines alone lead to the end.
  void bring_down() {
    if (life_.at() == stage::created)
      return;
    feed(event::force);
    for (int i = 0; i < 2 && !rules::is_final(life_.at()); ++i)
      feed(event::deadline);
    if (!rules::is_final(life_.at()) && broken_.empty())
      broken_ = "the deadlines do not end "
                + std::string{to_string(life_.at())};
  }

  [[nodiscard]] const std::string& broken() const {
    return broken_;
  }

  [[nodiscard]] stage at() const {
    return life_.at();
  }

private:
  lifecycle life_;
  std::string broken_;
  int startups_ = 0;
  int runs_ = 0;
  int closes_ = 0;
  int readies_ = 0;
  int ends_ = 0;
  bool succeeded_ = false;
  bool stopped_ = false;
  bool killed_ = false;
};

/// Returns which invariant the events break, or an empty string.
std::string broken_by(const std::vector<event>& events) {
  watcher w;
  for (auto e : events)
    w.feed(e);
  w.bring_down();
  return w.broken();
}

verdict merged(std::initializer_list<action> notes) {
  auto result = verdict::open;
  for (auto x : notes)
    result = merge(result, x);
  return result;
}

} // namespace

TEST_CASE("every cell of the lifecycle's table is as the semantics say") {
  for (auto s : all_stages)
    for (auto e : all_events) {
      INFO(to_string(e) << " in " << to_string(s));
      auto want = expected(s, e);
      REQUIRE(want);
      auto got = transition(s, e);
      CHECK(to_string(got.next) == to_string(want->next));
      CHECK(static_cast<unsigned>(got.actions)
            == static_cast<unsigned>(want->actions));
    }
}

TEST_CASE("what users see of each stage") {
  struct view {
    stage s;
    worker_state state;
    worker_phase phase;
  };
  using ws = worker_state;
  using wp = worker_phase;
  const view views[] = {
    {stage::created, ws::init, wp::created},
    {stage::starting, ws::running, wp::starting},
    {stage::starting_stop, ws::stopping, wp::starting},
    {stage::warming, ws::running, wp::starting},
    {stage::ready, ws::running, wp::ready},
    {stage::draining, ws::stopping, wp::draining},
    {stage::closing, ws::running, wp::cleaning_up},
    {stage::closing_stop, ws::stopping, wp::cleaning_up},
    {stage::forcing, ws::stopping, wp::draining},
    {stage::closing_forced, ws::stopping, wp::cleaning_up},
    {stage::cleanup_forcing, ws::stopping, wp::cleaning_up},
    {stage::killing, ws::stopping, wp::draining},
    {stage::stopped, ws::stopped, wp::done},
    {stage::force_stopped, ws::force_stopped, wp::done},
    {stage::abandoned, ws::force_stopped, wp::abandoned},
  };
  REQUIRE(std::size(views) == num_stages);
  for (auto& x : views) {
    INFO(to_string(x.s));
    CHECK(state_of(x.s) == x.state);
    CHECK(phase_of(x.s) == x.phase);
    CHECK(rules::is_closing(x.s)
          == (x.s == stage::closing || x.s == stage::closing_stop
              || x.s == stage::closing_forced));
    CHECK(stop_asked(x.s) == (x.state == ws::stopping));
    CHECK(rules::is_final(x.s) == troupe::is_final(x.state));
  }
}

TEST_CASE("states, phases, stages and events have names of their own") {
  CHECK(to_string(worker_state::init) == "init");
  CHECK(to_string(worker_state::running) == "running");
  CHECK(to_string(worker_state::stopping) == "stopping");
  CHECK(to_string(worker_state::stopped) == "stopped");
  CHECK(to_string(worker_state::force_stopped) == "force_stopped");
  CHECK(to_string(worker_phase::created) == "created");
  CHECK(to_string(worker_phase::starting) == "starting");
  CHECK(to_string(worker_phase::ready) == "ready");
  CHECK(to_string(worker_phase::draining) == "draining");
  CHECK(to_string(worker_phase::cleaning_up) == "cleaning_up");
  CHECK(to_string(worker_phase::backing_off) == "backing_off");
  CHECK(to_string(worker_phase::done) == "done");
  CHECK(to_string(worker_phase::abandoned) == "abandoned");
  auto distinct = [](const auto& xs) {
    for (std::size_t i = 0; i < xs.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (to_string(xs[i]).empty() || to_string(xs[i]) == to_string(xs[j]))
          return false;
    return true;
  };
  CHECK(distinct(all_stages));
  CHECK(distinct(all_events));
}

TEST_CASE("L14 no verdict hides a failure") {
  using enum action;
  CHECK(merged({}) == verdict::open);
  CHECK(merged({note_normal}) == verdict::normal);
  CHECK(merged({note_failed}) == verdict::failed);
  CHECK(merged({note_forced}) == verdict::forced);
  CHECK(merged({note_cancelled}) == verdict::cancelled);
  // Nothing at all, and actions that note nothing, change nothing.
  for (auto known : {verdict::open, verdict::normal, verdict::forced,
                     verdict::failed, verdict::cancelled}) {
    CHECK(merge(known, none) == known);
    CHECK(merge(known, begin_close | finish | disarm) == known);
  }
  // A failure and a cancelled end stay what they are.
  for (auto later : {note_normal, note_failed, note_forced, note_cancelled}) {
    CHECK(merged({note_failed, later}) == verdict::failed);
    CHECK(merged({note_cancelled, later}) == verdict::cancelled);
  }
  // A force is not taken back, and what fails in the clean-up comes second.
  CHECK(merged({note_forced, note_normal}) == verdict::forced);
  CHECK(merged({note_forced, note_failed}) == verdict::forced);
  CHECK(merged({note_forced, note_cancelled}) == verdict::cancelled);
}

TEST_CASE(
  "L29 a linked child fails its parent if it failed when it was ready") {
  CHECK(fails_parent(true, true, on_failure::fail_parent));
  CHECK_FALSE(fails_parent(false, true, on_failure::fail_parent));
  CHECK_FALSE(fails_parent(true, false, on_failure::fail_parent));
  CHECK_FALSE(fails_parent(true, true, on_failure::ignore));
}

TEST_CASE("the end resolves the final stage from the verdict") {
  auto end_of = [](std::initializer_list<event> events) {
    lifecycle x;
    for (auto e : events)
      x.feed(e);
    return std::pair{x.at(), x.verdict()};
  };
  using enum event;
  using std::pair;
  CHECK(end_of({start, started, run_returned, closed})
        == pair{stage::stopped, verdict::normal});
  CHECK(end_of({start, started, stop, run_returned, closed})
        == pair{stage::stopped, verdict::normal});
  CHECK(end_of({start, started, run_failed, closed})
        == pair{stage::stopped, verdict::failed});
  CHECK(end_of({start, startup_failed, closed})
        == pair{stage::stopped, verdict::failed});
  CHECK(end_of({start, started, run_returned, close_failed})
        == pair{stage::stopped, verdict::failed});
  CHECK(end_of({start, deadline, destroyed, closed})
        == pair{stage::stopped, verdict::failed});
  CHECK(end_of({start, stop, started_to_drain, run_returned, closed})
        == pair{stage::stopped, verdict::normal});
  CHECK(end_of({start, started, stop, deadline, destroyed, closed})
        == pair{stage::force_stopped, verdict::forced});
  CHECK(end_of({start, started, run_returned, deadline, destroyed})
        == pair{stage::force_stopped, verdict::forced});
  CHECK(end_of({start, started, run_failed, deadline, destroyed})
        == pair{stage::stopped, verdict::failed});
  CHECK(end_of({start, started, stop, deadline, deadline})
        == pair{stage::abandoned, verdict::forced});
  CHECK(end_of({start, started, kill, destroyed})
        == pair{stage::stopped, verdict::cancelled});
  CHECK(end_of({start, started, run_failed, kill, destroyed})
        == pair{stage::stopped, verdict::failed});
  CHECK(end_of({kill}) == pair{stage::stopped, verdict::cancelled});
}

TEST_CASE("no sequence of events breaks the lifecycle's invariants") {
  std::mt19937_64 random{20'240'901};
  std::vector<bool> reached(num_stages);
  for (int round = 0; round < 20'000; ++round) {
    watcher w;
    std::vector<event> events;
    const auto length = random() % 24;
    for (std::size_t i = 0; i < length; ++i) {
      // Half of the time an event that means something, to get deep.
      auto e = all_events[random() % num_events];
      for (int tries = 0;
           i % 2 == 0 && tries < 8 && transition(w.at(), e).next == w.at();
           ++tries)
        e = all_events[random() % num_events];
      w.feed(e);
      events.push_back(e);
      reached[static_cast<std::size_t>(w.at())] = true;
    }
    if (auto rule = broken_by(events); !rule.empty()) {
      std::string text;
      for (auto e : events)
        text += std::string{to_string(e)} + " ";
      FAIL(rule << "; after: " << text);
    }
  }
  // The walk was long enough to mean something.
  for (auto s : all_stages) {
    INFO(to_string(s));
    CHECK(reached[static_cast<std::size_t>(s)]);
  }
}

#ifdef TROUPE_HAS_RAPIDCHECK

TEST_CASE("no sequence of events that rapidcheck finds breaks them either") {
  CHECK(rc::check("the lifecycle's invariants", [] {
    const auto numbers = *rc::gen::container<std::vector<std::size_t>>(
      rc::gen::inRange(std::size_t{0}, num_events));
    std::vector<event> events{event::start};
    for (auto x : numbers)
      events.push_back(all_events[x]);
    RC_ASSERT(broken_by(events) == std::string{});
  }));
}

#endif
