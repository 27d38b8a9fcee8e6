// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/supervision.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::rules;
using namespace std::chrono_literals;

namespace {

constexpr time_point t0{100h};

constexpr child_rules permanent = {.restart = restart::permanent};
constexpr child_rules transient = {.restart = restart::transient};
constexpr child_rules temporary = {.restart = restart::temporary};

constexpr restart_backoff steady = {.initial = 1s, .jitter = 0.0};

constexpr child_rules patient = {.backoff = steady};

/// A supervisor whose children are called a, b, c ... in the order in which
/// they came. What it wants is told in words: "stop b", "retry c in 1000ms".
class scene {
public:
  scene(const group_rules& rules, std::initializer_list<child_rules> children)
    : machine_(rules, 1) {
    for (auto& x : children)
      ids_.push_back(machine_.add(x));
  }

  scene(strategy how, std::initializer_list<child_rules> children)
    : scene(group_rules{.strategy = how}, children) {
    // nop
  }

  /// Starts all, and all are ready.
  scene& begin() {
    machine_.start(now_);
    for (auto x : ids_)
      machine_.child_ready(x, now_);
    (void) told();
    return *this;
  }

  std::string start() {
    machine_.start(now_);
    return told();
  }

  std::string ready(char who) {
    machine_.child_ready(id(who), now_);
    return told();
  }

  std::string fails(char who) {
    machine_.child_ended(id(who), child_end::failed, now_);
    return told();
  }

  /// Ends, normally; or as it was told.
  std::string ends(char who) {
    machine_.child_ended(id(who), child_end::normal, now_);
    return told();
  }

  std::string forced(char who) {
    machine_.child_ended(id(who), child_end::forced, now_);
    return told();
  }

  /// From now on these have something left to finish.
  void laden(std::string who) {
    machine_.ask_what_is_left([this, who = std::move(who)](child_id x) {
      return who.find(name(x)) != std::string::npos;
    });
  }

  std::string due(char who) {
    machine_.retry_due(id(who), now_);
    return told();
  }

  std::string stop() {
    machine_.stop(now_);
    return told();
  }

  std::string hurry() {
    machine_.hurry(now_);
    return told();
  }

  std::string start_child(const child_rules& rules) {
    const auto result = machine_.start_child(rules);
    if (result.why_not != refusal::none)
      return refused(result.why_not);
    ids_.push_back(result.who);
    return told();
  }

  std::string terminate(char who) {
    machine_.terminate_child(id(who), now_);
    return told();
  }

  std::string start_again(char who) {
    const auto why_not = machine_.start_again(id(who));
    return why_not == refusal::none ? told() : refused(why_not);
  }

  std::string restart(char who) {
    const auto why_not = machine_.restart_child(id(who), now_);
    return why_not == refusal::none ? told() : refused(why_not);
  }

  std::string remove(char who) {
    const auto why_not = machine_.delete_child(id(who));
    return why_not == refusal::none ? told() : refused(why_not);
  }

  std::string retry_now(char who) {
    return machine_.retry_now(id(who), now_) ? told() : "none";
  }

  /// Fails, and is ready again at once.
  std::string fails_once(char who) {
    auto result = fails(who);
    machine_.child_ready(id(who), now_);
    return result + told();
  }

  void pass(timespan length) {
    now_ += length;
  }

  /// `-` is no child.
  [[nodiscard]] child_id id(char who) const {
    return who == '-' ? no_child : ids_.at(static_cast<std::size_t>(who - 'a'));
  }

  [[nodiscard]] child_stage at(char who) const {
    return machine_.at(id(who));
  }

  [[nodiscard]] group_stage at() const {
    return machine_.at();
  }

  /// The names of all children, in order.
  [[nodiscard]] std::string children() const {
    std::string result;
    for (auto x : machine_.children())
      result += name(x);
    return result;
  }

  [[nodiscard]] time_point now() const {
    return now_;
  }

  supervision& machine() {
    return machine_;
  }

private:
  [[nodiscard]] char name(child_id who) const {
    // An id that is used again belongs to the child that came last.
    for (auto i = ids_.size(); i > 0; --i)
      if (ids_[i - 1] == who)
        return static_cast<char>('a' + static_cast<char>(i - 1));
    // One that is starting, and not named yet.
    return static_cast<char>('a' + static_cast<char>(ids_.size()));
  }

  std::string told() {
    std::string result;
    for (auto& x : machine_.take())
      result += (result.empty() ? "" : ", ") + words(x);
    return result;
  }

  [[nodiscard]] std::string words(const command& x) const {
    static constexpr const char* verbs[] = {"start ",  "stop ",     "retire ",
                                            "forget ", "retry ",    "no retry ",
                                            "ready",   "ends for ", "over"};
    std::string result = verbs[static_cast<int>(x.what)];
    if (x.what == command_kind::group_ready
        || x.what == command_kind::group_over)
      return result;
    result += x.who == no_child ? std::string{"group"}
                                : std::string{name(x.who)};
    if (x.what == command_kind::set_retry)
      result += " in " + std::to_string((x.when - now_) / 1ms) + "ms";
    return result;
  }

  static std::string refused(refusal x) {
    static constexpr const char* names[]
      = {"",       "busy",       "stopping",   "running",
         "ending", "restarting", "lives once", "too many children"};
    return names[static_cast<int>(x)];
  }

  supervision machine_;
  std::vector<child_id> ids_;
  time_point now_ = t0;
};

group_rules intensity(int max, strategy how = strategy::one_for_one) {
  return {.strategy = how, .intensity = {max, 5s}};
}

group_rules concurrent(strategy how, std::size_t window) {
  return {.strategy = how, .concurrent = true, .window = window};
}

constexpr auto for_one = strategy::one_for_one;
constexpr auto for_all = strategy::one_for_all;
constexpr auto rest = strategy::rest_for_one;

constexpr strategy all_strategies[] = {for_one, for_all, rest,
                                       strategy::stop_all, strategy::dynamic};

} // namespace

// -- restart types and strategies -----------------------------------------------

TEST_CASE("S the restart type and the way a child ended decide") {
  struct cell {
    child_rules rules;
    const char* after_normal_end;
    const char* after_failure;
  };
  const cell cells[] = {
    {permanent, "start a", "start a"},
    {transient, "retire a", "start a"},
    {temporary, "forget a", "forget a"},
  };
  for (auto& x : cells) {
    INFO(to_string(x.rules.restart));
    CHECK(scene(for_one, {x.rules}).begin().ends('a') == x.after_normal_end);
    CHECK(scene(for_one, {x.rules}).begin().fails('a') == x.after_failure);
  }
}

TEST_CASE("S one_for_one restarts that child only") {
  scene x{for_one, {permanent, permanent, permanent}};
  x.begin();
  CHECK(x.fails('b') == "start b");
  CHECK(x.at() == group_stage::running);
  CHECK(x.at('a') == child_stage::running);
  CHECK(x.at('b') == child_stage::starting);
  CHECK(x.ready('b') == "");
  CHECK(x.children() == "abc");
}

TEST_CASE("S one_for_all stops the others in reverse and starts all in order") {
  scene x{for_all, {permanent, permanent, permanent}};
  x.begin();
  CHECK(x.fails('b') == "stop c");
  CHECK(x.at() == group_stage::unwinding);
  CHECK(x.at('b') == child_stage::planned);
  CHECK(x.ends('c') == "stop a");
  CHECK(x.ends('a') == "start a");
  CHECK(x.at() == group_stage::rewinding);
  CHECK(x.ready('a') == "start b");
  CHECK(x.ready('b') == "start c");
  CHECK(x.ready('c') == "");
  CHECK(x.at() == group_stage::running);
}

TEST_CASE("S rest_for_one leaves alone those before the one that failed") {
  scene x{rest, {permanent, permanent, permanent, permanent}};
  x.begin();
  CHECK(x.fails('b') == "stop d");
  CHECK(x.ends('d') == "stop c");
  CHECK(x.ends('c') == "start b");
  CHECK(x.ready('b') == "start c");
  CHECK(x.ready('c') == "start d");
  CHECK(x.ready('d') == "");
  CHECK(x.at('a') == child_stage::running);
  CHECK(x.machine().restarts(x.id('a')) == 0);
  CHECK(x.machine().restarts(x.id('d')) == 1);
}

TEST_CASE("S stop_all stops the group where another strategy would restart") {
  scene x{strategy::stop_all, {permanent, transient, temporary, transient}};
  x.begin();
  CHECK(x.fails('c') == "forget c");
  CHECK(x.ends('b') == "retire b");
  CHECK(x.at() == group_stage::running);
  CHECK(x.fails('d') == "retire d, ends for d, stop a");
  CHECK(x.machine().end() == group_end::child_ended);
  CHECK(x.machine().blamed() == x.id('d'));
  CHECK(x.ends('a') == "retire a, over");
}

TEST_CASE("S dynamic restarts each alone and stops all at once") {
  scene x{strategy::dynamic, {permanent, permanent, permanent}};
  CHECK(x.start() == "start a, start b, start c");
  CHECK(x.ready('c') == "");
  CHECK(x.ready('a') == "");
  CHECK(x.ready('b') == "ready");
  CHECK(x.fails('a') == "start a");
  CHECK(x.stop() == "stop c, stop b, stop a");
  // There can be very many, of which nobody needs a spec any more.
  CHECK(x.ends('b') == "forget b");
  CHECK(x.ends('c') == "forget c");
  CHECK(x.machine().children() == std::vector{x.id('a')});
  CHECK(x.ends('a') == "forget a, over");
  CHECK(x.machine().children().empty());
}

// -- start and stop --------------------------------------------------------------

TEST_CASE("S2 children start one after another, each ready before the next") {
  for (auto how : {for_one, for_all, rest, strategy::stop_all}) {
    INFO(to_string(how));
    scene x{how, {permanent, permanent, permanent}};
    CHECK(x.at('a') == child_stage::planned);
    CHECK(x.start() == "start a");
    CHECK(x.start() == "");
    CHECK(x.at() == group_stage::starting);
    CHECK(x.ready('a') == "start b");
    CHECK(x.ready('b') == "start c");
    CHECK(x.ready('c') == "ready");
    CHECK(x.at() == group_stage::running);
  }
}

TEST_CASE("S2 a supervisor without children is ready at once") {
  for (auto how : all_strategies) {
    scene x{how, {}};
    CHECK(x.start() == "ready");
    CHECK(x.stop() == "over");
  }
}

TEST_CASE("S2 a concurrent group starts in a window") {
  scene x{concurrent(for_one, 2), {permanent, permanent, permanent, permanent}};
  CHECK(x.start() == "start a, start b");
  CHECK(x.ready('b') == "start c");
  CHECK(x.ready('c') == "start d");
  CHECK(x.ready('d') == "");
  CHECK(x.ready('a') == "ready");
}

TEST_CASE("S3 a first start that fails ends the start, without a restart") {
  for (auto how : all_strategies) {
    INFO(to_string(how));
    auto rules = concurrent(how, 1);
    rules.concurrent = false;
    scene x{rules, {permanent, permanent, permanent, permanent}};
    x.start();
    x.ready('a');
    x.ready('b');
    const std::string retire = how == strategy::dynamic ? "forget" : "retire";
    CHECK(x.fails('c') == "retire c, ends for c, " + retire + " d, stop b");
    CHECK(x.machine().end() == group_end::start_failed);
    CHECK(x.machine().blamed() == x.id('c'));
    CHECK(x.ends('b') == retire + " b, stop a");
    CHECK(x.ends('a') == retire + " a, over");
    CHECK(x.at() == group_stage::stopped);
  }
}

TEST_CASE("S3 to end normally before being ready is a start that failed") {
  scene x{for_one, {transient}};
  x.start();
  CHECK(x.ends('a') == "retire a, ends for a, over");
  scene y{for_one, {temporary}};
  y.start();
  CHECK(y.ends('a') == "forget a, ends for a, over");
  CHECK(y.machine().end() == group_end::start_failed);
}

TEST_CASE("S3 it is the first start also when the group was restarted before") {
  scene x{for_all, {permanent, permanent}};
  x.start();
  x.ready('a');
  CHECK(x.fails('a') == "stop b");
  CHECK(x.ends('b') == "start a");
  CHECK(x.ready('a') == "start b");
  // b was started before: this is a restart that fails.
  CHECK(x.fails('b') == "stop a");
  scene y{rest, {permanent, permanent}};
  y.start();
  y.ready('a');
  CHECK(y.fails('b') == "retire b, ends for b, stop a");
}

TEST_CASE("S14 children stop in reverse order, one after another") {
  for (auto how : {for_one, for_all, rest, strategy::stop_all}) {
    INFO(to_string(how));
    scene x{how, {permanent, temporary, permanent}};
    x.begin();
    CHECK(x.stop() == "stop c");
    CHECK(x.stop() == "");
    CHECK(x.ends('c') == "retire c, stop b");
    CHECK(x.ends('b') == "forget b, stop a");
    CHECK(x.ends('a') == "retire a, over");
    CHECK(x.machine().end() == group_end::asked);
    CHECK(x.machine().blamed() == no_child);
    CHECK(x.stop() == "");
  }
}

TEST_CASE("S14 a concurrent group stops in a window") {
  scene x{concurrent(rest, 2), {permanent, permanent, permanent, permanent}};
  x.begin();
  CHECK(x.stop() == "stop d, stop c");
  CHECK(x.ends('c') == "retire c, stop b");
  CHECK(x.ends('d') == "retire d, stop a");
  CHECK(x.ends('a') == "retire a");
  CHECK(x.ends('b') == "retire b, over");
}

TEST_CASE("S14 a stop before the start retires all") {
  scene x{for_one, {permanent, temporary}};
  CHECK(x.stop() == "forget b, retire a, over");
  CHECK(x.at() == group_stage::stopped);
  CHECK(x.start() == "");
}

TEST_CASE("S14 a stop waits in turn for one that is being stopped already") {
  scene x{for_one, {permanent, permanent, permanent}};
  x.begin();
  CHECK(x.terminate('b') == "stop b");
  CHECK(x.stop() == "stop c");
  CHECK(x.ends('c') == "retire c");
  CHECK(x.ends('b') == "retire b, stop a");
  CHECK(x.ends('a') == "retire a, over");
}

TEST_CASE("S15 in a hurry all are stopped at once") {
  scene x{for_one, {permanent, permanent, permanent, patient, permanent}};
  x.begin();
  x.fails('b');
  x.fails('d');
  CHECK(x.hurry() == "");
  CHECK(x.stop() == "no retry d, retire d, stop e");
  CHECK(x.hurry() == "stop c, stop b, stop a");
  CHECK(x.hurry() == "");
  CHECK(x.ends('a') == "retire a");
  CHECK(x.ends('e') == "retire e");
  CHECK(x.ends('b') == "retire b");
  CHECK(x.ends('c') == "retire c, over");
}

TEST_CASE("S17 a stop during the start does not start the others") {
  scene x{for_one, {permanent, permanent, permanent}};
  x.start();
  x.ready('a');
  CHECK(x.stop() == "retire c, stop b");
  CHECK(x.ready('b') == "");
  CHECK(x.ends('b') == "retire b, stop a");
  CHECK(x.ends('a') == "retire a, over");
}

TEST_CASE("S14 a stop is not held up by children that are starting") {
  scene x{concurrent(for_one, 2), {permanent, permanent, permanent}};
  x.start();
  x.ready('b');
  // a and c fill the window of starts.
  CHECK(x.stop() == "stop c, stop b");
  CHECK(x.ends('b') == "retire b, stop a");
  CHECK(x.ends('c') == "retire c");
  CHECK(x.ends('a') == "retire a, over");
}

// -- intensity -------------------------------------------------------------------

TEST_CASE("S4 one restart more than max_restarts within the window gives up") {
  scene x{intensity(2), {permanent}};
  x.begin();
  CHECK(x.fails_once('a') == "start a");
  CHECK(x.fails_once('a') == "start a");
  CHECK(x.machine().recent_restarts(x.now()) == 2);
  CHECK(x.fails('a') == "retire a, ends for a, over");
  CHECK(x.machine().end() == group_end::gave_up);
}

TEST_CASE("S4 the boundary of the window is inclusive") {
  scene at_it{intensity(1), {permanent}};
  at_it.begin().fails_once('a');
  at_it.pass(5s);
  CHECK(at_it.fails('a') == "retire a, ends for a, over");
  scene beyond{intensity(1), {permanent}};
  beyond.begin().fails_once('a');
  beyond.pass(5s + 1ns);
  CHECK(beyond.fails('a') == "start a");
}

TEST_CASE("S4 with max_restarts 0 the first restart gives up") {
  for (auto how : {for_one, for_all, rest, strategy::dynamic}) {
    scene x{intensity(0, how), {permanent}};
    x.begin();
    CHECK(x.fails('a') == "retire a, ends for a, over");
  }
}

TEST_CASE("S5 to give up is to stop the others in reverse") {
  scene x{intensity(0), {permanent, permanent, permanent}};
  x.begin();
  CHECK(x.fails('b') == "retire b, ends for b, stop c");
  CHECK(x.at() == group_stage::stopping);
  CHECK(x.machine().end() == group_end::gave_up);
  CHECK(x.machine().blamed() == x.id('b'));
  CHECK(x.fails('c') == "retire c, stop a");
  CHECK(x.ends('a') == "retire a, over");
}

TEST_CASE("S6 a child that cannot start is tried max_restarts times") {
  for (auto how : {for_one, for_all, rest, strategy::dynamic}) {
    INFO(to_string(how));
    scene x{intensity(3, how), {permanent}};
    x.begin();
    CHECK(x.fails('a') == "start a");
    CHECK(x.fails('a') == "start a");
    CHECK(x.ends('a') == "start a");
    CHECK(x.fails('a') == "retire a, ends for a, over");
  }
}

TEST_CASE("S27 time spent on a group restart does not age the window") {
  scene x{intensity(1, for_all), {permanent, permanent}};
  x.begin();
  CHECK(x.fails('a') == "stop b");
  x.pass(1h);
  CHECK(x.ends('b') == "start a");
  x.pass(1h);
  CHECK(x.ready('a') == "start b");
  CHECK(x.machine().recent_restarts(x.now()) == 1);
  CHECK(x.ready('b') == "");
  x.pass(5s);
  CHECK(x.fails('b') == "retire b, ends for b, stop a");
}

TEST_CASE("S27 once all run again the window ages") {
  scene x{intensity(1, for_all), {permanent}};
  x.begin();
  x.fails('a');
  x.pass(1h);
  x.ready('a');
  x.pass(5s + 1ns);
  CHECK(x.fails('a') == "start a");
}

// -- group restarts --------------------------------------------------------------

TEST_CASE("S7 rest_for_one resumes at a child that fails to start again") {
  scene x{rest, {permanent, permanent, permanent}};
  x.begin();
  x.fails('a');
  x.ends('c');
  CHECK(x.ends('b') == "start a");
  CHECK(x.ready('a') == "start b");
  CHECK(x.fails('b') == "start b");
  CHECK(x.ready('b') == "start c");
  CHECK(x.ready('c') == "");
  CHECK(x.machine().recent_restarts(x.now()) == 2);
}

TEST_CASE(
  "S7 if one fails that was started again, those after it are stopped") {
  scene x{rest, {permanent, permanent, permanent}};
  x.begin();
  x.fails('a');
  x.ends('c');
  x.ends('b');
  x.ready('a');
  CHECK(x.ready('b') == "start c");
  CHECK(x.fails('b') == "stop c");
  CHECK(x.ends('c') == "start b");
}

TEST_CASE("S8 one_for_all begins again if a child fails to start again") {
  scene x{for_all, {permanent, permanent, permanent}};
  x.begin();
  x.fails('c');
  x.ends('b');
  CHECK(x.ends('a') == "start a");
  CHECK(x.ready('a') == "start b");
  CHECK(x.fails('b') == "stop a");
  CHECK(x.ends('a') == "start a");
  CHECK(x.ready('a') == "start b");
  CHECK(x.ready('b') == "start c");
  CHECK(x.ready('c') == "");
  CHECK(x.machine().recent_restarts(x.now()) == 2);
}

TEST_CASE(
  "S9 a group restart brings back siblings and removes temporary ones") {
  scene x{for_all, {transient, permanent, temporary, permanent}};
  x.begin();
  CHECK(x.ends('a') == "retire a");
  CHECK(x.terminate('b') == "stop b");
  CHECK(x.ends('b') == "retire b");
  CHECK(x.fails('d') == "stop c");
  CHECK(x.at('a') == child_stage::planned);
  CHECK(x.ends('c') == "forget c, start a");
  CHECK(x.ready('a') == "start b");
  CHECK(x.ready('b') == "start d");
  CHECK(x.ready('d') == "");
  CHECK(x.children() == "abd");
  CHECK(x.machine().recent_restarts(x.now()) == 1);
}

TEST_CASE(
  "S9 rest_for_one brings back only siblings after the one that failed") {
  scene x{rest, {transient, permanent, transient}};
  x.begin();
  x.ends('a');
  x.ends('c');
  CHECK(x.fails('b') == "start b");
  CHECK(x.ready('b') == "start c");
  CHECK(x.ready('c') == "");
  CHECK(x.at('a') == child_stage::stopped);
}

TEST_CASE("S9 one that ends normally before its turn to stop comes back too") {
  scene x{for_all, {transient, permanent, permanent}};
  x.begin();
  CHECK(x.fails('b') == "stop c");
  CHECK(x.ends('a') == "");
  CHECK(x.ends('c') == "start a");
}

TEST_CASE("S10 how a sibling ends that was told to stop does not matter") {
  scene x{intensity(1, for_all), {permanent, permanent}};
  x.begin();
  CHECK(x.fails('a') == "stop b");
  CHECK(x.fails('b') == "start a");
  CHECK(x.machine().recent_restarts(x.now()) == 1);
  scene y{intensity(0), {permanent}};
  y.begin();
  CHECK(y.terminate('a') == "stop a");
  CHECK(y.fails('a') == "retire a");
  CHECK(y.at() == group_stage::running);
}

TEST_CASE("S11 failures during a group restart merge into it") {
  scene x{intensity(1, rest), {permanent, permanent, permanent, permanent}};
  x.begin();
  CHECK(x.fails('c') == "stop d");
  // One before: the restart begins there.
  CHECK(x.fails('a') == "");
  CHECK(x.ends('d') == "stop b");
  CHECK(x.fails('b') == "start a");
  CHECK(x.ready('a') == "start b");
  CHECK(x.ready('b') == "start c");
  CHECK(x.ready('c') == "start d");
  CHECK(x.ready('d') == "");
  CHECK(x.machine().recent_restarts(x.now()) == 1);
}

TEST_CASE("S a concurrent group is restarted in windows") {
  scene x{concurrent(for_all, 2), {permanent, permanent, permanent, permanent}};
  x.begin();
  CHECK(x.fails('d') == "stop c, stop b");
  CHECK(x.ends('b') == "stop a");
  CHECK(x.ends('a') == "");
  CHECK(x.ends('c') == "start a, start b");
  CHECK(x.ready('b') == "start c");
  // The one before it goes on to start.
  CHECK(x.fails('c') == "stop b, stop a");
}

TEST_CASE("S14 a stop during a group restart retires what is planned at once") {
  scene x{for_all, {permanent, permanent, permanent}};
  x.begin();
  CHECK(x.fails('b') == "stop c");
  CHECK(x.stop() == "retire b");
  CHECK(x.ends('c') == "retire c, stop a");
  CHECK(x.ends('a') == "retire a, over");
}

// -- backoff ---------------------------------------------------------------------

TEST_CASE("S11 a child with a backoff waits, longer each time, uncounted") {
  for (auto how : {for_one, strategy::dynamic}) {
    scene x{intensity(0, how), {patient, permanent}};
    x.begin();
    CHECK(x.fails('a') == "retry a in 1000ms");
    CHECK(x.at() == group_stage::running);
    CHECK(x.at('a') == child_stage::backing_off);
    CHECK(x.machine().next_retry(x.id('a')) == x.now() + 1s);
    CHECK(x.machine().next_retry(x.id('b')) == never);
    x.pass(1s);
    CHECK(x.due('a') == "start a");
    CHECK(x.fails('a') == "retry a in 2000ms");
    x.pass(2s);
    CHECK(x.due('a') == "start a");
    CHECK(x.ready('a') == "");
    CHECK(x.fails('a') == "retry a in 4000ms");
    CHECK(x.machine().recent_restarts(x.now()) == 0);
  }
}

TEST_CASE("S11 a backoff begins anew after reset_after, or when all is well") {
  scene x{for_one, {patient}};
  x.begin();
  x.fails('a');
  x.retry_now('a');
  x.ready('a');
  x.pass(1min);
  CHECK(x.fails('a') == "retry a in 1000ms");
  x.retry_now('a');
  x.ready('a');
  x.machine().mark_healthy(x.id('a'));
  CHECK(x.fails('a') == "retry a in 1000ms");
}

TEST_CASE("S11 jitter keeps a delay near what it would be, and differs") {
  child_rules rules = {.backoff = {.initial = 1s, .jitter = 0.2}};
  std::vector<std::string> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    supervision machine{{}, seed};
    const auto who = machine.add(rules);
    machine.start(t0);
    machine.child_ready(who, t0);
    machine.child_ended(who, child_end::failed, t0);
    const auto delay = machine.next_retry(who) - t0;
    CHECK(delay >= 800ms);
    CHECK(delay <= 1200ms);
    seen.push_back(std::to_string(delay.count()));
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) - seen.begin() > 90);
}

TEST_CASE("S11 a child that backs off can be started, stopped and deleted") {
  scene x{for_one, {patient, patient, patient}};
  x.begin();
  x.fails('a');
  x.fails('b');
  x.fails('c');
  CHECK(x.retry_now('a') == "no retry a, start a");
  CHECK(x.retry_now('a') == "none");
  CHECK(x.start_again('b') == "restarting");
  CHECK(x.remove('b') == "restarting");
  CHECK(x.terminate('b') == "no retry b, retire b");
  CHECK(x.remove('b') == "");
  CHECK(x.stop() == "no retry c, retire c, stop a");
  CHECK(x.ends('a') == "retire a, over");
}

TEST_CASE("S11 a group restart waits after stopping, before starting") {
  scene x{for_all, {permanent, patient, permanent}};
  x.begin();
  CHECK(x.fails('b') == "stop c");
  CHECK(x.at('b') == child_stage::backing_off);
  x.pass(400ms);
  CHECK(x.ends('c') == "stop a");
  CHECK(x.ends('a') == "retry group in 600ms");
  CHECK(x.at() == group_stage::pausing);
  CHECK(x.machine().next_retry(x.id('a')) == x.now() + 600ms);
  CHECK(x.machine().group_restart_due() == x.now() + 600ms);
  x.pass(600ms);
  CHECK(x.due('-') == "start a");
  CHECK(x.at('b') == child_stage::planned);
  CHECK(x.machine().group_restart_due() == never);
  CHECK(x.due('-') == "");
  CHECK(x.ready('a') == "start b");
}

TEST_CASE(
  "S11 a backoff that is over when all have stopped is not waited for") {
  scene x{rest, {patient, permanent}};
  x.begin();
  CHECK(x.fails('a') == "stop b");
  x.pass(1s);
  CHECK(x.ends('b') == "start a");
}

TEST_CASE("S11 a group waits for the later of two backoffs") {
  auto slow = patient;
  slow.backoff.initial = 3s;
  scene x{rest, {slow, patient}};
  x.begin();
  CHECK(x.fails('b') == "retry group in 1000ms");
  CHECK(x.fails('a') == "no retry group, retry group in 3000ms");
  CHECK(x.terminate('b') == "retire b");
  CHECK(x.terminate('a') == "no retry group, retire a");
  CHECK(x.at() == group_stage::running);
  scene z{rest, {patient, slow}};
  z.begin();
  CHECK(z.fails('b') == "retry group in 3000ms");
  CHECK(z.fails('a') == "no retry group, retry group in 3000ms");
  scene y{rest, {slow, patient, permanent}};
  y.begin();
  y.fails('b');
  y.ends('c');
  y.fails('a');
  CHECK(y.terminate('a') == "retry group in 1000ms, retire a");
  CHECK(y.retry_now('b') == "no retry group, start b");
}

TEST_CASE("S11 a retry that comes too early or too late does nothing wrong") {
  scene x{for_one, {patient}};
  x.begin();
  x.fails('a');
  x.pass(999ms);
  CHECK(x.due('a') == "retry a in 1ms");
  CHECK(x.due('-') == "");
  x.pass(1ms);
  CHECK(x.due('a') == "start a");
  CHECK(x.due('a') == "");
  x.ready('a');
  x.fails('a');
  CHECK(x.stop() == "no retry a, retire a, over");
  CHECK(x.due('a') == "");
}

TEST_CASE("S11 S14 who backs off when a stop begins is over at once") {
  scene x{for_one, {patient, permanent}};
  x.begin();
  x.fails('a');
  CHECK(x.stop() == "no retry a, retire a, stop b");
  x.pass(1s);
  CHECK(x.due('a') == ""); // it was on its way already
  CHECK(x.ends('b') == "retire b, over");
}

// -- limits of a child -----------------------------------------------------------

TEST_CASE("S14 who backs off with something left lives once more") {
  scene x{for_one, {patient, patient, permanent}};
  x.begin();
  x.fails('a');
  x.fails('b');
  x.laden("ac");
  // It begins at once, and is told to stop in its turn.
  CHECK(x.stop() == "no retry b, retire b, no retry a, start a, stop c");
  CHECK(x.ready('a') == "");
  CHECK(x.ends('c') == "retire c, stop a");
  SECTION("and finishes it") {
    CHECK(x.ends('a') == "retire a, over");
  }
  SECTION("or does not, and that was the last life") {
    CHECK(x.fails('a') == "retire a, over");
  }
}

TEST_CASE("S14 who fails in a stop with something left lives once more") {
  scene x{for_one, {permanent, permanent}};
  x.begin();
  x.laden("ab");
  CHECK(x.stop() == "stop b");
  SECTION("after it was told") {
    CHECK(x.fails('b') == "start b, stop b");
    CHECK(x.fails('b') == "retire b, stop a");
    CHECK(x.ends('a') == "retire a, over");
  }
  SECTION("before") {
    CHECK(x.fails('a') == "start a");
    CHECK(x.ends('b') == "retire b, stop a");
    CHECK(x.fails('a') == "retire a, over");
  }
  SECTION("unless its time was over") {
    CHECK(x.forced('b') == "retire b, stop a");
  }
  SECTION("or it ended as it should, and left something") {
    CHECK(x.ends('b') == "retire b, stop a");
  }
}

TEST_CASE("S14 a stop of one child has it live once more, too") {
  scene x{for_one, {patient, temporary}};
  x.begin();
  x.laden("ab");
  SECTION("that backs off") {
    x.fails('a');
    CHECK(x.terminate('a') == "no retry a, start a, stop a");
    CHECK(x.fails('a') == "retire a");
  }
  SECTION("that fails meanwhile") {
    CHECK(x.terminate('a') == "stop a");
    CHECK(x.fails('a') == "start a, stop a");
    CHECK(x.ends('a') == "retire a");
  }
  SECTION("but not one that is temporary") {
    CHECK(x.terminate('b') == "stop b");
    CHECK(x.fails('b') == "forget b");
  }
}

TEST_CASE("S14 S33 a stop during a restart finishes what has waited") {
  SECTION("of one child") {
    scene x{for_one, {permanent, permanent}};
    x.begin();
    x.laden("b");
    CHECK(x.restart('b') == "stop b");
    CHECK(x.stop() == "");
    CHECK(x.ends('b') == "start b, stop b");
    CHECK(x.ends('b') == "retire b, stop a");
  }
  SECTION("of the group") {
    scene x{for_all, {permanent, permanent}};
    x.begin();
    x.laden("ab");
    CHECK(x.fails('a') == "stop b");
    CHECK(x.stop() == "start a");
    CHECK(x.ends('b') == "start b, stop b");
    CHECK(x.ends('b') == "retire b, stop a");
    CHECK(x.ends('a') == "retire a, over");
  }
}

TEST_CASE("S14 S17 nobody begins a first life for a stop") {
  scene x{for_one, {permanent, permanent}};
  x.laden("ab");
  CHECK(x.start() == "start a");
  CHECK(x.stop() == "retire b, stop a");
  CHECK(x.ends('a') == "retire a, over");
}

TEST_CASE("S12 a child that passes its own limit ends the supervisor") {
  auto rules = patient;
  rules.give_up_after = {2, 1min};
  scene x{for_one, {permanent, rules}};
  x.begin();
  for (int i = 0; i < 2; ++i) {
    x.fails('b');
    x.retry_now('b');
  }
  CHECK(x.fails('b') == "retire b, ends for b, stop a");
  CHECK(x.machine().end() == group_end::gave_up);
}

TEST_CASE("S12 or is left stopped, and the others go on") {
  auto rules = transient;
  rules.give_up_after = {1, 1min};
  rules.on_give_up = on_give_up::leave_stopped;
  for (auto how : {for_one, for_all, rest, strategy::dynamic}) {
    INFO(to_string(how));
    scene x{intensity(9, how), {permanent, rules}};
    x.begin();
    x.fails('b');
    if (how == for_all)
      x.ends('a');
    x.ready('a');
    x.ready('b');
    CHECK(x.at() == group_stage::running);
    CHECK(x.fails('b') == "retire b");
    CHECK(x.at() == group_stage::running);
    // A restart of the group does not bring it back; somebody can.
    CHECK(x.fails_once('a') == "start a");
    CHECK(x.at('b') == child_stage::stopped);
    CHECK(x.start_again('b') == "start b");
    x.ready('b');
    CHECK(x.fails('b') != "retire b");
  }
}

TEST_CASE("S12 without a backoff a failure counts in both") {
  auto rules = permanent;
  rules.give_up_after = {5, 1min};
  scene x{intensity(1), {rules}};
  x.begin();
  x.fails_once('a');
  CHECK(x.fails('a') == "retire a, ends for a, over");
}

TEST_CASE("S12 failures that merge count for the child's own limit") {
  auto rules = permanent;
  rules.give_up_after = {1, 1min};
  scene x{for_all, {rules, permanent}};
  x.begin();
  x.fails('a');
  x.ends('b');
  x.ready('a');
  x.ready('b');
  // b's failure, and a's merges into its restart.
  CHECK(x.fails('b') == "stop a");
  x.ends('a');
  x.ready('a');
  CHECK(x.fails('a') == "retire a, ends for a, stop b");
}

// -- significant children ---------------------------------------------------------

TEST_CASE("S13 which ends of significant children end the supervisor") {
  struct row {
    auto_shutdown mode;
    bool one_by_itself;
    bool one_on_purpose;
    bool both_on_purpose;
    bool last_by_itself; // after the other one was stopped on purpose
    bool last_on_purpose;
  };
  const std::vector<row> table{
    {auto_shutdown::never, false, false, false, false, false},
    {auto_shutdown::any_significant, true, false, false, true, false},
    {auto_shutdown::all_significant, false, false, false, true, false},
    {auto_shutdown::any_significant_over, true, true, true, true, true},
    {auto_shutdown::all_significant_over, false, false, true, true, true},
  };
  auto significant = transient;
  significant.significant = true;
  for (const auto& x : table) {
    INFO(to_string(x.mode));
    auto ends_group = [&](std::initializer_list<std::pair<char, bool>> ends) {
      scene y{group_rules{.auto_shutdown = x.mode},
              {significant, significant, permanent}};
      y.begin();
      for (auto [who, on_purpose] : ends) {
        if (on_purpose)
          y.terminate(who);
        y.ends(who);
      }
      return y.machine().end() == group_end::significant;
    };
    constexpr auto on_purpose = true;
    CHECK(ends_group({{'a', !on_purpose}}) == x.one_by_itself);
    CHECK(ends_group({{'a', on_purpose}}) == x.one_on_purpose);
    CHECK(ends_group({{'a', on_purpose}, {'b', on_purpose}})
          == x.both_on_purpose);
    CHECK(ends_group({{'a', on_purpose}, {'b', !on_purpose}})
          == x.last_by_itself);
    CHECK(ends_group({{'a', !on_purpose}, {'b', on_purpose}})
          == (x.one_by_itself || x.last_on_purpose));
    CHECK_FALSE(ends_group({{'c', on_purpose}})); // it is not significant
  }
}

TEST_CASE("S13 a restart is no stop on purpose, a stop of one that waits is") {
  auto significant = patient;
  significant.significant = true;
  group_rules any = {.auto_shutdown = auto_shutdown::any_significant_over};
  scene x{any, {significant, permanent}};
  x.begin();
  CHECK(x.restart('a') == "stop a");
  CHECK(x.ends('a') == "start a");
  x.ready('a');
  x.fails('a');
  CHECK(x.at('a') == child_stage::backing_off);
  CHECK(x.terminate('a') == "no retry a, retire a, ends for a, stop b");
  // Nor is a restart of the group.
  group_rules group = any;
  group.strategy = for_all;
  scene y{group, {significant, permanent}};
  y.begin();
  CHECK(y.fails('b') == "stop a");
  CHECK(y.ends('a') == "start a");
}

TEST_CASE("S13 the end of a significant child ends the supervisor") {
  auto rules = transient;
  rules.significant = true;
  group_rules any = {.auto_shutdown = auto_shutdown::any_significant};
  scene x{any, {rules, transient, rules}};
  x.begin();
  CHECK(x.ends('b') == "retire b");
  CHECK(x.fails_once('a') == "start a");
  CHECK(x.ends('a') == "retire a, ends for a, stop c");
  CHECK(x.machine().end() == group_end::significant);
  scene y{any, {rules, rules}};
  y.begin();
  // One that was stopped does not count, the group stops only by itself.
  CHECK(y.terminate('a') == "stop a");
  CHECK(y.ends('a') == "retire a");
  CHECK(y.at() == group_stage::running);
}

TEST_CASE("S13 or the end of the last one does") {
  auto rules = temporary;
  rules.significant = true;
  auto waiting = patient;
  waiting.restart = restart::transient;
  waiting.significant = true;
  group_rules all = {.auto_shutdown = auto_shutdown::all_significant};
  scene x{all, {rules, waiting, rules, permanent}};
  x.begin();
  CHECK(x.fails('a') == "forget a");
  CHECK(x.fails('b') == "retry b in 1000ms");
  CHECK(x.ends('c') == "forget c");
  CHECK(x.at() == group_stage::running);
  CHECK(x.retry_now('b') == "no retry b, start b");
  x.ready('b');
  CHECK(x.ends('b') == "retire b, ends for b, stop d");
}

// -- calls at run time -----------------------------------------------------------

TEST_CASE("S16 an ordered supervisor at work is busy, but terminates") {
  for (auto how : {for_one, for_all, rest, strategy::stop_all}) {
    INFO(to_string(how));
    scene x{how, {permanent, permanent, permanent}};
    CHECK(x.start_child(permanent) == "busy");
    CHECK(x.start_again('a') == "busy");
    CHECK(x.remove('a') == "busy");
    x.start();
    CHECK(x.start_child(permanent) == "busy");
    CHECK(x.start_again('a') == "busy");
    CHECK(x.remove('a') == "busy");
    CHECK(x.terminate('b') == "retire b");
    CHECK(x.terminate('a') == "stop a");
    CHECK(x.ends('a') == "retire a, start c");
    CHECK(x.ready('c') == "ready");
    x.stop();
    CHECK(x.start_child(permanent) == "stopping");
    CHECK(x.start_again('a') == "stopping");
    CHECK(x.remove('a') == "stopping");
    x.ends('c');
    CHECK(x.start_child(permanent) == "stopping");
  }
}

TEST_CASE("S16 the start goes on past a child that is gone before its turn") {
  scene x{for_one, {permanent, temporary, permanent}};
  x.start();
  CHECK(x.terminate('b') == "forget b");
  CHECK(x.ready('a') == "start c");
  CHECK(x.ready('c') == "ready");
  scene y{for_one, {permanent, temporary, permanent}};
  y.begin();
  CHECK(y.stop() == "stop c");
  CHECK(y.ends('b') == "forget b");
  CHECK(y.ends('c') == "retire c, stop a");
}

TEST_CASE("S16 a dynamic supervisor is busy only before its start") {
  scene x{strategy::dynamic, {permanent}};
  CHECK(x.start_child(permanent) == "busy");
  CHECK(x.start() == "start a");
  CHECK(x.start_child(permanent) == "start b");
  CHECK(x.ready('a') == "ready");
  x.stop();
  CHECK(x.start_child(permanent) == "stopping");
}

TEST_CASE("S16 every stage of a group restart is busy, and terminates") {
  scene x{for_all, {permanent, patient, permanent, permanent}};
  x.begin();
  CHECK(x.fails('b') == "stop d");
  CHECK(x.start_child(permanent) == "busy");
  CHECK(x.terminate('d') == "");
  CHECK(x.ends('d') == "retire d, stop c");
  CHECK(x.ends('c') == "stop a");
  CHECK(x.ends('a') == "retry group in 1000ms");
  CHECK(x.start_child(permanent) == "busy");
  CHECK(x.terminate('c') == "retire c");
  // What was waited for: the others go on at once.
  CHECK(x.terminate('b') == "no retry group, retire b, start a");
  CHECK(x.start_child(permanent) == "busy");
  CHECK(x.ready('a') == "");
  CHECK(x.at() == group_stage::running);
  for (auto who : {'b', 'c', 'd'})
    CHECK(x.at(who) == child_stage::stopped);
}

TEST_CASE(
  "S16 what was terminated in a group restart stays so until it is over") {
  scene x{for_all, {permanent, permanent, permanent}};
  x.begin();
  CHECK(x.fails('c') == "stop b");
  CHECK(x.terminate('c') == "retire c");
  x.ends('b');
  CHECK(x.ends('a') == "start a");
  CHECK(x.fails('a') == "start a");
  CHECK(x.ready('a') == "start b");
  CHECK(x.ready('b') == "");
  CHECK(x.at('c') == child_stage::stopped);
  // The next one brings it back.
  CHECK(x.fails('b') == "stop a");
  CHECK(x.ends('a') == "start a");
  CHECK(x.ready('a') == "start b");
  CHECK(x.ready('b') == "start c");
}

TEST_CASE("S18 start_child appends, and forgets what fails to start") {
  for (auto how : all_strategies) {
    INFO(to_string(how));
    scene x{intensity(0, how), {permanent}};
    x.begin();
    CHECK(x.start_child(permanent) == "start b");
    CHECK(x.machine().counts().specs == 2);
    CHECK(x.fails('b') == "forget b");
    CHECK(x.at() == group_stage::running);
    CHECK_FALSE(x.machine().contains(x.id('b')));
    CHECK(x.start_child(permanent) == "start c");
    CHECK(x.ready('c') == "");
    CHECK(x.children() == "ac");
    CHECK(x.id('b') != x.id('c'));
    CHECK(x.start_child(permanent) == "start d");
    CHECK(x.terminate('d') == "stop d");
    CHECK(x.ends('d') == "retire d");
    CHECK(x.start_child(permanent) == "start e");
    CHECK(x.stop().find("stop e") == 0);
    if (how == strategy::dynamic)
      CHECK(x.fails('e') == "forget e");
    else
      CHECK(x.fails('e') == "forget e, stop c");
  }
}

TEST_CASE("S18 max_children is the end of start_child") {
  group_rules rules = {.strategy = strategy::dynamic, .max_children = 2};
  scene x{rules, {temporary}};
  x.begin();
  CHECK(x.start_child(temporary) == "start b");
  CHECK(x.start_child(temporary) == "too many children");
  CHECK(x.ends('a') == "forget a");
  CHECK(x.start_child(temporary) == "start c");
}

TEST_CASE("S19 terminate_child keeps the spec, unless it is temporary") {
  scene x{for_one, {permanent, temporary}};
  x.begin();
  CHECK(x.terminate('a') == "stop a");
  CHECK(x.terminate('a') == "");
  CHECK(x.ends('a') == "retire a");
  CHECK(x.terminate('a') == "");
  CHECK(x.terminate('b') == "stop b");
  CHECK(x.fails('b') == "forget b");
  CHECK(x.children() == "a");
}

TEST_CASE("S20 start_again starts what is stopped, and nothing else") {
  scene x{intensity(0), {permanent}};
  x.begin();
  CHECK(x.start_again('a') == "running");
  x.terminate('a');
  CHECK(x.start_again('a') == "running");
  x.ends('a');
  CHECK(x.start_again('a') == "start a");
  CHECK(x.start_again('a') == "running");
  // A failed start is not counted, and not tried again.
  CHECK(x.fails('a') == "retire a");
  CHECK(x.start_again('a') == "start a");
  CHECK(x.ready('a') == "");
  CHECK(x.machine().restarts(x.id('a')) == 2);
  // From now on it is a child like any other.
  CHECK(x.fails('a') == "retire a, ends for a, over");
}

TEST_CASE("S20 a child that somebody starts again begins anew") {
  auto rules = patient;
  rules.give_up_after = {2, 1h};
  scene x{for_one, {rules}};
  x.begin();
  for (int i = 0; i < 2; ++i) {
    x.fails('a');
    x.retry_now('a');
    x.ready('a');
  }
  x.terminate('a');
  x.ends('a');
  x.start_again('a');
  x.ready('a');
  CHECK(x.fails('a') == "retry a in 1000ms");
  x.retry_now('a');
  CHECK(x.fails('a') == "retry a in 2000ms");
  x.retry_now('a');
  CHECK(x.fails('a') == "retire a, ends for a, over");
}

TEST_CASE("S33 a restart stops what runs and starts it again, uncounted") {
  scene x{intensity(0), {permanent, transient, permanent}};
  x.begin();
  CHECK(x.restart('b') == "stop b");
  CHECK(x.machine().comes_back(x.id('b')));
  // Somebody else wants the same.
  CHECK(x.restart('b') == "");
  // The way in which it ends does not matter.
  CHECK(x.fails('b') == "start b");
  CHECK_FALSE(x.machine().comes_back(x.id('b')));
  CHECK(x.ready('b') == "");
  CHECK(x.restart('b') == "stop b");
  CHECK(x.ends('b') == "start b");
  CHECK(x.ready('b') == "");
  CHECK(x.machine().restarts(x.id('b')) == 2);
  CHECK(x.at() == group_stage::running);
}

TEST_CASE("S33 a restart that cannot start is a failure like any other") {
  scene x{intensity(1), {permanent}};
  x.begin();
  CHECK(x.restart('a') == "stop a");
  CHECK(x.ends('a') == "start a");
  CHECK(x.fails('a') == "start a"); // counted
  CHECK(x.fails('a') == "retire a, ends for a, over");
}

TEST_CASE("S33 in a group a restart takes those along that a failure would") {
  SECTION("all") {
    scene x{intensity(0, for_all), {permanent, transient, permanent}};
    x.begin();
    x.ends('b');
    CHECK(x.restart('a') == "stop c");
    CHECK(x.machine().comes_back(x.id('c')));
    CHECK(x.ends('c') == "stop a");
    CHECK(x.ends('a') == "start a");
    CHECK(x.ready('a') == "start b");
    CHECK(x.ready('b') == "start c");
    CHECK(x.ready('c') == "");
    CHECK(x.at() == group_stage::running);
  }
  SECTION("those after it") {
    scene x{intensity(0, rest), {permanent, permanent, permanent}};
    x.begin();
    CHECK(x.restart('b') == "stop c");
    CHECK(x.restart('b') == "busy");
    CHECK(x.ends('c') == "stop b");
    CHECK(x.ends('b') == "start b");
    CHECK(x.ready('b') == "start c");
  }
  SECTION("where there is no restart after a failure, it alone") {
    scene x{strategy::stop_all, {permanent, permanent}};
    x.begin();
    CHECK(x.restart('a') == "stop a");
    CHECK(x.fails('a') == "start a");
    CHECK(x.fails('a') == "retire a, ends for a, stop b");
  }
}

TEST_CASE("S33 a restart of what is not running") {
  scene x{for_one, {permanent, patient, temporary}};
  CHECK(x.restart('a') == "busy");
  x.begin();
  SECTION("stopped: as S20") {
    x.terminate('a');
    CHECK(x.restart('a') == "ending");
    x.ends('a');
    CHECK(x.restart('a') == "start a");
    CHECK(x.restart('a') == "stop a"); // it does not get ready
    CHECK(x.ends('a') == "start a");
  }
  SECTION("backing off: at once") {
    x.fails('b');
    CHECK(x.restart('b') == "no retry b, start b");
    x.ready('b');
    CHECK(x.fails('b') == "retry b in 1000ms"); // anew
  }
  SECTION("temporary: it has one life") {
    CHECK(x.restart('c') == "lives once");
  }
  SECTION("a stop that comes meanwhile wins") {
    x.restart('a');
    SECTION("of the child") {
      CHECK(x.terminate('a') == "");
      CHECK(x.restart('a') == "ending");
      CHECK(x.ends('a') == "retire a");
    }
    SECTION("of the group") {
      CHECK(x.stop() == "stop c");
      CHECK(x.ends('a') == "retire a");
      CHECK(x.restart('b') == "stopping");
    }
  }
}

TEST_CASE("S21 delete_child removes what is stopped, and nothing else") {
  scene x{for_one, {permanent, permanent}};
  x.begin();
  CHECK(x.remove('a') == "running");
  x.terminate('a');
  CHECK(x.remove('a') == "running");
  x.ends('a');
  CHECK(x.remove('a') == "");
  CHECK_FALSE(x.machine().contains(x.id('a')));
  CHECK(x.children() == "b");
  CHECK(x.stop() == "stop b");
  CHECK(x.ends('b') == "retire b, over");
}

TEST_CASE("S22 counts tell specs and what is active") {
  scene x{for_one, {permanent, transient, patient}};
  CHECK(x.machine().counts().specs == 3);
  CHECK(x.machine().counts().active == 0);
  CHECK(x.machine().counts().ready == 0);
  x.begin();
  CHECK(x.machine().counts().active == 3);
  CHECK(x.machine().counts().ready == 3);
  CHECK(x.machine().restart_of(x.id('b')) == troupe::restart::transient);
  CHECK_FALSE(x.machine().is_significant(x.id('b')));
  x.ends('b');
  x.fails('c');
  CHECK(x.machine().counts().ready == 1);
  CHECK(x.machine().counts().specs == 3);
  CHECK(x.machine().counts().active == 1);
  x.terminate('a');
  CHECK(x.machine().counts().active == 1);
  CHECK(x.machine().counts().ready == 0);
  x.ends('a');
  CHECK(x.machine().counts().active == 0);
}

TEST_CASE("S28 what comes too late is ignored") {
  scene x{for_one, {permanent, temporary}};
  x.begin();
  CHECK(x.ready('a') == "");
  x.terminate('a');
  CHECK(x.ready('a') == "");
  CHECK(x.at('a') == child_stage::stopping);
  x.ends('a');
  CHECK(x.ends('a') == "");
  CHECK(x.ready('a') == "");
  x.ends('b');
  CHECK(x.fails('b') == "");
  CHECK(x.ready('b') == "");
  CHECK(x.due('b') == "");
  CHECK(x.retry_now('b') == "none");
  x.machine().mark_healthy(x.id('b'));
}

TEST_CASE("S30 a hundred thousand children come, fail and go") {
  constexpr std::size_t many = 100'000;
  group_rules rules = {.strategy = strategy::dynamic,
                       .intensity = {std::numeric_limits<int>::max(), 5s}};
  supervision machine{rules, 1};
  machine.start(t0);
  std::vector<child_id> ids;
  ids.reserve(many);
  for (std::size_t i = 0; i < many; ++i)
    ids.push_back(machine.start_child(transient).who);
  for (auto x : ids)
    machine.child_ready(x, t0);
  CHECK(machine.counts().active == many);
  for (auto x : ids)
    machine.child_ended(x, child_end::failed, t0);
  for (auto x : ids)
    machine.child_ready(x, t0);
  for (std::size_t i = 0; i < many; i += 2) {
    machine.child_ended(ids[i], child_end::normal, t0);
    CHECK(machine.delete_child(ids[i]) == refusal::none);
  }
  CHECK(machine.counts().specs == many / 2);
  (void) machine.take();
  machine.stop(t0);
  std::size_t forgotten = 0;
  auto over = false;
  for (auto commands = machine.take(); !commands.empty();
       commands = machine.take())
    for (auto& x : commands) {
      if (x.what == command_kind::stop)
        machine.child_ended(x.who, child_end::normal, t0);
      forgotten += x.what == command_kind::forget ? 1 : 0;
      over = over || x.what == command_kind::group_over;
    }
  CHECK(forgotten == many / 2);
  CHECK(over);
}

// -- what cannot be meant ----------------------------------------------------------

TEST_CASE("S1 rules of a group that cannot be meant are named") {
  auto complaint = [](group_rules x) { return check(x, "shop"); };
  CHECK(complaint({}) == "");
  CHECK(complaint({.intensity = {0, 1ns}}) == "");
  CHECK(complaint({.strategy = strategy::dynamic, .max_children = 5}) == "");
  for (auto how : all_strategies)
    CHECK(complaint({.strategy = how, .concurrent = true}) == "");
  CHECK(complaint({.intensity = {-1, 5s}})
        == "supervisor \"shop\": intensity.max_restarts is negative; use 0 to "
           "give up instead of the first restart");
  CHECK(
    complaint({.intensity = {3, 0s}})
      .starts_with("supervisor \"shop\": intensity.within is not positive; "));
  CHECK(complaint({.intensity = {3, -1s}}) != "");
  CHECK(complaint({.strategy = rest, .max_children = 5})
        == "supervisor \"shop\": max_children means nothing with strategy "
           "rest_for_one; leave it out or use strategy dynamic");
}

TEST_CASE("S1 rules of a child that cannot be meant are named") {
  constexpr auto nan = std::numeric_limits<double>::quiet_NaN();
  constexpr auto infinity = std::numeric_limits<double>::infinity();
  struct row {
    child_rules rules;
    const char* field;
  };
  const row rows[] = {
    {{.give_up_after = {-1, 5s}}, "give_up_after.failures "},
    {{.give_up_after = {1, 0s}}, "give_up_after.within "},
    {{.give_up_after = {1, -1s}}, "give_up_after.within "},
    {{.backoff = {.initial = -1s}}, "backoff.initial "},
    {{.backoff = {.initial = 2s, .max = 1s}}, "backoff.max "},
    {{.backoff = {.initial = 1s, .factor = 0.9}}, "backoff.factor "},
    {{.backoff = {.initial = 1s, .factor = nan}}, "backoff.factor "},
    {{.backoff = {.initial = 1s, .factor = infinity}}, "backoff.factor "},
    {{.backoff = {.initial = 1s, .jitter = -0.1}}, "backoff.jitter "},
    {{.backoff = {.initial = 1s, .jitter = 1.1}}, "backoff.jitter "},
    {{.backoff = {.initial = 1s, .jitter = nan}}, "backoff.jitter "},
    {{.backoff = {.initial = 1s, .reset_after = -1s}}, "backoff.reset_after "},
    {{.restart = restart::permanent, .significant = true}, "significant "},
  };
  group_rules group = {.auto_shutdown = auto_shutdown::any_significant};
  for (auto& x : rows) {
    const auto text = check(x.rules, group, "clerk");
    INFO(text);
    CHECK(text.starts_with("child \"clerk\": " + std::string{x.field}));
    CHECK(text.find("; ") != std::string::npos);
  }
  const child_rules significant = {.restart = restart::transient,
                                   .significant = true};
  CHECK(check(significant, group, "clerk") == "");
  CHECK(check(significant, group_rules{}, "clerk")
        == "child \"clerk\": significant means nothing while the supervisor's "
           "auto_shutdown is never; set auto_shutdown to any_significant or "
           "all_significant");
  CHECK(check(child_rules{}, group, "clerk") == "");
  CHECK(check(patient, group, "clerk") == "");
  CHECK(check({.backoff = {.max = -1s}}, group, "clerk") == "");
}

TEST_CASE("S1 S12 leave_stopped means nothing to who never gives up") {
  CHECK(check({.on_give_up = on_give_up::leave_stopped}, {}, "clerk")
        == "child \"clerk\": on_give_up is leave_stopped, but the child never "
           "gives up: it has no limit of its own; set give_up_after.failures "
           "or leave on_give_up out");
  CHECK(
    check({.give_up_after = {1, 5s}, .on_give_up = on_give_up::leave_stopped},
          {}, "clerk")
    == "");
  CHECK(check({.give_up_after = {1, 5s}}, {}, "clerk") == "");
}

TEST_CASE("S1 S13 auto_shutdown needs a significant child") {
  using troupe::rules::check_significant;
  for (auto mode :
       {auto_shutdown::any_significant, auto_shutdown::all_significant}) {
    const group_rules group{.auto_shutdown = mode};
    CHECK(check_significant(group, "shop", 2, 0)
          == "supervisor \"shop\": auto_shutdown is " + to_string(mode)
               + ", but none of its children is significant; mark one that is "
                 "transient or temporary as significant, or leave "
                 "auto_shutdown out");
    CHECK(check_significant(group, "shop", 2, 1) == "");
    // They come later.
    CHECK(check_significant(group, "shop", 0, 0) == "");
    CHECK(
      check_significant({.strategy = strategy::dynamic, .auto_shutdown = mode},
                        "shop", 2, 0)
      == "");
  }
  CHECK(check_significant({}, "shop", 2, 0) == "");
}

TEST_CASE("S1 options that mean nothing to a child of that kind are named") {
  using troupe::child_kind;
  using troupe::worker_options;
  using troupe::rules::check_use;
  struct row {
    const char* field;
    worker_options given;
    bool actor;      // whether a plain actor has a use for it
    bool supervisor; // whether a supervisor has
  };
  const row rows[] = {
    {"", {}, true, true},
    {"", {.start_timeout = 1s}, true, true},
    {"worker.queue", {.queue = {.capacity = 5}}, false, false},
    {"worker.queue",
     {.queue = {.on_stop = troupe::on_stop::drain}},
     false,
     false},
    {"worker.readiness",
     {.readiness = troupe::readiness::explicit_ready},
     false,
     false},
    {"worker.watchdog", {.watchdog = 1s}, false, false},
    {"worker.stopping_grace_period",
     {.stopping_grace_period = 1s},
     true,
     false},
    {"worker.cleanup_period", {.cleanup_period = 1s}, true, false},
    {"worker.force_period", {.force_period = 1s}, true, false},
  };
  for (auto& x : rows) {
    CAPTURE(x.field);
    CHECK(check_use(child_kind::worker, x.given, "clerk") == "");
    const std::string begin = "child \"clerk\": " + std::string{x.field}
                              + " means nothing for a ";
    const auto actor = check_use(child_kind::actor, x.given, "clerk");
    const auto group = check_use(child_kind::supervisor, x.given, "clerk");
    CHECK((x.actor ? actor.empty()
                   : actor.starts_with(begin + "plain CAF actor; ")));
    CHECK((x.supervisor ? group.empty()
                        : group.starts_with(begin + "supervisor; ")));
  }
}

TEST_CASE("S1 strategies, restart types and modes have names") {
  for (auto x : all_strategies)
    CHECK(to_string(x) != "invalid");
  CHECK(to_string(strategy::stop_all) == "stop_all");
  CHECK(to_string(restart::permanent) == "permanent");
  CHECK(to_string(restart::transient) == "transient");
  CHECK(to_string(restart::temporary) == "temporary");
  CHECK(to_string(auto_shutdown::never) == "never");
  CHECK(to_string(auto_shutdown::any_significant) == "any_significant");
  CHECK(to_string(auto_shutdown::all_significant) == "all_significant");
}
