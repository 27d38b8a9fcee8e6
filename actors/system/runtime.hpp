// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/settings.hpp"
#include "system/ask_targets.hpp"
#include "system/forks.hpp"
#include "system/job_board.hpp"
#include "system/meter.hpp"
#include "system/run_config.hpp"
#include "system/stream.hpp"
#include "tasks/offload_pool.hpp"
#include "tasks/threads.hpp"
#include "time/pump.hpp"
#include "troupe/dead_letter.hpp"
#include "troupe/detail/clock.hpp"
#include "troupe/detail/small_mutex.hpp"
#include "troupe/detail/unique_function.hpp"
#include "troupe/events.hpp"
#include "troupe/worker_handle.hpp"

#include <caf/fwd.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::detail {

class worker_core;
class core_ptr;
class status_poll;

/// The state that the workers of one actor system share: the clock, the threads
/// for code that blocks, the settings, and the list of all cores. Made on first
/// use and gone with the system; cores and handles that outlive the system find
/// a runtime that says so. Thread-safe.
class runtime {
public:
  /// Returns the runtime of `sys`, making it if there is none yet.
  /// @throws std::logic_error if CAF does not know troupe's types, or in a
  ///         process that came out of `fork()` when `sys` was there.
  /// @throws std::system_error if there is no thread for the clock.
  static std::shared_ptr<runtime> of(caf::actor_system& sys);

  explicit runtime(caf::actor_system& sys);

  ~runtime();

  // -- properties -------------------------------------------------------------

  [[nodiscard]] clock& time() noexcept {
    return *clock_;
  }

  [[nodiscard]] const rules::settings& settings() const noexcept {
    return settings_;
  }

  /// Whether time passes only when all that runs is done.
  [[nodiscard]] bool has_virtual_time() const noexcept {
    return pump_ != nullptr;
  }

  /// Whether the actor system is gone, or about to be.
  [[nodiscard]] bool gone() const noexcept;

  /// Whether this process came out of `fork()` after the runtime was made: its
  /// threads are in the parent, and to wait for anything is to wait for ever.
  [[nodiscard]] bool forked() const noexcept {
    return !pump_ && fork_generation() != generation_;
  }

  // -- the actor system -------------------------------------------------------

  /// The actor system.
  /// @pre it cannot have gone: this is called by one of its actors, or between
  ///      `enter` and `leave`
  [[nodiscard]] caf::actor_system& system() const noexcept {
    return *system_;
  }

  /// Makes the actor system wait for one more worker when it goes down.
  /// @returns `false` if it is too late for that.
  bool count_worker();

  /// Undoes `enter`.
  void uncount_worker();

  /// Writes one line to the system's log, whatever is in `text`, if the log is
  /// still there.
  void log(unsigned level, const std::string& text) noexcept;

  /// Whether the log wants lines of this level.
  [[nodiscard]] bool logs(unsigned level) const noexcept {
    return level <= log_level_.load(std::memory_order_relaxed);
  }

  /// Whether lines of this level go to standard error, because the log does not
  /// want them.
  [[nodiscard]] bool complains(unsigned level) const noexcept {
    return settings_.complains && level > shown_;
  }

  /// Writes one line that nobody should miss: to the system's log or, where
  /// that does not want it, to standard error. Never waits for a reader. Call
  /// it without a lock.
  void complain(unsigned level, const std::string& text) noexcept;

  // -- forces -----------------------------------------------------------------

  /// While it lives, somebody forces a family, level by level.
  class forcing {
  public:
    explicit forcing(runtime& rt) noexcept : rt_(rt) {
      rt_.forces_.fetch_add(1, std::memory_order_seq_cst);
    }

    forcing(const forcing&) = delete;

    forcing& operator=(const forcing&) = delete;

    ~forcing() {
      rt_.forces_.fetch_sub(1, std::memory_order_release);
    }

  private:
    runtime& rt_;
  };

  /// Whether there is such a force, which may not have got to everybody.
  [[nodiscard]] bool is_forcing() const noexcept {
    return forces_.load(std::memory_order_seq_cst) != 0;
  }

  // -- events -----------------------------------------------------------------

  /// The stream of events of workers.
  [[nodiscard]] stream<lifecycle_event>& events() noexcept {
    return events_;
  }

  /// The messages of queues that nobody handles.
  [[nodiscard]] stream<dead_letter>& dead_letters() noexcept {
    return dead_letters_;
  }

  // -- jobs -------------------------------------------------------------------

  /// The stores of jobs that outlive the process.
  [[nodiscard]] job_board& jobs() noexcept {
    return jobs_;
  }

  // -- requests ---------------------------------------------------------------

  /// Tells those who wait for an answer that none will come.
  [[nodiscard]] ask_targets& targets_of_asks() noexcept {
    return *ask_targets_;
  }

  // -- metrics ----------------------------------------------------------------

  /// The counter of messages, or null, which is the rule. For actors, which the
  /// system outlives.
  [[nodiscard]] meter* get_meter() const noexcept {
    return meter_.load(std::memory_order_acquire);
  }

  /// Has `x` count as long as the system is there.
  /// @returns `false` if somebody else does already.
  bool set_meter(std::shared_ptr<meter> x);

  /// Tells the meter, if there is one, of dead letters. Any thread, any time.
  void count_dead_letters(dead_letter_reason why, std::uint64_t n) noexcept;

  // -- threads ----------------------------------------------------------------

  /// Runs `f` on a thread that may block, see `threads`: at once, however many
  /// offloaded calls there are.
  void run_on_thread(unique_function<void()> f, threads::at_stop mode);

  /// Runs `x` on a thread that may block, see `strand::run_on_thread`.
  void offload(std::unique_ptr<thread_job> x, thread_use how);

  /// Where offloaded calls wait for a thread.
  [[nodiscard]] offload_pool& pool() noexcept {
    return pool_;
  }

  /// Whether blocking this thread would stop the clock or, with virtual time,
  /// an actor.
  [[nodiscard]] bool would_block() const noexcept;

  /// Destroys a core on another thread than the clock's.
  void destroy_elsewhere(worker_core* x) noexcept;

  /// Blocks the calling thread until `done` or `limit`; with virtual time, runs
  /// the system meanwhile.
  /// @param wait Blocks until `done` may have changed or `limit` has passed.
  /// @param what Says what is waited for, if nothing will ever happen again in
  ///             virtual time.
  /// @returns whether `done`.
  bool block_until(const std::function<bool()>& done, time_point limit,
                   const std::function<void()>& wait,
                   const std::function<std::string()>& what);

  /// Tells a virtual-time system that what somebody waits for has changed.
  void notify() noexcept;

  // -- cores ------------------------------------------------------------------

  void add(worker_core& x);

  void remove(worker_core& x) noexcept;

  /// @returns a configuration that equals this one, shared with others where
  /// possible.
  [[nodiscard]] std::shared_ptr<const run_config> share(const run_config& x);

  /// Returns all cores.
  [[nodiscard]] std::vector<core_ptr> cores();

  /// Returns those with nobody above them, the oldest first.
  [[nodiscard]] std::vector<core_ptr> top_cores();

  // -- those who look at workers ----------------------------------------------

  /// Notes that `who` is to answer `poller`.
  void add_poller(const worker_core& who, std::shared_ptr<status_poll> poller);

  /// Takes those whom `who` is to answer.
  [[nodiscard]] std::vector<std::shared_ptr<status_poll>>
  take_pollers(const worker_core& who);

  /// Lets go of a poller.
  void forget_poller(const std::shared_ptr<status_poll>& poller) noexcept;

  // -- paths ------------------------------------------------------------------

  /// Makes the path of `x`, a supervisor with nobody above it, known as long as
  /// it is there.
  void add_root(worker_core& x);

  /// Makes the path of `x` that of no other tree.
  /// @returns `false` if another one has it. Exactly one of those that ask at
  ///          the same time gets it.
  [[nodiscard]] bool claim_path(const worker_core& x);

  /// Undoes `claim_path`. A core may be locked meanwhile.
  void release_path(const worker_core& x) noexcept;

  /// Whether a supervisor with nobody above it has that path. Touches no core,
  /// so a core may be locked meanwhile.
  [[nodiscard]] bool knows_root(std::string_view path) const;

  /// Returns the supervisor, or child of one, that has that path, or a handle
  /// that points to nobody. Goes down the tree, from child to child. A tree
  /// that has ended is not found.
  [[nodiscard]] worker_handle find_path(std::string_view path);

  /// Called when the actor system has begun to go down and waits for nobody any
  /// more: from now on no worker can be started.
  void close() noexcept;

  /// Called when the actor system goes: ends the clock and the threads, and
  /// cuts the ties between the remaining cores and their actors.
  void shut_down() noexcept;

private:
  [[nodiscard]] worker_handle find_root(std::string_view path);

  caf::actor_system* system_;
  std::shared_ptr<testing::pump> pump_;
  const unsigned generation_ = fork_generation();
  std::unique_ptr<clock> own_clock_;
  clock* clock_;
  rules::settings settings_;
  const unsigned shown_;            // the highest level that the log wants
  std::atomic<unsigned> log_level_; // that, or 0 when the system is gone
  threads threads_;
  offload_pool pool_;
  stream<lifecycle_event> events_;
  stream<dead_letter> dead_letters_;
  job_board jobs_;
  const std::shared_ptr<ask_targets> ask_targets_
    = std::make_shared<ask_targets>();

  std::shared_ptr<meter> own_meter_;
  std::atomic<meter*> meter_{nullptr};

  mutable small_mutex mtx_;
  std::atomic<bool> closed_{false};
  std::atomic<int> forces_{0}; // under way
  bool gone_ = false;
  worker_core* first_ = nullptr; // a core leaves the list before it goes
  // Two may have one name, of which one runs at most.
  std::multimap<std::string, worker_core*, std::less<>> roots_;
  std::map<std::string, const worker_core*, std::less<>>
    claims_; // by path; until it is over

  small_mutex pollers_mtx_;
  // The status poll holds the core.
  std::unordered_multimap<const worker_core*, std::shared_ptr<status_poll>>
    pollers_;

  // Those that were asked for last.
  small_mutex config_mtx_;
  std::array<std::shared_ptr<const run_config>, 8> config_;
  std::size_t next_config_ = 0;
};

} // namespace troupe::detail
