// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/backoff.hpp"
#include "rules/blocks.hpp"
#include "rules/restart_window.hpp"
#include "rules/supervision_words.hpp"
#include "troupe/supervisor_options.hpp"
#include "troupe/time.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The decisions of a supervisor about its children, as a machine without
/// clock, thread or actor: it is told what happened and when, and answers with
/// commands, in the order in which they are to be carried out.
namespace troupe::rules {

/// The children of one supervisor and all decisions about them. (S2 to S21)
///
/// Every member that is told what happens, or what somebody asks for, may ask
/// for something to be done; `take()` hands it over. Nothing in here is
/// O(children) except a start, a restart or a stop of the whole group, and
/// these are spread over as many calls.
class supervision {
public:
  /// @param seed Where the jitter of backoffs comes from.
  supervision(group_rules rules, std::uint64_t seed);

  // -- properties -------------------------------------------------------------

  [[nodiscard]] group_stage at() const noexcept;

  /// Why it stops, or has stopped.
  [[nodiscard]] group_end end() const noexcept;

  /// The child that is to blame for that, or `no_child`.
  [[nodiscard]] child_id blamed() const noexcept;

  [[nodiscard]] bool contains(child_id who) const noexcept;

  /// @pre `contains(who)`
  [[nodiscard]] child_stage at(child_id who) const noexcept;

  /// How many times it was started again, for whatever reason and of all that
  /// happened.
  /// @pre `contains(who)`
  [[nodiscard]] std::uint64_t restarts(child_id who) const noexcept;

  /// Whether no life of it follows the present one, however that ends.
  /// @pre `contains(who)`
  [[nodiscard]] bool lives_once(child_id who) const noexcept;

  /// When its restart is due, or `never`. With a group restart under way, when
  /// that is.
  /// @pre `contains(who)`
  [[nodiscard]] time_point next_retry(child_id who) const noexcept;

  /// When the group restart that is under way begins to start children, or
  /// `never` if nothing waits for a backoff.
  [[nodiscard]] time_point group_restart_due() const noexcept;

  /// Whether it has passed its limit and is left stopped. (S12)
  /// @pre `contains(who)`
  [[nodiscard]] bool given_up(child_id who) const noexcept;

  /// When it is started again.
  [[nodiscard]] troupe::restart restart_of(child_id who) const noexcept;

  /// Whether its end can end the group.
  [[nodiscard]] bool is_significant(child_id who) const noexcept;

  [[nodiscard]] child_counts counts() const noexcept;

  /// Whether it was told to stop because another life of it is to follow.
  /// @pre `contains(who)`
  [[nodiscard]] bool comes_back(child_id who) const noexcept;

  /// How many restarts count at `now` against the intensity.
  [[nodiscard]] std::size_t recent_restarts(time_point now) const;

  /// All children in the order of their start.
  [[nodiscard]] std::vector<child_id> children() const;

  // -- before the start -------------------------------------------------------

  /// Has `f` say, when a child is over and should stay so, whether something is
  /// left that it is to finish first: one more life is for that. (S14)
  void ask_what_is_left(std::function<bool(child_id)> f);

  /// Appends a child. It is `planned`.
  /// @pre `at() == group_stage::created`
  child_id add(const child_rules& rules);

  // -- what happens -----------------------------------------------------------

  /// Starts the children. (S2)
  void start(time_point now);

  /// `who` is ready.
  void child_ready(child_id who, time_point now);

  /// `who` is over. If it was not ready, this is a start that failed, unless it
  /// had been told to stop.
  void child_ended(child_id who, child_end how, time_point now);

  /// The time of `set_retry` has come.
  void retry_due(child_id who, time_point now);

  /// The child says that it is in order again: its backoff begins anew. (S11)
  void mark_healthy(child_id who);

  // -- what somebody asks for -------------------------------------------------

  /// Stops all children for good. (S14, S17)
  void stop(time_point now);

  /// Stops at once all children that were not told to stop yet, without order:
  /// only the reserve is left, or force is used. (S15)
  /// @pre `at() == group_stage::stopping`
  void hurry(time_point now);

  struct added {
    child_id who = no_child;
    refusal why_not = refusal::none;
  };

  /// Whether a child can be added now.
  [[nodiscard]] refusal may_start_child() const noexcept;

  /// Appends a child and starts it. If the start fails it is forgotten. (S18)
  added start_child(const child_rules& rules);

  /// Stops a child, whatever is planned for it. When it is over `retire` or
  /// `forget` follows; at once if it is planned or backs off, and has nothing
  /// left to finish; and not again if it is stopped. No restart of the group
  /// that is under way, or that begins before it is over, brings it back; a
  /// later one does. (S9, S16, S19)
  /// @pre `contains(who)`
  void terminate_child(child_id who, time_point now);

  /// Starts a stopped child again. (S20) If the start fails it is stopped, and
  /// nothing else happens. Its backoff and its limit begin anew.
  /// @pre `contains(who)`
  refusal start_again(child_id who);

  /// Has another life of a child begin, whatever state it is in: stops it if it
  /// runs, and with it those that a failure would stop. Nothing is counted, and
  /// its backoff and its limit begin anew. (S33)
  /// @pre `contains(who)`
  refusal restart_child(child_id who, time_point now);

  /// Starts a child that backs off now; in a group restart, does not wait for
  /// its backoff. (S11)
  /// @returns whether there was one.
  bool retry_now(child_id who, time_point now);

  /// Removes a stopped child. (S21)
  /// @pre `contains(who)`
  refusal delete_child(child_id who);

  // -- the answer -------------------------------------------------------------

  /// Takes what is to be done, in order.
  [[nodiscard]] std::vector<command> take();

  /// The same, without new memory each time: swaps it with `others`.
  /// @pre `others` is empty
  void take(std::vector<command>& others) noexcept;

private:
  using index = std::uint32_t;

  static constexpr index nil = 0xFFFFFFFFu;

  /// The part of a child that has a backoff or a limit.
  struct patience {
    explicit patience(const child_rules& rules);

    /// Begins anew, as somebody asked for the child.
    void renew();

    backoff delay;
    restart_window failures;
    /// Whether `failures` has a limit.
    bool limited;
    troupe::on_give_up on_give_up;
    /// When the restart is due while the child backs off.
    time_point due = never;
  };

  /// The facts about a child. There can be very many.
  struct slot {
    /// Grows along the list.
    std::uint64_t order = 0;
    std::unique_ptr<patience> more;
    std::uint32_t starts = 0;
    std::uint32_t generation = 0;
    index prev = nil;
    /// Also links the free slots.
    index next = nil;
    /// The episode in which it was terminated, see `episode_`.
    std::uint32_t held_in = 0;
    child_stage stage = child_stage::stopped;
    troupe::restart restart = troupe::restart::permanent;
    bool used : 1 = false;
    bool significant : 1 = false;
    /// Its start or stop is one of those that a window limits.
    bool in_turn : 1 = false;
    /// Somebody asked for its end.
    bool terminated : 1 = false;
    /// It was told to stop because another life of it is to follow.
    bool comes_back : 1 = false;
    /// Comes from `start_child`, and has not been ready.
    bool added : 1 = false;
    /// Was started by `restart_child`, and has not been ready since.
    bool by_hand : 1 = false;
    /// Has passed its limit.
    bool left_stopped : 1 = false;
    /// Is in the life in which it is to finish what is left.
    bool in_last_life : 1 = false;
  };

  // -- children (supervision.cpp) ---------------------------------------------

  [[nodiscard]] index find(child_id who) const noexcept;
  [[nodiscard]] child_id id_of(index i) const noexcept;
  index append(const child_rules& rules);
  void remove(index i);
  void set_stage(slot& x, child_stage to) noexcept;

  // -- properties -------------------------------------------------------------

  /// Whether each child is restarted alone.
  [[nodiscard]] bool alone() const noexcept;
  [[nodiscard]] bool ending() const noexcept;
  [[nodiscard]] bool restarting_group() const noexcept;
  [[nodiscard]] bool to_be_unwound(const slot& x) const noexcept;
  /// Why a call that changes the group is refused, for the group's sake.
  [[nodiscard]] refusal closed() const noexcept;
  /// How many may be starting, or stopping, at once.
  [[nodiscard]] std::size_t limit() const noexcept;

  // -- one step with one child ------------------------------------------------

  void say(command_kind what, index i);
  void begin(index i);
  void tell_to_stop(index i, bool comes_back = false);
  void enter_turn(slot& x) noexcept;
  void leave_turn(slot& x) noexcept;
  /// Its final end: `retire` or `forget`. May remove it.
  void finish(index i);
  /// Finishes a child that does not run.
  void cancel(index i);
  /// Whether something is left that one more life of it is for.
  [[nodiscard]] bool has_to_finish(index i) const;
  void begin_last_life(index i);

  // -- ends and restarts (supervision_restart.cpp) -----------------------------

  void ended_as_told(index i, time_point now);
  void ended_by_itself(index i, child_end how, time_point now);
  void stays_down(index i, time_point now);
  void failed(index i, time_point now);
  [[nodiscard]] bool lives_once_more(index i, child_end how) const;
  [[nodiscard]] bool may_restart(const slot& x, time_point now);
  void give_up(group_end why, index i, time_point now);
  /// Plans the restart, after its backoff if it has one.
  void plan_restart(slot& x, time_point now);
  void restart_alone(index i, time_point now);
  void restart_group(index i, time_point now);
  void unwind_from(index i, time_point now);
  /// Plans the restart of those that are stopped, from `first` on.
  void revive(index first, std::uint64_t end);
  /// Does not wait for it any more: it is planned.
  void drop_backoff(index i);
  void drop_group_backoff();
  [[nodiscard]] time_point latest_due() const noexcept;
  [[nodiscard]] double sample() noexcept;

  // -- what moves the whole group (supervision_group.cpp) -----------------------

  void begin_end(group_end why, child_id blamed, time_point now);
  /// The end of those that are planned or back off.
  void cancel_absent();
  /// Does what can be done next in the current stage.
  void advance(time_point now);
  void advance_starts(time_point now);
  void advance_unwinding(time_point now);
  void advance_stops();
  void stop_in_turn(index i);
  void begin_rewinding(time_point now);

  group_rules rules_;
  std::function<bool(child_id)> what_is_left_;
  blocks<slot> slots_;
  std::vector<command> commands_;
  restart_window intensity_;
  std::uint64_t random_;
  std::uint64_t next_order_ = 0;
  index head_ = nil;
  index tail_ = nil;
  index free_ = nil;
  child_counts counts_;
  /// Significant children that are not stopped.
  std::size_t significant_ = 0;
  /// Children whose start is one of those that the window limits.
  std::size_t starts_ = 0;
  /// The same of stops.
  std::size_t stops_ = 0;
  /// The child whose turn it is: forward while children are started, backward
  /// while they are stopped. After unwinding, the last child that is left
  /// alone.
  index cursor_ = nil;
  /// A group restart: the order of the first child that takes part.
  std::uint64_t from_ = 0;
  /// A group restart: when the last backoff is over, or `time_point::min()`.
  time_point group_due_ = time_point::min();
  /// Counts the times that the group left order for restarts. One of these
  /// lasts until all are running again, however many restarts it takes.
  std::uint32_t episode_ = 0;
  group_stage at_ = group_stage::created;
  group_end end_ = group_end::none;
  bool announced_ready_ = false;
  child_id blamed_ = no_child;
};

/// Returns what is wrong with a group of rules, or an empty string. (S1)
[[nodiscard]] std::string check(const group_rules& rules,
                                std::string_view supervisor);

/// The same for what it is to do when significant children end: with none of
/// them it means nothing. Children of a `dynamic` group come later, and so do
/// those of a group that has none yet. (S13)
[[nodiscard]] std::string
check_significant(const group_rules& rules, std::string_view supervisor,
                  std::size_t children, std::size_t significant);

/// Returns which of the options given for a child of `kind` means nothing for
/// it, or an empty string. (S1)
[[nodiscard]] std::string
check_use(child_kind kind, const worker_options& given, std::string_view child);

/// Returns what is wrong with one child's rules, or an empty string. (S1)
[[nodiscard]] std::string check(const child_rules& rules,
                                const group_rules& group,
                                std::string_view child);

} // namespace troupe::rules
