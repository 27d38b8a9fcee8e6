// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/engine.hpp"
#include "durable/pending_put.hpp"
#include "durable/periodic_jobs.hpp"
#include "durable/seat.hpp"
#include "durable/store_view.hpp"
#include "durable/wake_up.hpp"
#include "rules/backoff.hpp"

#include <caf/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace troupe::detail {

class runtime;

} // namespace troupe::detail

namespace troupe::durable {

/// An open store: the one thread that uses its engine.
///
/// The thread takes what has come in since its last turn and writes all of it
/// in one transaction, so while a commit waits for the disk the next batch
/// grows. A put or a claim is written at once. Ends of jobs, for which nobody
/// waits, are kept for up to 5 ms, unless something else is written before.
/// (J4)
///
/// While the engine does not work, everything stays where it is and is tried
/// again with a backoff; a put fails when its time is over. (J14) If nobody
/// knows whether a commit has happened, that is found out first, so nothing is
/// written twice.
///
/// All functions may be called by any thread. None of them waits but `ask` and
/// the destructor.
class store_thread {
public:
  /// @throws std::system_error if there is no thread.
  store_thread(std::shared_ptr<detail::runtime> rt,
               std::unique_ptr<durable::engine> what, const store_options& how);

  store_thread(const store_thread&) = delete;

  store_thread& operator=(const store_thread&) = delete;

  /// Writes what has come in, for `closing_period` at most, and ends the
  /// thread.
  ~store_thread();

  [[nodiscard]] const store_options& options() const noexcept {
    return options_;
  }

  [[nodiscard]] const std::string& name() const noexcept {
    return name_;
  }

  /// The engine, for the functions that any thread may call.
  [[nodiscard]] durable::engine& engine() const noexcept {
    return *engine_;
  }

  /// Writes a job, and then answers.
  void put(new_job what, timespan within, std::shared_ptr<pending_put> reply);

  /// Puts a job at each slot from now on, until it is over.
  void put_periodically(std::shared_ptr<const periodic_entry> what);

  /// Tells a worker from now on how the store is.
  void enter(std::shared_ptr<seat> who);

  /// A worker is gone: takes back what it ordered.
  void leave(const std::shared_ptr<seat>& who);

  /// Looks for jobs for a worker: now, and whenever there may be some, until
  /// some are ready.
  void order(std::shared_ptr<seat> who, claim_order what);

  /// Ends a claim, and then says so.
  void end(std::shared_ptr<seat> who, job_end what);

  /// Renews a claim, and says so only if it is over.
  void renew(std::shared_ptr<seat> who, claim_id what, timespan lease);

  /// Has `f` called with the engine, and then `then` with what went wrong, if
  /// something did. If `f` throws, what it has begun is rolled back.
  void post(std::function<void(durable::engine&)> f,
            std::function<void(caf::error)> then);

  /// The same for one that waits.
  /// @returns what went wrong, or nothing.
  caf::error ask(std::function<void(durable::engine&)> f);

  /// Counts of this process alone.
  struct counts {
    /// How often a handler has failed, by queue.
    std::map<std::string, std::uint64_t> failures;
    /// How many claims it has ended whose owner was gone, or did not renew it.
    std::uint64_t crashes = 0;
  };

  [[nodiscard]] counts own_counts() const;

  void note_failure(const std::string& queue);

  /// Writes one line to the log of the actor system.
  void warn(const std::string& text) noexcept;

  /// The runtime of the actor system in which the store was opened.
  [[nodiscard]] detail::runtime& rt() const noexcept {
    return *rt_;
  }

private:
  struct put_request {
    new_job what;
    time_point deadline;
    std::shared_ptr<pending_put> reply;
    put_answer done = {};
  };

  struct end_request {
    std::shared_ptr<seat> who;
    job_end what;
    outcome done = outcome::done;
  };

  struct renew_request {
    std::shared_ptr<seat> who;
    renewal what;
    bool held = false;
  };

  struct standing_order {
    std::shared_ptr<seat> who;
    claim_order what;
    std::optional<claim_result> done = {};
  };

  struct question {
    std::function<void(durable::engine&)> f;
    std::function<void(caf::error)> then;
  };

  /// The requests that have come in, and are not in the store yet.
  struct batch {
    std::vector<put_request> puts;
    std::vector<end_request> ends;
    std::vector<renew_request> renewals;

    [[nodiscard]] bool empty() const noexcept {
      return puts.empty() && ends.empty() && renewals.empty();
    }

    /// Takes all that is in another one.
    void add(batch& from);
  };

  /// The facts that the thread knows of a queue for which there are orders.
  struct queue_view {
    /// Whether it is worth a look: something may have become ready.
    bool look = true;
    /// When the next job has its time.
    std::optional<wall_time> next = {};
  };

  [[nodiscard]] static time_point now() noexcept {
    return time_point{std::chrono::steady_clock::now()};
  }

  void run();

  /// Waits until there is something to do.
  /// @returns `false` when it is time to end.
  bool wait_for_work(std::unique_lock<std::mutex>& guard);

  /// How long there is nothing to do.
  [[nodiscard]] time_point work_from(time_point now) const;

  /// How long it may trust the wall clock, which somebody may set.
  [[nodiscard]] timespan longest_wait(timespan limit) const noexcept;

  /// Moves what has come in to the thread's part.
  void take_in();

  void turn();

  /// Looks for what others have done, and for what has got its time.
  void look_around();

  /// Whether one of the orders may find something.
  [[nodiscard]] bool worth_a_claim();

  /// Writes the thread's part in one transaction.
  void write();

  void write_puts();

  void write_ends();

  void write_renewals();

  void claim_all();

  /// Finds out whether the last commit has happened.
  void settle();

  /// Nothing of the last batch was written.
  void take_back();

  /// Tells all of what has been written.
  void tell_all();

  void tell_puts();

  void tell_ends();

  void tell_orders();

  /// Has jobs claimed for a worker that is gone wait again.
  void give_back(const std::string& queue, std::vector<claimed_job> jobs);

  void answer_questions();

  void fail_late_puts();

  /// Fails those whose time is over.
  void fail_late(std::vector<put_request>& xs, const std::string& why);

  void went_wrong(const std::string& why);

  void went_well();

  void tell_state();

  /// Fails what is left.
  void give_up();

  const std::shared_ptr<detail::runtime> rt_;
  const std::unique_ptr<durable::engine> engine_;
  const store_options options_;
  const std::string name_;

  mutable std::mutex mtx_;
  wake_up changed_;
  // With `mtx_`:
  batch incoming_;
  std::vector<question> questions_;
  std::vector<standing_order> new_orders_;
  std::vector<std::shared_ptr<const periodic_entry>> new_periodic_;
  std::vector<std::shared_ptr<seat>> seats_;
  counts counts_;
  time_point write_by_ = never; // when what has come in is to be written
  time_point close_by_ = never;
  bool closing_ = false;
  std::string trouble_; // written by the thread only

  // The thread's own:
  batch taken_;
  batch written_; // from the begin of its transaction until its end is known
  bool unsure_ = false; // whether that is not known
  std::vector<question> asked_;
  std::deque<standing_order> orders_;
  std::map<std::string, queue_view> queues_;
  periodic_jobs periodic_;
  std::uint32_t attempts_ = 0;
  std::uint64_t chance_ = 0;
  time_point try_again_ = time_point::min();
  time_point busy_until_ = time_point::min(); // for all of `taken_`
  time_point next_look_ = time_point::min();
  time_point next_lease_look_ = time_point::min();
  bool recover_ = true;
  std::size_t recovered_ = 0; // in the batch that is under way

  std::thread thread_;
  std::optional<store_view> view_; // goes first
};

} // namespace troupe::durable
