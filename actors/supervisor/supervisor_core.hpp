// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/supervision.hpp"
#include "supervisor/child_call.hpp"
#include "supervisor/child_listener.hpp"
#include "supervisor/child_table.hpp"
#include "supervisor/serial_queue.hpp"
#include "troupe/detail/idle_wait.hpp"
#include "troupe/detail/small_mutex.hpp"
#include "troupe/detail/unique_function.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/supervisor_spec.hpp"
#include "troupe/tree_status.hpp"
#include "worker/core_ptr.hpp"
#include "worker/life_owner.hpp"
#include "worker/worker_core.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::detail {

/// The children of one life of a supervisor. Tells the rules what happens and
/// carries out what they answer, one thing after another, on whatever thread
/// brings the news: so a supervisor listens and acts also while its own actor
/// waits for a thread. (S16)
class supervisor_core final
  : public life_owner,
    public child_group,
    public std::enable_shared_from_this<supervisor_core> {
public:
  /// @param core The supervisor's core.
  /// @param listener Hears of its children; or null.
  supervisor_core(worker_core& core,
                  std::shared_ptr<const supervisor_spec> spec,
                  const std::shared_ptr<child_listener>& listener);

  // -- the supervisor's side --------------------------------------------------

  /// Makes the children and starts them.
  void start();

  /// Why the supervisor fails, or nothing if it has been asked to end or ends
  /// by itself.
  [[nodiscard]] failure why_failed() const;

  /// Whether the group has begun to end.
  [[nodiscard]] bool ends() const;

  /// The event that `run()` waits for.
  enum class until : std::uint8_t {
    ready, ///< All children are ready, or as `end`.
    end,   ///< The group has begun to end, or a stop is asked for.
  };

  class awaiter;

  // -- child_group ------------------------------------------------------------

  void stop(const rules::stop_limits& limits) noexcept override;

  void force() noexcept override;

  [[nodiscard]] bool over() const noexcept override;

  void orphan() noexcept override;

  [[nodiscard]] worker_handle find_child(std::string_view name) const override;

  // -- owner ------------------------------------------------------------------

  [[nodiscard]] std::unique_ptr<worker> make_object(worker_core& who) override;

  void child_ready(worker_core& who, bool tell) noexcept override;

  void child_ended(worker_core& who) noexcept override;

  void stop_wanted(worker_core& who, on_stop mode) noexcept override;

  void marked_healthy(worker_core& who) noexcept override;

  void public_actor_changed(worker_core& who,
                            const caf::strong_actor_ptr& before,
                            const caf::strong_actor_ptr& now) override;

  // -- calls ------------------------------------------------------------------

  using call_ptr = std::shared_ptr<child_call::progress>;

  call_ptr start_child(child_spec spec);

  call_ptr start_child(const std::string& name);

  /// @param why The reason, if there is one, for those who learn of the stop.
  /// @param mode What becomes of its queue; without it, what its options say.
  call_ptr terminate_child(const std::string& name, caf::error why = {},
                           std::optional<on_stop> mode = {});

  /// @param why As for `terminate_child`.
  call_ptr restart_child(const std::string& name, caf::error why = {});

  call_ptr delete_child(const std::string& name);

  bool retry_now(const std::string& name);

  [[nodiscard]] worker_handle
  find_child(const caf::strong_actor_ptr& who) const;

  [[nodiscard]] std::vector<child_entry> which_children() const;

  [[nodiscard]] child_totals count_children() const;

  /// Adds what it knows, and the status of its children, to that of the
  /// supervisor.
  void describe(tree_status& out, const status_poll* answers) const override;

  void list(std::vector<core_ptr>& to) const override;

  /// Lets `event` have its turn. It runs with the lock held.
  void
  run_serially(unique_function<void()> event,
               serial_queue::kind which = serial_queue::kind::call) noexcept;

private:
  using child_id = rules::child_id;

  /// How many lives may be told to begin before one has. Those that are told
  /// and have not begun wait in the scheduler, and CAF 0.18 takes the longer
  /// for each the more there are. How long a start takes does not count.
  static constexpr std::size_t most_beginning = 64;

  struct finished_call {
    call_ptr call;
    child_result result;
  };

  /// `run_serially` for what has become of a child, or of the supervisor.
  void news(unique_function<void()> event) noexcept {
    run_serially(std::move(event), serial_queue::kind::news);
  }

  void run_on(unique_function<void()>& event) noexcept;

  void run_event(unique_function<void()> event) noexcept;

  void done(call_ptr call, child_result result);

  template <class F>
  call_ptr run_with_child(const std::string& name, F f);

  void carry_out(const rules::command& what);

  void begin_life(child_id who);

  void begin_now(child_id who);

  void has_begun(child_id who);

  void begin_next();

  void stop_life(child_id who);

  void end_of(child_id who, bool forgotten);

  void set_retry(child_id who, time_point when);

  void clear_retry(child_id who);

  void group_ready();

  void group_ends(child_id who);

  void wake(until what);

  void group_over();

  void limits_changed();

  void tell_again();

  void note_ready(child_id who, on_stop mode);

  void note_late(const worker_core& who, const outcome& how);

  [[nodiscard]] bool has_to_finish(child_id who) const;

  void let_go();

  void forget(child_id who);

  [[nodiscard]] worker_handle handle_of(child_id who) const;

  [[nodiscard]] worker_handle make_successor(const child_record& x);

  [[nodiscard]] child_record make_child(child_plan plan);

  child_record& add_child(child_id who, child_record x);

  [[nodiscard]] time_point now() const noexcept;

  [[nodiscard]] caf::error refused(rules::refusal why, const std::string& name,
                                   const char* call) const;

  [[nodiscard]] child_result unknown(const std::string& name) const;

  const std::shared_ptr<runtime> rt_;
  std::shared_ptr<const supervisor_spec> spec_; // until they are made
  const supervisor_spec group_;                 // without the children
  const std::string path_;
  const std::string subject_;
  const bool has_hook_; // `on_ready`
  const std::weak_ptr<child_listener> listener_;

  serial_queue events_;

  // Touched only by the thread that has the turn; no lock.
  std::unique_lock<small_mutex>* guard_ = nullptr; // of the event that runs

  // To be done after this turn; likewise without a lock.
  std::vector<core_ptr> told_; // whose news are to be published
  std::vector<rules::command> commands_;
  std::vector<child_id> begin_;         // to be told to begin
  std::vector<child_id> again_;         // to be told once more to stop
  std::vector<child_record> gone_;      // to be let go of
  std::vector<finished_call> finished_; // whose callers are to be told

  // May be changed in a turn.
  mutable small_mutex mtx_;
  rules::supervision rules_;
  child_table children_;
  std::unordered_map<const caf::actor_control_block*, child_id> adopted_;
  std::size_t supervisors_ = 0;
  core_ptr supervisor_; // null when it is no more
  rules::stop_limits limits_;
  std::size_t beginning_ = 0; // lives that were told to begin and have not
  std::deque<child_id> due_;  // are told when others have
  stop_report late_;          // who is in the way of the stop
  job_ptr soft_;
  job_ptr group_retry_;
  bool hurried_ = false;
  bool forced_ = false;
  bool ready_ = false; // all children, and `on_ready` is due
  bool ending_ = false;
  failure failure_;
  failure last_failure_; // of the child that ended last, if it failed
  std::string last_end_; // of that child, in words, or empty: as it failed
  awaiter* awaiter_ = nullptr; // it takes itself out before it goes
  std::atomic<bool> over_{true};
};

/// Waits in the supervisor's `run()`.
class supervisor_core::awaiter final : public idle_wait {
public:
  awaiter(worker_core& core, supervisor_core& what, until which) noexcept;

  ~awaiter() override;

  [[nodiscard]] bool await_ready() const noexcept {
    return false;
  }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) {
    begin(h.promise());
    return watch();
  }

  void await_resume() noexcept {
    delist();
  }

  void stop_asked() noexcept override;

  [[nodiscard]] bool waits_for(until what) const noexcept {
    return which_ == what;
  }

private:
  friend class supervisor_core;

  bool watch();

  supervisor_core* what_; // of `run()`, which waits in here
  until which_;
};

} // namespace troupe::detail
