// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Sequences of events that nobody thought of, against a model of the contract.
// A seed that fails is run again, alone and with all it does, by
//
//   TROUPE_SEED=<seed> supervision_property_test

#include "rules/supervision.hpp"
#include "support/supervision_model.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::rules;
using namespace std::chrono_literals;
using support::supervision_model;

namespace {

constexpr time_point t0{100h};

std::ostream& operator<<(std::ostream& out, const command& x) {
  static constexpr const char* names[]
    = {"start",       "stop",        "retire",     "forget",    "set_retry",
       "clear_retry", "group_ready", "group_ends", "group_over"};
  out << names[static_cast<int>(x.what)];
  if (x.who != no_child)
    out << ' ' << slot_of(x.who) << '.' << (x.who >> 32);
  if (x.when != never)
    out << " +" << (x.when - t0) / 1ms << "ms";
  return out;
}

std::string text(const std::vector<command>& xs) {
  std::ostringstream out;
  for (auto& x : xs)
    out << "[" << x << "] ";
  return out.str();
}

// -- what whoever carries out the commands may rely on ---------------------------

/// Sees only commands and what was done with them. It has no rules.
class watcher {
public:
  /// What a child is, for who carries out commands.
  struct state {
    bool active = false;
    bool told_to_stop = false;
    /// Retired, and nothing since.
    bool final = false;
  };

  std::map<child_id, state> children;
  /// Those that have something left to finish.
  const std::set<child_id>* laden = nullptr;
  /// Retries that were asked for.
  std::map<child_id, time_point> retries;
  bool over = false;

  void added(child_id who) {
    children.emplace(who, state{});
    require(known_.insert(who).second, "an id was used twice");
  }

  void deleted(child_id who) {
    children.erase(who);
  }

  void ended(child_id who) {
    children.at(who).active = false;
  }

  /// A stopped child takes part in a group restart.
  void planned(child_id who) {
    children.at(who).final = false;
  }

  void obey(const std::vector<command>& xs) {
    for (auto& x : xs)
      obey(x);
  }

  [[nodiscard]] std::size_t active() const {
    return static_cast<std::size_t>(
      std::count_if(children.begin(), children.end(),
                    [](auto& x) { return x.second.active; }));
  }

  /// What is wrong, or nothing.
  [[nodiscard]] const std::string& broken() const {
    return broken_;
  }

  void require(bool holds, const char* rule) {
    if (!holds && broken_.empty())
      broken_ = rule;
  }

private:
  void obey(const command& x) {
    require(!over, "something comes after group_over");
    switch (x.what) {
      case command_kind::start:
        start(x.who);
        break;
      case command_kind::stop:
        stop(x.who);
        break;
      case command_kind::retire:
      case command_kind::forget:
        finish(x);
        break;
      case command_kind::set_retry:
        require(!ends_, "a retry is planned after the end");
        retries[x.who] = x.when;
        break;
      case command_kind::clear_retry:
        require(retries.erase(x.who) == 1,
                "a retry is cleared that is not set");
        break;
      case command_kind::group_ready:
        require(!std::exchange(ready_, true), "group_ready comes twice");
        break;
      case command_kind::group_ends:
        require(!std::exchange(ends_, true), "group_ends comes twice");
        break;
      case command_kind::group_over:
        group_over();
        break;
    }
  }

  void start(child_id who) {
    require(!ends_ || laden->count(who) == 1,
            "a child is started after the end, with nothing to finish");
    require(children.count(who) == 1, "an unknown child is started");
    auto& x = children[who];
    require(!x.active, "a child is started while it is active");
    require(retries.count(who) == 0, "a child is started that has a retry");
    x = {.active = true};
  }

  void stop(child_id who) {
    require(children.count(who) == 1, "an unknown child is stopped");
    auto& x = children[who];
    require(x.active, "a child is stopped that is not active");
    require(!x.told_to_stop, "a child is stopped twice");
    x.told_to_stop = true;
  }

  void finish(const command& x) {
    require(children.count(x.who) == 1, "an unknown child is retired");
    auto& child = children[x.who];
    require(!child.active, "a child is retired while it is active");
    require(!child.final, "a child is retired twice");
    require(retries.count(x.who) == 0, "a child is retired that has a retry");
    child.final = true;
    if (x.what == command_kind::forget)
      children.erase(x.who);
  }

  void group_over() {
    over = true;
    for (auto& [who, x] : children)
      require(x.final && !x.active, "a child is lost at the end");
    require(retries.empty(), "a retry is left at the end");
  }

  /// All children that ever were.
  std::set<child_id> known_;
  bool ready_ = false;
  bool ends_ = false;
  std::string broken_;
};

// -- one supervisor, its model and its surroundings -------------------------------

enum class deed {
  ready,
  fail,
  end,
  terminate,
  start_again,
  restart,
  remove,
  retry_now,
  due
};

/// Something that can happen to a child, or to the group (`due`).
struct event {
  deed what;
  child_id who;
};

class trial {
public:
  trial(const group_rules& rules, std::uint64_t seed, bool loud = false)
    : machine_(rules, seed), model_(rules), rules_(rules), loud_(loud) {
    watch_.laden = &model_.laden;
    machine_.ask_what_is_left(
      [this](child_id who) { return model_.laden.count(who) == 1; });
  }

  trial(const trial&) = delete;

  trial& operator=(const trial&) = delete;

  /// From now on a child has something left to finish, or has not.
  void burden(child_id who, bool yes) {
    note(yes ? "has something left" : "has nothing left", who);
    if (yes)
      model_.laden.insert(who);
    else
      model_.laden.erase(who);
  }

  [[nodiscard]] std::string broken() const {
    return watch_.broken().empty() ? different_ : watch_.broken();
  }

  [[nodiscard]] bool over() const {
    return watch_.over;
  }

  [[nodiscard]] group_stage at() const {
    return machine_.at();
  }

  [[nodiscard]] group_end end() const {
    return machine_.end();
  }

  [[nodiscard]] std::vector<child_id> all() const {
    return machine_.children();
  }

  [[nodiscard]] child_stage stage(child_id who) const {
    return machine_.at(who);
  }

  void add(const child_rules& rules) {
    const auto who = machine_.add(rules);
    watch_.added(who);
    model_.add(who, rules);
  }

  void start() {
    note("start");
    machine_.start(now_);
    model_.start(now_);
    compare();
  }

  void ready(child_id who) {
    note("ready", who);
    machine_.child_ready(who, now_);
    model_.child_ready(who, now_);
    compare();
  }

  void ended(child_id who, child_end how) {
    note(how == child_end::failed ? "failed" : "ended", who);
    if (watch_.children.count(who) == 1)
      watch_.ended(who);
    machine_.child_ended(who, how, now_);
    model_.child_ended(who, how, now_);
    compare();
  }

  void retry_due(child_id who) {
    note("retry due", who);
    watch_.retries.erase(who);
    machine_.retry_due(who, now_);
    model_.retry_due(who, now_);
    compare();
  }

  /// A retry that was cleared or replaced, but was on its way already.
  void stray_retry(child_id who) {
    note("stray retry", who);
    const auto set = watch_.retries.find(who);
    if (set != watch_.retries.end() && set->second <= now_)
      watch_.retries.erase(set);
    machine_.retry_due(who, now_);
    model_.retry_due(who, now_);
    compare();
  }

  void stop() {
    note("stop");
    machine_.stop(now_);
    model_.stop(now_);
    compare();
  }

  void hurry() {
    if (machine_.at() != group_stage::stopping)
      return;
    note("hurry");
    machine_.hurry(now_);
    model_.hurry(now_);
    compare();
  }

  void start_child(const child_rules& rules) {
    note("start child");
    const auto expected = model_.may_start_child();
    agree(machine_.may_start_child() == expected,
          "whether start_child would be refused");
    const auto result = machine_.start_child(rules);
    agree(result.why_not == expected, "why start_child is refused");
    if (result.why_not == refusal::none) {
      watch_.added(result.who);
      model_.started(result.who, rules, now_);
    }
    compare();
  }

  void terminate(child_id who) {
    note("terminate", who);
    machine_.terminate_child(who, now_);
    model_.terminate_child(who, now_);
    compare();
  }

  void start_again(child_id who) {
    note("start again", who);
    const auto result = machine_.start_again(who);
    agree(result == model_.start_again(who, now_),
          "why start_again is refused");
    compare();
  }

  void restart(child_id who) {
    note("restart", who);
    const auto result = machine_.restart_child(who, now_);
    agree(result == model_.restart_child(who, now_),
          "why restart_child is refused");
    compare();
  }

  void remove(child_id who) {
    note("delete", who);
    const auto result = machine_.delete_child(who);
    agree(result == model_.delete_child(who), "why delete_child is refused");
    if (result == refusal::none)
      watch_.deleted(who);
    compare();
  }

  void retry_now(child_id who) {
    note("retry now", who);
    const auto result = machine_.retry_now(who, now_);
    agree(result == model_.retry_now(who, now_), "what retry_now returns");
    compare();
  }

  void mark_healthy(child_id who) {
    note("mark healthy", who);
    machine_.mark_healthy(who);
    model_.mark_healthy(who);
    compare();
  }

  /// What follows is known to be right, and not compared.
  void trust(bool yes) {
    trusted_ = yes;
  }

  void pass(timespan length) {
    now_ += length;
  }

  /// The retry that is due first happens, if there is one.
  bool pass_to_retry() {
    const auto first
      = std::min_element(watch_.retries.begin(), watch_.retries.end(),
                         [](auto& x, auto& y) { return x.second < y.second; });
    if (first == watch_.retries.end())
      return false;
    now_ = std::max(now_, first->second);
    retry_due(first->first);
    return true;
  }

  void happens(const event& e) {
    switch (e.what) {
      case deed::ready:
        ready(e.who);
        break;
      case deed::fail:
        ended(e.who, child_end::failed);
        break;
      case deed::end:
        ended(e.who, child_end::normal);
        break;
      case deed::terminate:
        terminate(e.who);
        break;
      case deed::start_again:
        start_again(e.who);
        break;
      case deed::restart:
        restart(e.who);
        break;
      case deed::remove:
        remove(e.who);
        break;
      case deed::retry_now:
        retry_now(e.who);
        break;
      case deed::due:
        pass_to_retry();
        break;
    }
  }

  /// All that can happen and means something.
  [[nodiscard]] std::vector<event> possible() const {
    std::vector<event> result;
    for (auto who : all()) {
      const auto at = stage(who);
      if (at == child_stage::starting)
        result.push_back({deed::ready, who});
      if (watch_.children.at(who).active) {
        result.push_back({deed::fail, who});
        // Told to stop, or not ready: how it ended does not matter, unless
        // something is left.
        if (at == child_stage::running || model_.laden.count(who) == 1)
          result.push_back({deed::end, who});
      }
      if (at != child_stage::stopping && at != child_stage::stopped)
        result.push_back({deed::terminate, who});
      if (at == child_stage::backing_off)
        result.push_back({deed::retry_now, who});
      if (at == child_stage::stopped && this->at() == group_stage::running) {
        result.push_back({deed::start_again, who});
        result.push_back({deed::remove, who});
      }
      if (at == child_stage::running && this->at() == group_stage::running)
        result.push_back({deed::restart, who});
    }
    if (!watch_.retries.empty())
      result.push_back({deed::due, no_child});
    return result;
  }

  /// From now on all goes well: in the end all must be running, or over.
  void settle() {
    for (int i = 0; i < 1'000 && broken().empty() && go_on(); ++i) {
      // nop
    }
    if (!broken().empty())
      return;
    agree(at() == group_stage::created || at() == group_stage::running
            || at() == group_stage::stopped,
          "that it comes to rest");
    for (auto who : all()) {
      const auto rests = stage(who) == child_stage::running
                         || stage(who) == child_stage::stopped
                         || at() == group_stage::created;
      agree(rests, "that a child comes to rest");
    }
  }

private:
  /// The next thing that happens if all goes well; `false` if nothing does.
  bool go_on() {
    for (auto who : all())
      if (stage(who) == child_stage::stopping) {
        ended(who, child_end::normal);
        return true;
      }
    for (auto who : all())
      if (stage(who) == child_stage::starting) {
        ready(who);
        return true;
      }
    return pass_to_retry();
  }

  void compare() {
    const auto got = machine_.take();
    const auto want = model_.take();
    if (loud_)
      std::cout << "    " << text(got) << '\n' << std::flush;
    watch_.obey(got);
    if (!trusted_) {
      if (got != want)
        agree(false,
              "what is to be done: " + text(got) + "instead of " + text(want));
      compare_group();
      compare_children();
      look_for_a_dead_end();
    }
    for (auto& x : model_.children)
      if (x.stage == child_stage::planned)
        watch_.planned(x.id);
  }

  void compare_group() {
    agree(machine_.at() == model_.at, "the stage of the group");
    agree(machine_.end() == model_.end, "why the group ends");
    agree(machine_.blamed() == model_.blamed, "who is to blame");
    agree(machine_.recent_restarts(now_) == model_.recent(now_),
          "how many restarts count");
  }

  void compare_children() {
    const auto counts = machine_.counts();
    agree(counts.specs == model_.children.size(), "the number of specs");
    agree(counts.active == watch_.active(), "the number of active children");
    agree(counts.active == model_.active(), "the number of active children");
    agree(counts.ready
            == static_cast<std::size_t>(std::count_if(
              model_.children.begin(), model_.children.end(),
              [](const auto& x) { return x.stage == child_stage::running; })),
          "the number of ready children");
    const auto ids = machine_.children();
    if (ids.size() != model_.children.size())
      return;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      auto& x = model_.children[i];
      agree(x.id == ids[i], "the order of children");
      agree(machine_.contains(ids[i]) && machine_.at(ids[i]) == x.stage,
            "the stage of a child");
      agree(machine_.restarts(ids[i]) + 1
              == static_cast<std::uint64_t>(std::max(x.starts, 1)),
            "how many times a child was restarted");
      agree(x.stage != child_stage::backing_off || !retry_is_set(x.id)
              || machine_.next_retry(x.id) == retry_of(x.id),
            "when the next retry is");
    }
  }

  bool retry_is_set(child_id who) const {
    return watch_.retries.count(who) + watch_.retries.count(no_child) > 0
           && at() != group_stage::stopping;
  }

  time_point retry_of(child_id who) const {
    const auto i = watch_.retries.find(who);
    return i != watch_.retries.end() ? i->second : watch_.retries.at(no_child);
  }

  /// Something must be able to happen that brings the supervisor on.
  void look_for_a_dead_end() {
    const auto stage = at();
    if (stage == group_stage::created || over())
      return;
    agree(stage != group_stage::pausing || watch_.retries.count(no_child) == 1,
          "that it waits for a retry while it pauses");
    for (auto who : all()) {
      if (machine_.at(who) == child_stage::backing_off
          && (rules_.strategy == strategy::one_for_one
              || rules_.strategy == strategy::dynamic))
        agree(watch_.retries.count(who) == 1,
              "that a child that backs off has a retry");
      if (machine_.at(who) == child_stage::starting
          || machine_.at(who) == child_stage::stopping)
        return;
    }
    agree(stage == group_stage::running || stage == group_stage::pausing,
          "that there is a next event");
  }

  void agree(bool holds, std::string_view on) {
    if (!holds && different_.empty())
      different_ = "it does not agree on " + std::string{on};
  }

  void note(const char* what, child_id who = no_child) {
    if (!loud_)
      return;
    std::cout << "+" << (now_ - t0) / 1ms << "ms " << what;
    if (who != no_child)
      std::cout << ' ' << slot_of(who) << '.' << (who >> 32);
    std::cout << '\n' << std::flush;
  }

  supervision machine_;
  supervision_model model_;
  group_rules rules_;
  bool loud_;
  bool trusted_ = false;
  watcher watch_;
  std::string different_;
  time_point now_ = t0;
};

// -- all sequences ---------------------------------------------------------------

constexpr strategy strategies[] = {strategy::one_for_one, strategy::one_for_all,
                                   strategy::rest_for_one, strategy::stop_all,
                                   strategy::dynamic};

using family = std::vector<child_rules>;

child_rules plain(restart type) {
  return {.restart = type};
}

child_rules patient() {
  return {.restart = restart::transient,
          .backoff = {.initial = 1s, .jitter = 0.0}};
}

/// Feeds the choices in turn, each an index into what is possible then. All but
/// the last one were tried before.
/// @returns How many there are to choose from after them.
std::size_t replay(trial& x, const family& children,
                   const std::vector<std::size_t>& choices, bool all_ready,
                   bool all_laden) {
  x.trust(!choices.empty());
  for (auto& rules : children)
    x.add(rules);
  for (auto who : x.all())
    x.burden(who, all_laden);
  x.start();
  if (all_ready)
    x.settle();
  for (std::size_t i = 0; i < choices.size(); ++i) {
    x.trust(i + 1 < choices.size());
    const auto possible = x.possible();
    if (choices[i] < possible.size())
      x.happens(possible[choices[i]]);
    else
      x.stop();
  }
  if (x.over())
    return 0;
  // The last choice is a stop.
  const auto can_stop = x.at() != group_stage::stopping;
  return x.possible().size() + (can_stop ? 1 : 0);
}

struct search {
  group_rules rules;
  family children;
  bool all_ready;
  bool all_laden;
  std::size_t depth;
  std::size_t visited = 0;
  std::string broken = {};

  void run(std::vector<std::size_t>& choices) {
    trial x{rules, 1};
    const auto next = replay(x, children, choices, all_ready, all_laden);
    ++visited;
    if (choices.size() == depth || next == 0)
      x.settle();
    if (!x.broken().empty()) {
      broken = x.broken();
      tell(choices);
      return;
    }
    if (choices.size() == depth)
      return;
    for (std::size_t i = 0; i < next && broken.empty(); ++i) {
      choices.push_back(i);
      run(choices);
      choices.pop_back();
    }
  }

  void tell(const std::vector<std::size_t>& choices) const {
    std::cout << to_string(rules.strategy) << " with " << children.size()
              << " children: " << broken << '\n'
              << std::flush;
    trial x{rules, 1, true};
    replay(x, children, choices, all_ready, all_laden);
    x.settle();
  }
};

// -- random sequences --------------------------------------------------------------

class random_trial {
public:
  random_trial(std::uint64_t seed, bool loud)
    : random_(seed), trial_(any_group(), seed, loud) {
    // nop
  }

  /// What was seen on the way.
  [[nodiscard]] const std::set<group_stage>& stages() const {
    return stages_;
  }

  [[nodiscard]] group_end end() const {
    return trial_.end();
  }

  std::string run() {
    const auto size = below(7);
    for (std::size_t i = 0; i < size; ++i)
      trial_.add(any_child());
    if (size > 0 && chance(20))
      trial_.terminate(trial_.all()[below(size)]);
    trial_.start();
    if (chance(2))
      trial_.settle();
    const auto length = 1 + below(60);
    for (std::size_t i = 0; i < length && trial_.broken().empty(); ++i)
      step();
    if (chance(2))
      trial_.settle();
    trial_.stop();
    if (chance(3))
      trial_.hurry();
    trial_.settle();
    if (trial_.broken().empty() && !trial_.over())
      return "it is not over at the end";
    return trial_.broken();
  }

private:
  std::size_t below(std::size_t limit) {
    return static_cast<std::size_t>(random_() % limit);
  }

  bool chance(std::size_t one_in) {
    return below(one_in) == 0;
  }

  group_rules any_group() {
    group_rules result;
    result.strategy = strategies[below(std::size(strategies))];
    result.intensity = {static_cast<int>(below(5)), 1s * (1 + below(8))};
    result.auto_shutdown = static_cast<auto_shutdown>(below(5));
    result.concurrent = chance(3);
    result.window = 1 + below(3);
    if (result.strategy == strategy::dynamic)
      result.max_children = 3 + below(6);
    group_ = result;
    return result;
  }

  child_rules any_child() {
    child_rules result;
    result.restart = static_cast<restart>(below(3));
    if (chance(3))
      result.backoff = {.initial = 500ms * (1 + below(4)),
                        .max = 6s,
                        .jitter = 0.0,
                        .reset_after = 1s * below(5)};
    if (chance(4))
      result.give_up_after = {1 + static_cast<int>(below(3)),
                              1s * (1 + below(6))};
    result.on_give_up = chance(2) ? on_give_up::escalate
                                  : on_give_up::leave_stopped;
    result.significant = (result.restart != restart::permanent
                          || counts_stops(group_.auto_shutdown))
                         && group_.auto_shutdown != auto_shutdown::never
                         && chance(3);
    return result;
  }

  void step() {
    stages_.insert(trial_.at());
    if (const auto ids = trial_.all(); !ids.empty() && chance(6))
      trial_.burden(ids[below(ids.size())], chance(2));
    if (chance(4))
      trial_.pass(100ms * below(15));
    const auto possible = trial_.possible();
    const auto kind = below(100);
    if (kind < 78 && !possible.empty())
      likely(possible);
    else if (kind < 84)
      trial_.start_child(any_child());
    else if (kind < 96)
      unlikely();
    else if (kind < 97)
      trial_.stop();
    else
      trial_.hurry();
  }

  /// What means something; ends and answers more often than calls.
  void likely(const std::vector<event>& possible) {
    auto e = possible[below(possible.size())];
    if (e.what == deed::terminate || (e.what == deed::end && chance(2)))
      e = possible[below(possible.size())];
    trial_.happens(e);
  }

  /// Calls, whether they mean something or not, and what comes too late.
  void unlikely() {
    const auto ids = trial_.all();
    if (ids.empty())
      return;
    const auto who = chance(5) ? child_id{below(9)} : ids[below(ids.size())];
    const auto known = std::count(ids.begin(), ids.end(), who) == 1;
    switch (below(9)) {
      case 0:
        if (known)
          trial_.terminate(who);
        break;
      case 8:
        if (known)
          trial_.start_again(who);
        break;
      case 1:
        if (known)
          trial_.restart(who);
        break;
      case 2:
        if (known)
          trial_.remove(who);
        break;
      case 3:
        trial_.retry_now(who);
        break;
      case 4:
        trial_.mark_healthy(who);
        break;
      case 5:
        trial_.ready(who);
        break;
      case 6:
        late_end(who);
        break;
      default:
        trial_.stray_retry(chance(3) ? no_child : who);
        break;
    }
  }

  void late_end(child_id who) {
    const auto ids = trial_.all();
    const auto known = std::count(ids.begin(), ids.end(), who) == 1;
    const auto inactive = !known || trial_.stage(who) == child_stage::stopped
                          || trial_.stage(who) == child_stage::planned
                          || trial_.stage(who) == child_stage::backing_off;
    if (inactive)
      trial_.ended(who, child_end::failed);
  }

  std::mt19937_64 random_;
  std::set<group_stage> stages_;
  group_rules group_;
  trial trial_;
};

} // namespace

TEST_CASE("all short sequences of events keep to the contract") {
  const auto p = plain(restart::permanent);
  const auto t = plain(restart::transient);
  const auto once = plain(restart::temporary);
  const std::vector<family> families = {
    {},
    {p},
    {t},
    {once},
    {patient()},
    {p, t},
    {once, p},
    {p, once},
    {patient(), p},
    {patient(), patient()},
    {p, p, p},
    {t, once, p},
    {p, patient(), t},
  };
  constexpr std::size_t deep = 5;
  std::size_t visited = 0;
  for (auto s : strategies)
    for (auto& children : families)
      for (auto how = 0; how < (children.size() < 3 ? 4 : 2); ++how) {
        const auto all_ready = how % 2 == 1;
        search x{
          .rules = {.strategy = s, .intensity = {2, 5s}},
          .children = children,
          .all_ready = all_ready,
          .all_laden = how >= 2,
          .depth = children.size() + (all_ready ? 0 : 1) < 3 ? deep : deep - 1,
        };
        std::vector<std::size_t> choices;
        x.run(choices);
        visited += x.visited;
        REQUIRE(x.broken == "");
      }
  // The search was wide enough to mean something.
  CHECK(visited > 20'000);
}

TEST_CASE("all sequences that were tried keep to the contract") {
  if (const auto* seed = std::getenv("TROUPE_SEED")) {
    random_trial x{std::strtoull(seed, nullptr, 10), true};
    CHECK(x.run() == "");
    return;
  }
  std::set<group_stage> stages;
  std::set<group_end> ends;
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    random_trial x{seed, false};
    if (auto broken = x.run(); !broken.empty())
      FAIL(broken << "; to see it, set TROUPE_SEED=" << seed);
    stages.insert(x.stages().begin(), x.stages().end());
    ends.insert(x.end());
  }
  // They came everywhere: but for created, to all stages, and to all ends.
  CHECK(stages.size() == 7);
  CHECK(ends.size() == 5);
}
