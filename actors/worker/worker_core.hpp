// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/deadlines.hpp"
#include "rules/lifecycle.hpp"
#include "rules/settings.hpp"
#include "system/caf_compat.hpp"
#include "system/run_config.hpp"
#include "system/runtime.hpp"
#include "time/watchdog.hpp"
#include "troupe/detail/clock.hpp"
#include "troupe/detail/lasting.hpp"
#include "troupe/detail/message_queue.hpp"
#include "troupe/detail/small_mutex.hpp"
#include "troupe/detail/strand.hpp"
#include "troupe/events.hpp"
#include "troupe/options.hpp"
#include "troupe/outcome.hpp"
#include "troupe/status.hpp"
#include "troupe/worker.hpp"
#include "troupe/worker_handle.hpp"
#include "worker/actor_link.hpp"
#include "worker/held.hpp"
#include "worker/idle_waits.hpp"
#include "worker/life.hpp"
#include "worker/life_owner.hpp"

#include <caf/actor_control_block.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <typeinfo>
#include <vector>

namespace troupe::detail {

class ask_table;
class status_poll;
class worker_actor;

/// The error of a call on a handle that points to no worker.
[[nodiscard]] caf::error null_handle();

/// The state that a worker's actor and its handles share. It feeds events to
/// the lifecycle table and carries out what does not need the actor's thread,
/// so that a worker can be stopped, forced, abandoned and asked about while its
/// actor is stuck. Thread-safe unless a member says otherwise.
///
/// Locks, in the order in which they may nest: a core's `mtx_` -> the clock's
/// -> a queue's -> that of an `actor_link`, and a watchdog's -> the clock's.
/// Never two cores' `mtx_` at once.
class worker_core final : public strand {
public:
  /// Makes the core of a worker with one life.
  worker_core(std::string path, std::shared_ptr<const run_config> config,
              std::unique_ptr<worker> what, worker_core* parent);

  /// Makes the core of a worker whose lives begin and end as `by` says.
  /// @param child_id Its id among the children of `by`.
  worker_core(std::string path, std::shared_ptr<const run_config> config,
              std::shared_ptr<message_queue> queue,
              std::shared_ptr<life_owner> by, std::uint64_t child_id);

  ~worker_core() override;

  /// The core whose actor runs on this thread, or null.
  [[nodiscard]] static worker_core* current() noexcept;

  /// Whether its actor is at work on this thread, and will look once more at
  /// what there is to do: then nobody has to wake it.
  [[nodiscard]] bool at_work_here() const noexcept;

  // -- references -------------------------------------------------------------

  void retain() noexcept {
    refs_.fetch_add(1, std::memory_order_relaxed);
  }

  /// Takes a reference unless the last one has been dropped.
  [[nodiscard]] bool try_retain() noexcept;

  void release() noexcept;

  /// Drops a reference unless it is the last one.
  /// @returns whether it did.
  [[nodiscard]] bool release_unless_last() noexcept;

  /// Takes a handle's share, which includes a reference.
  void add_handle() noexcept;

  /// Drops a handle's share. Without one, an unstarted worker is destroyed.
  void drop_handle() noexcept;

  void hold_ref() noexcept override {
    retain();
  }

  void drop_ref() noexcept override {
    release();
  }

  // -- properties -------------------------------------------------------------

  [[nodiscard]] rules::stage stage() const noexcept {
    return stage_view_.load(std::memory_order_acquire);
  }

  [[nodiscard]] worker_state state() const noexcept {
    return rules::state_of(stage());
  }

  [[nodiscard]] bool stop_asked() const noexcept {
    return rules::stop_asked(stage());
  }

  /// Whether the coroutines must not go on: they are to be destroyed.
  [[nodiscard]] bool frozen() const noexcept {
    return rules::is_frozen(stage());
  }

  /// From the top of its tree: "/pipeline/writer".
  [[nodiscard]] const std::string& path() const noexcept {
    return path_;
  }

  /// The end of its path.
  [[nodiscard]] const char* name() const noexcept {
    return path_.c_str() + path_.rfind('/') + 1;
  }

  [[nodiscard]] const run_config& config() const noexcept {
    return *config_;
  }

  [[nodiscard]] const std::shared_ptr<const run_config>&
  shared_config() const noexcept {
    return config_;
  }

  /// Whether nobody waits for it any more, while its code may still run.
  [[nodiscard]] bool abandoned() const noexcept {
    return stage() == rules::stage::abandoned;
  }

  /// `worker "name" (/path)`, the subject of every error text.
  [[nodiscard]] std::string subject() const;

  [[nodiscard]] runtime& rt() const noexcept {
    return *config_->rt;
  }

  [[nodiscard]] const std::shared_ptr<runtime>& shared_rt() const noexcept {
    return config_->rt;
  }

  [[nodiscard]] std::optional<outcome> last_outcome() const;

  /// The same for those who hold a handle: that of a tree not before its name
  /// is free.
  [[nodiscard]] std::optional<outcome> told_outcome() const;

  /// The text of its `reason` to end; if it has only passed on why somebody
  /// below it has ended, of that.
  [[nodiscard]] std::string cause_of(const caf::error& reason) const;

  /// Whether the present life has ended normally, and nothing else is to be
  /// said about that.
  [[nodiscard]] bool ended_smoothly() const;

  /// Why its actor is to end: nothing if the last life has ended normally.
  [[nodiscard]] caf::error reason_to_quit() const;

  [[nodiscard]] worker_status status() const;

  [[nodiscard]] message_queue* queue() const noexcept {
    return queue_.get();
  }

  /// Where the messages are: those of its queue, or of all of a pool.
  [[nodiscard]] child_kind kind() const noexcept;

  /// Takes the messages that are sent to it; null without a queue.
  [[nodiscard]] message_sink* sink() const noexcept;

  [[nodiscard]] queue_counts counts() const;

  [[nodiscard]] std::size_t holds() const;

  /// The worker's actor, or null when it has ended. For a plain actor under a
  /// supervisor, that actor, or null between two of its lives.
  [[nodiscard]] caf::strong_actor_ptr actor() const;

  /// Makes `who` what others take for the worker's actor.
  void set_public_actor(caf::strong_actor_ptr who);

  /// The worker object, or null if it may still be in use.
  [[nodiscard]] worker* finished_worker() const noexcept;

  /// Whether the end has been reached and announced.
  [[nodiscard]] bool finished() const;

  /// When a stop was asked for.
  [[nodiscard]] time_point stopping_since() const;

  // -- lifecycle --------------------------------------------------------------

  /// Starts the worker and returns at once.
  caf::error start();

  /// Asks for a graceful stop.
  /// @param limit When the worker is to be forced at the latest.
  /// @returns `false` if the worker was not started, so that there is nothing
  ///          to be stopped.
  bool request_stop(on_stop mode, time_point limit = never) {
    return request_stop(queue_at_stop(mode), rules::forced_at(limit));
  }

  /// How the queue is treated at a stop.
  enum class queue_at_stop : std::uint8_t {
    discard = static_cast<std::uint8_t>(on_stop::discard),
    drain = static_cast<std::uint8_t>(on_stop::drain),
    hand_over = static_cast<std::uint8_t>(on_stop::hand_over),
    keep, ///< For the next life.
  };

  /// As above, within limits, and saying what becomes of the queue.
  /// @param last Whether the reserve is all that is left.
  /// @param why The reason, if there is one, for those who learn of the stop.
  bool request_stop(queue_at_stop mode, const rules::stop_limits& limits,
                    bool last = false, const caf::error* why = nullptr);

  /// Ends the worker now.
  void force();

  /// Ends the worker without its `on_shutdown()`.
  void kill(caf::error reason);

  /// Ends a worker that was never started, without a word to it.
  /// @returns `false` if it was started.
  bool drop_unstarted(caf::error reason) noexcept;

  void ready_called();

  void report_health(health x, std::string why);

  [[nodiscard]] health reported_health() const noexcept;

  void add_hold();

  void drop_hold() noexcept;

  /// Somebody who holds a handle wants it to stop: asks for it, or has the
  /// owner do so.
  /// @returns as `request_stop`.
  bool want_stop(on_stop mode);

  // -- lives ------------------------------------------------------------------

  /// The owner, which decides about its lives, or null.
  [[nodiscard]] life_owner* owner() const noexcept {
    return owner_.get();
  }

  /// Makes its path that of no other tree, until it is over. (S31)
  /// @returns `false` if another tree has it.
  [[nodiscard]] bool claim_path();

  /// Whether there is nobody above it.
  [[nodiscard]] bool is_top() const noexcept {
    return owner_ == nullptr && kin() == nullptr;
  }

  /// Its id among the children of the owner.
  [[nodiscard]] std::uint64_t child_id() const noexcept {
    return child_id_;
  }

  /// Sets that id. Before its first life begins.
  void set_child_id(std::uint64_t id) noexcept {
    child_id_ = id;
  }

  /// Whether a life can begin in here: its actor is there, and it has not come
  /// to its final end.
  [[nodiscard]] bool can_live() const;

  /// Begins the first life, or the next one.
  /// @pre nobody else begins one, and the last one is over
  /// @returns an error if it cannot: the actor system goes down, or it has come
  ///          to its final end since somebody asked `can_live()`.
  caf::error begin_life();

  /// The final end: no further life begins in here.
  void retire();

  /// Says that the next life waits for its time, or no longer does.
  /// @returns whether it did so before.
  bool set_backing_off(bool value) noexcept {
    return backing_off_.exchange(value, std::memory_order_relaxed);
  }

  [[nodiscard]] worker_phase phase() const noexcept;

  [[nodiscard]] std::uint64_t incarnation() const noexcept {
    return incarnation_.load(std::memory_order_relaxed);
  }

  /// Makes `next` the core in which the worker's lives go on: handles to this
  /// one mean that one.
  void succeed(worker_core& next);

  /// The last one in the line of successors.
  [[nodiscard]] worker_core& latest() noexcept;

  /// The queue, for a successor.
  [[nodiscard]] const std::shared_ptr<message_queue>&
  shared_queue() const noexcept {
    return queue_;
  }

  // -- being looked at --------------------------------------------------------

  /// Has the worker answer `who` on its own actor.
  /// @returns `false` if there is nobody in here who could.
  bool ask_status(std::shared_ptr<status_poll> who);

  /// Answers those who have called; the actor's own thread.
  void answer_pollers();

  /// Whether there is a point in asking it: its code runs at this moment, or
  /// may have something to say.
  [[nodiscard]] bool is_worth_asking() const noexcept {
    return turns_.load(std::memory_order_relaxed) != 0
           || !says_nothing_.load(std::memory_order_relaxed);
  }

  /// It has nothing to say about itself.
  void note_says_nothing() noexcept {
    says_nothing_.store(true, std::memory_order_relaxed);
  }

  /// Its code begins to run. The next turn may begin before the last one has
  /// said that it is over.
  void begin_turn() noexcept {
    turns_.fetch_add(1, std::memory_order_relaxed);
  }

  void end_turn() noexcept {
    turns_.fetch_sub(1, std::memory_order_relaxed);
  }

  // -- waiting ----------------------------------------------------------------

  /// Whether a call that waits must be refused on this thread.
  [[nodiscard]] bool would_block() const noexcept {
    return current() != nullptr || rt().would_block();
  }

  /// Blocks until the worker is ready or over.
  caf::error startup();

  /// Blocks until a worker that was started is ready or over.
  /// @returns nothing, or why it is not ready.
  caf::error wait_until_ready();

  /// Blocks until the worker is over.
  awaited_outcome wait_until_over(timespan timeout);

  /// The error of a call that needs a worker that was started.
  [[nodiscard]] caf::error not_started() const;

  /// Why the worker is not ready; nothing if it is or was.
  [[nodiscard]] caf::error why_not_ready() const;

  /// Links `x`, to be posted; returns `false` if there is nothing to wait for.
  bool watch(lifecycle_awaiter& x);

  void stop_watching(lifecycle_awaiter& x) noexcept;

  /// Replies to the request in `what` once the worker is ready or over:
  /// nothing, or an error, for the former, the outcome for the latter.
  void reply_when(caf::mailbox_element& what, lifecycle_awaiter::what until);

  // -- family -----------------------------------------------------------------

  /// Makes `children` those of this supervisor's present life.
  void set_child_group(std::shared_ptr<child_group> children);

  [[nodiscard]] std::shared_ptr<child_group> get_child_group() const;

  /// The children of its last life as they ended, and how often they were
  /// restarted, as they were at the end. Null if there was none, or if there is
  /// another one.
  [[nodiscard]] std::shared_ptr<const tree_status> last_child_group() const;

  /// Whether some of its children are left.
  [[nodiscard]] bool has_child_group() const;

  /// None of its children is left.
  void child_group_over() noexcept;

  /// Makes `child` a linked child of this one.
  void add_child(worker_core& child);

  /// How the children of a worker are to end.
  enum class how_to_end : std::uint8_t {
    gracefully,
    linked_by_force, ///< Those of a supervisor stop by themselves. (S26)
    by_force,
  };

  /// Asks all children to stop, or forces them.
  void stop_children(how_to_end how);

  [[nodiscard]] bool has_children() const;

  /// The linked children that have not ended, in the order of their start.
  [[nodiscard]] std::vector<core_ptr> linked_children() const;

  /// Lets go of the children that have not ended.
  void disown_children() noexcept;

  /// Takes the children that have ended, each with a reference.
  [[nodiscard]] std::vector<worker_core*> take_ended_children();

  [[nodiscard]] bool was_ready() const;

  // -- the actor's side -------------------------------------------------------

  /// Unties it again, and lets the actor system go down.
  void detach() noexcept;

  /// The actor system begins to go away, and will forget all actors that it
  /// knows with the lock held that each of them takes at its end: an unstarted
  /// one, which may have no other owner left, stays until `system_gone`.
  void system_closes() noexcept;

  /// Cuts the tie because the actor system goes away.
  void system_gone() noexcept;

  /// Feeds an event to the lifecycle.
  void feed(rules::event e, failure why = {});

  /// The actor, and what it is to do.
  [[nodiscard]] actor_link& link() noexcept {
    return link_;
  }

  /// `on_shutdown()` begins, now that the children are gone: it gets its time.
  void begin_cleanup();

  /// `after_shutdown()` has returned.
  /// @returns the stage: `abandoned` if that has taken too long.
  rules::stage end_farewell();

  /// Publishes that it is ready, or how its life has ended. The owner has
  /// taken note of that.
  void tell();

  /// Tells those who have subscribed to events.
  void publish(event_kind what, caf::error reason = {}, timespan span = {});

  /// The children that delayed the stop of the supervisor.
  void note_blockers(stop_report who);

  /// `on_shutdown()` is over, and has left children.
  void join_again();

  /// A life is over: it is the final end, unless there is an owner who decides.
  void end_reached();

  /// Makes the object of the life that begins.
  void make_object();

  /// Releases those who wait for the end, and tells the parent.
  void release_waiters();

  [[nodiscard]] bool has_object() const noexcept {
    return worker_ != nullptr;
  }

  /// @pre `has_object()`
  [[nodiscard]] worker& object() const noexcept {
    return *worker_;
  }

  /// Destroys the worker object, which nobody will ask for any more.
  void discard_object() noexcept {
    worker_.reset();
  }

  /// How the present life has ended.
  /// @pre its end was told to the actor, and it has not begun to rest
  [[nodiscard]] const outcome& final_outcome() const noexcept {
    return life_.end().how;
  }

  [[nodiscard]] bool cleanup_due() const;

  /// Whether its present life has neither failed nor been forced so far.
  [[nodiscard]] bool goes_well() const;

  /// Gives the object what is left in its queue.
  [[nodiscard]] task<> hand_over_queue();

  /// The pending requests; made on first use by the actor's own thread.
  [[nodiscard]] ask_table& asks();

  [[nodiscard]] ask_table* find_asks() const noexcept {
    return asks_.load(std::memory_order_acquire);
  }

  /// The waits of its coroutines; the actor's own thread.
  [[nodiscard]] idle_waits& idle() noexcept {
    return idle_;
  }

  // -- strand -----------------------------------------------------------------

  void run_on_thread(std::unique_ptr<thread_job> what, thread_use how) override;

  std::unique_ptr<thread_job> take_back(thread_job& what) noexcept override;

  bool out_of_time() noexcept override;

  // -- watchdog (the actor's own thread) --------------------------------------

  /// Notices when the worker's code does not return, or null.
  [[nodiscard]] watchdog* get_watchdog() const noexcept {
    return fixed_ ? fixed_->dog.get() : nullptr;
  }

  void step_begins() noexcept override;

protected:
  void wake() noexcept override;

private:
  friend class runtime;

  class blocked_thread;

  class guard_dog;

  class alarm;

  struct pending_reply {
    caf::strong_actor_ptr to;
    caf::message_id mid;
    lifecycle_awaiter::what until;
  };

  /// The part that few cores need; made on first use.
  struct lazy_part {
    std::string degraded_because;
    std::vector<pending_reply> pending_replies;
    std::shared_ptr<child_group> children;            // of a supervisor
    std::shared_ptr<const tree_status> last_children; // of one that has ended
    worker_core* predecessor = nullptr;               // holds a reference
    worker_core* first_child = nullptr; // linked, as the following ones are
    worker_core* ended_child = nullptr; // the last one
    // Each takes itself out, with the lock held, before it goes.
    lifecycle_awaiter* awaiters = nullptr;
    blocked_thread* blocked = nullptr;
  };

  /// The link of a child to its parent, whose lock guards it.
  struct kinship {
    worker_core* const parent;   // holds a reference
    worker_core* next = nullptr; // the list has a reference to each in it
    worker_core* previous = nullptr;
    bool is_listed = false;
  };

  /// The part that few cores have, and those from the beginning.
  struct fixed_part {
    std::unique_ptr<kinship> kin; // of a linked child
    std::unique_ptr<watchdog> dog;
  };

  [[nodiscard]] kinship* kin() const noexcept {
    return fixed_ ? fixed_->kin.get() : nullptr;
  }

  /// @pre the lock is held
  [[nodiscard]] const lazy_part& lazy() const noexcept {
    return lazy_ ? *lazy_ : none_of<lazy_part>();
  }

  /// @pre the lock is held
  [[nodiscard]] lazy_part& make_lazy() {
    if (!lazy_)
      lazy_ = std::make_unique<lazy_part>();
    return *lazy_;
  }

  /// @pre the lock is held
  [[nodiscard]] bool is_supervisor() const noexcept {
    return lazy_ && lazy_->children;
  }

  [[nodiscard]] bool is_to_be_forced() const;

  bool drop_as_child();

  void stop_children(how_to_end how, std::vector<core_ptr>& to_force);

  static void force_all(std::vector<core_ptr> due);

  void force_one(std::vector<core_ptr>& below);

  void send_replies(lifecycle_awaiter::what upto) noexcept;

  void tell_parent();

  void apply(const held& lock, rules::action what, failure& why);

  void arm(const held& lock, time_point due);

  [[nodiscard]] time_point due(const held& lock) const noexcept;

  [[nodiscard]] bool can_live(const held& lock) const;

  [[nodiscard]] caf::error why_not_startable() const;

  void begin_anew(const held& lock, failure& none);

  caf::error start_now();

  [[nodiscard]] time_point grace_limit(const held&) const noexcept {
    return life_.grace_limit(is_supervisor());
  }

  [[nodiscard]] time_point cleanup_deadline(const held&) const {
    return life_.cleanup_deadline(rt().time().now(), config_->periods);
  }

  [[nodiscard]] bool has_children(const held& lock) const;

  [[nodiscard]] bool has_to_drain(const held& lock) const noexcept;

  [[nodiscard]] std::vector<worker_core*> take_ended_children(const held& lock);

  void add_todo(todo what) noexcept;

  void shorten_cleanup(const held& lock);

  void shorten_deadline(const held& lock);

  void keep_within(const rules::stop_limits& limits);

  void deadline_passed();

  void leave_behind();

  void disappoint_askers() noexcept;

  void watch();

  void stalled(timespan length);

  void give_up_hung(timespan length);

  void announce(const held& lock, lifecycle_awaiter::what upto) noexcept;

  void unwatch(const held& lock, lifecycle_awaiter& x) noexcept;

  void log_transition(rules::stage from, rules::stage to,
                      const caf::error* why = nullptr);

  void publish_transition(const held& lock, rules::stage from);

  void publish_ready(const held& lock);

  void publish_end(const held& lock);

  void tell(const held& lock);

  awaited_outcome block(lifecycle_awaiter::what until, timespan timeout);

  /// The words for what a call that blocks waits for.
  [[nodiscard]] std::string waited_for(lifecycle_awaiter::what until);

  // Fixed.
  const std::shared_ptr<const run_config>
    config_; // goes last, with the runtime
  const std::string path_;
  std::unique_ptr<worker> worker_;
  std::unique_ptr<fixed_part> fixed_; // since it was made
  std::shared_ptr<message_queue> queue_;
  const std::shared_ptr<life_owner> owner_;
  std::uint64_t child_id_ = 0; // fixed before a life begins

  std::atomic<std::uint32_t> refs_{1};
  std::atomic<std::uint32_t> handles_{1};
  std::atomic<rules::stage> stage_view_{rules::stage::created};
  std::atomic<bool> backing_off_{false};
  std::atomic<std::uint8_t> turns_{0};
  std::atomic<health> health_{health::healthy};
  std::atomic<bool> says_nothing_{false};
  std::atomic<ask_table*> asks_{nullptr};
  std::atomic<std::uint64_t> incarnation_{1};
  std::atomic<worker_core*> successor_{nullptr}; // holds a reference

  actor_link link_;

  // Guarded by `mtx_`.
  mutable small_mutex mtx_;
  bool over_ = false;
  bool entered_ = false;
  bool is_armed_ = false; // the alarm, for its due()
  bool has_path_ = false; // claimed
  life life_;
  std::unique_ptr<clock::job> alarm_;     // made when it is needed
  std::unique_ptr<const outcome> former_; // of the life before
  std::unique_ptr<lazy_part> lazy_;

  // Guarded by the runtime's lock; a core leaves that list before it goes.
  worker_core* next_ = nullptr;
  worker_core* previous_ = nullptr;

  idle_waits idle_; // of the actor's own thread
};

} // namespace troupe::detail
