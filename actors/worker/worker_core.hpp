// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/lifecycle.hpp"
#include "system/caf_compat.hpp"
#include "troupe/detail/clock.hpp"
#include "troupe/detail/message_queue.hpp"
#include "troupe/detail/small_mutex.hpp"
#include "troupe/detail/strand.hpp"
#include "troupe/events.hpp"
#include "troupe/options.hpp"
#include "troupe/outcome.hpp"
#include "troupe/status.hpp"
#include "troupe/worker.hpp"
#include "worker/actor_link.hpp"
#include "worker/core_identity.hpp"
#include "worker/core_parts.hpp"
#include "worker/core_stage.hpp"
#include "worker/held.hpp"
#include "worker/idle_waits.hpp"
#include "worker/life.hpp"

#include <caf/actor_control_block.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace troupe::detail {

class ask_table;
class status_poll;
class worker_actor;

/// The state that a worker's actor and its handles share. It feeds events to
/// the lifecycle table and carries out what does not need the actor's thread,
/// so that a worker can be stopped, forced, abandoned and asked about while its
/// actor is stuck. Thread-safe unless a member says otherwise.
///
/// Locks, in the order in which they may nest: a core's `mtx_` -> the clock's
/// -> a queue's -> that of an `actor_link`, and a watchdog's -> the clock's.
/// Never two cores' `mtx_` at once.
class worker_core final : public strand,
                          public core_identity,
                          public reference_count,
                          public core_stage {
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

  void release() noexcept;

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

  [[nodiscard]] std::optional<outcome> last_outcome() const;

  /// The same for those who hold a handle: that of a tree not before its name
  /// is free.
  [[nodiscard]] std::optional<outcome> told_outcome() const;

  /// Why its actor is to end: nothing if the last life has ended normally.
  [[nodiscard]] caf::error reason_to_quit() const;

  [[nodiscard]] worker_status status() const;

  [[nodiscard]] message_queue* queue() const noexcept {
    return queue_.get();
  }

  /// Takes the messages that are sent to it; null without a queue.
  [[nodiscard]] message_sink* sink() const noexcept;

  [[nodiscard]] queue_counts counts() const;

  /// The worker's actor, or null when it has ended. For a plain actor under a
  /// supervisor, that actor, or null between two of its lives.
  [[nodiscard]] caf::strong_actor_ptr actor() const;

  /// Makes `who` what others take for the worker's actor.
  void set_public_actor(caf::strong_actor_ptr who);

  /// The worker object, or null if it may still be in use.
  [[nodiscard]] worker* finished_worker() const noexcept;

  /// Whether the end has been reached and announced.
  [[nodiscard]] bool finished() const;

  /// A part of the present life, or the answer of one of its functions.
  template <class Part>
  [[nodiscard]] auto look(Part what) const {
    const held guard{mtx_};
    return std::invoke(what, life_);
  }

  // -- lifecycle --------------------------------------------------------------

  /// Starts the worker and returns at once.
  caf::error start();

  /// How the queue is treated at a stop.
  enum class queue_at_stop : std::uint8_t {
    discard = static_cast<std::uint8_t>(on_stop::discard),
    drain = static_cast<std::uint8_t>(on_stop::drain),
    hand_over = static_cast<std::uint8_t>(on_stop::hand_over),
    keep, ///< For the next life.
  };

  /// Asks for a graceful stop, within limits.
  /// @param last Whether the reserve is all that is left.
  /// @param why The reason, if there is one, for those who learn of the stop.
  /// @returns `false` if the worker was not started, so that there is nothing
  ///          to be stopped.
  bool request_stop(queue_at_stop mode, const rules::stop_limits& limits,
                    bool last = false, const caf::error* why = nullptr);

  /// Ends the worker now.
  void force();

  /// Ends the worker without its `on_shutdown()`.
  void kill(caf::error reason);

  /// Ends a worker that was never started, without a word to it.
  /// @returns `false` if it was started.
  bool drop_unstarted(caf::error reason) noexcept;

  void report_health(health x, std::string why);

  void add_hold();

  void drop_hold() noexcept;

  /// Somebody who holds a handle wants it to stop: asks for it, or has the
  /// owner do so.
  /// @returns as `request_stop`.
  bool want_stop(on_stop mode);

  // -- lives ------------------------------------------------------------------

  /// Makes its path that of no other tree, until it is over. (S31)
  /// @returns `false` if another tree has it.
  [[nodiscard]] bool claim_path();

  /// Whether there is nobody above it.
  [[nodiscard]] bool is_top() const noexcept {
    return owner() == nullptr && kin() == nullptr;
  }

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

  // -- waiting ----------------------------------------------------------------

  /// Whether a call that waits must be refused on this thread.
  [[nodiscard]] bool would_block() const noexcept {
    return current() != nullptr || rt().would_block();
  }

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

  /// Publishes that it is ready, or how its life has ended. The owner has
  /// taken note of that.
  void tell();

  /// Tells those who have subscribed to events.
  void publish(event_kind what, caf::error reason = {}, timespan span = {});

  /// The children that delayed the stop of the supervisor.
  void note_blockers(stop_report who);

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
  friend class blocked_thread;
  friend class complaints;
  friend class deadlines;
  friend class family;
  friend class lives;
  friend class runtime;
  friend class waiters;

  class guard_dog;

  class alarm;

  [[nodiscard]] kinship* kin() const noexcept {
    return fixed_ ? fixed_->kin.get() : nullptr;
  }

  /// @pre the lock is held
  [[nodiscard]] const core_extras& lazy() const noexcept {
    return lazy_ ? *lazy_ : none_of<core_extras>();
  }

  /// @pre the lock is held
  [[nodiscard]] core_extras& make_lazy() {
    if (!lazy_)
      lazy_ = std::make_unique<core_extras>();
    return *lazy_;
  }

  /// @pre the lock is held
  [[nodiscard]] bool is_supervisor() const noexcept {
    return lazy_ && lazy_->children;
  }

  static void force_all(std::vector<core_ptr> due);

  void force_one(std::vector<core_ptr>& below);

  void apply(const held& lock, rules::action what, failure& why);

  void arm(const held& lock, time_point due);

  [[nodiscard]] time_point due(const held& lock) const noexcept;

  [[nodiscard]] caf::error why_not_startable() const;

  void begin_anew(const held& lock, failure& none);

  caf::error start_now();

  [[nodiscard]] time_point grace_limit(const held&) const noexcept {
    return life_.grace_limit(is_supervisor());
  }

  void add_todo(todo what) noexcept;

  void leave_behind();

  void watch();

  void publish_transition(const held& lock, rules::stage from);

  void tell(const held& lock);

  std::unique_ptr<worker> worker_;
  std::unique_ptr<core_fittings> fixed_; // since it was made
  std::shared_ptr<message_queue> queue_;

  std::atomic<ask_table*> asks_{nullptr};
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
  std::unique_ptr<core_extras> lazy_;

  // Guarded by the runtime's lock; a core leaves that list before it goes.
  worker_core* next_ = nullptr;
  worker_core* previous_ = nullptr;

  idle_waits idle_; // of the actor's own thread
};

} // namespace troupe::detail
