// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/rules.hpp"
#include "troupe/durable/receipt.hpp"
#include "troupe/durable/transaction.hpp"
#include "troupe/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace troupe::durable {

/// A database could not do what it was asked. The text is its own, with the
/// name of the store before it.
class engine_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// It refuses one change, and would again; what else was begun is as it was.
class refusal : public engine_error {
public:
  using engine_error::engine_error;
};

/// The clocks of an engine; a test brings its own.
struct clocks {
  std::function<wall_time()> wall = wall_now;
  /// For leases: monotonic, and the same for all processes of a machine.
  std::function<time_point()> steady = [] {
    return time_point{std::chrono::steady_clock::now()};
  };
};

/// How to treat a database, or tables in it, that are not there.
enum class if_missing : std::uint8_t {
  make,
  /// That is an error, and so are tables of an older version: nothing is
  /// changed.
  refuse,
};

/// A job before it is in the store.
struct new_job {
  std::string queue;
  std::string type;
  std::string payload;
  /// The epoch, or anything before it: now.
  wall_time run_at{};
  int priority = 0;
  std::string unique;
};

/// A claim: which job, and the number that goes up with each claim of it.
struct claim_id {
  job_id id = 0;
  std::int64_t fence = 0;

  friend auto operator<=>(const claim_id&, const claim_id&) = default;
};

/// A job together with the right to handle it.
struct claimed_job {
  claim_id claim;
  std::string type;
  std::string payload;
  rules::tries before;
  wall_time put_at;
};

/// The request of a worker for jobs.
struct claim_order {
  std::string queue;
  std::size_t room = 0;
  bool hands_empty = true;
  /// See `rules::claim_of`.
  bool patient = true;
  timespan lease{0};
  /// The limit that holds when no worker is left to say another.
  int max_crashes = 1;
};

/// The answer to it.
struct claim_result {
  std::vector<claimed_job> jobs;
  /// Whether it did not get all that are ready.
  bool more = false;
};

/// The end of a claim.
struct job_end {
  std::string queue;
  claim_id claim;
  rules::decision what;
  /// Why, if something went wrong; else empty, which keeps what is there.
  std::string error;
  /// How long a job that is done is kept.
  timespan keep_done{0};
  /// The user's own transaction has ended the job, unless it was rolled back:
  /// so `what` holds if the job is still there, and if not, all is well.
  bool ended_by_user = false;
};

/// Lets a claim hold for longer.
struct renewal {
  claim_id claim;
  timespan lease{0};
};

/// The answer to one change among others.
enum class outcome : std::uint8_t {
  done,
  /// The claim is over, and nothing has changed.
  over,
  /// Somebody else's transaction has it: nothing has changed, try again later.
  busy,
  /// It cannot be written, and others can.
  refused,
};

/// The answer to one put among others.
struct put_answer {
  outcome what = outcome::done;
  receipt done;
  /// Why it was refused.
  std::string why = {};
};

/// A database with jobs in it, as one thread sees it. All functions but the
/// destructor throw `engine_error`. Changes happen between `begin` and
/// `commit`, all of them or none.
class engine {
public:
  virtual ~engine() = default;

  // -- batches ----------------------------------------------------------------

  virtual void begin() = 0;

  /// When it returns, what has been changed since `begin()` is safe.
  virtual void commit() = 0;

  /// Whether the last `commit()`, which has thrown, has changed the store all
  /// the same: a connection can break while the answer is on its way.
  /// @throws engine_error while that is not known.
  [[nodiscard]] virtual bool was_committed() {
    return false;
  }

  /// Never throws; without effect when nothing was begun.
  virtual void rollback() noexcept = 0;

  // -- changes (between `begin` and `commit`) ----------------------------------

  /// @throws refusal too, if this job cannot be written, and others can.
  virtual receipt put(const new_job& x) = 0;

  /// As `put`, for several at once.
  /// @returns an answer for each.
  virtual std::vector<put_answer> put_all(std::span<const new_job* const> xs);

  virtual claim_result claim(const claim_order& what) = 0;

  /// @returns whether the claim still held; if not, nothing has changed.
  virtual bool end(const job_end& what) = 0;

  /// As `end`, for several at once.
  /// @returns for each, whether it is `done`, `over` or `busy`.
  virtual std::vector<outcome> end_all(std::span<const job_end* const> xs);

  /// Lets a claim hold for `lease` from now on.
  /// @returns whether it still held; if not, nothing has changed.
  virtual bool renew(const claim_id& claim, timespan lease) = 0;

  /// As `renew`, for several at once.
  virtual std::vector<bool> renew_all(std::span<const renewal> xs);

  /// Ends the claims of owners that are gone, and those that were not renewed.
  /// @returns how many.
  virtual std::size_t recover() = 0;

  /// Deletes jobs that have been done for long enough, some at a time.
  virtual void forget_done() = 0;

  /// Makes a buried job wait again, as if it had never been tried.
  /// @returns whether there is such a buried job.
  virtual bool requeue(job_id id) = 0;

  /// Deletes a job that waits or is buried.
  /// @returns whether there is such a job.
  virtual bool purge(job_id id) = 0;

  /// The last slot of a periodic job that is over and done with; none: nobody
  /// has noted one. Others who ask for it wait until the end of the batch, so
  /// that a slot is dealt with once.
  virtual std::optional<wall_time>
  last_slot(const std::string& queue, const std::string& name) = 0;

  /// Notes that slot.
  virtual void
  note_slot(const std::string& queue, const std::string& name, wall_time slot)
    = 0;

  // -- looks -------------------------------------------------------------------

  /// Whether a job of the queue can be claimed now.
  [[nodiscard]] virtual bool is_ready(const std::string& queue) = 0;

  /// When the next job of the queue has its time; none: no job waits.
  [[nodiscard]] virtual std::optional<wall_time>
  next_run_at(const std::string& queue) = 0;

  /// Whether `recover` has something to do. Cheap: it is asked often.
  [[nodiscard]] virtual bool someone_is_gone() = 0;

  /// How long it takes until the first lease is over, unless it is renewed:
  /// zero or less if `recover` has such claims to end; none: nothing runs.
  [[nodiscard]] virtual std::optional<timespan> next_lease_end() = 0;

  /// Whether `recover` has claims to end that were not renewed.
  [[nodiscard]] bool lease_is_over() {
    const auto end = next_lease_end();
    return end && *end <= timespan::zero();
  }

  /// Whether somebody else may have changed something since the last call.
  /// Cheap: it is asked often.
  [[nodiscard]] virtual bool changed_by_others() = 0;

  /// How often the three above have to be asked while somebody waits for jobs.
  [[nodiscard]] virtual timespan look_period() const noexcept = 0;

  /// The same for `next_lease_end`, while no lease is near its end.
  [[nodiscard]] virtual timespan lease_look_period() const noexcept = 0;

  /// A file that can be read when `changed_by_others` has something to say, and
  /// is to be asked sooner; -1: there is none. Any call may change it.
  [[nodiscard]] virtual int news_file() const noexcept {
    return -1;
  }

  /// Whether that is so, and the file does not show it any more.
  [[nodiscard]] virtual bool has_news() const noexcept {
    return false;
  }

  /// The names of all queues that have had a job, in order.
  [[nodiscard]] virtual std::vector<std::string> queues() = 0;

  [[nodiscard]] virtual queue_totals count(const std::string& queue) = 0;

  [[nodiscard]] virtual std::vector<job_record> list(const job_filter& which)
    = 0;

  [[nodiscard]] virtual wall_time wall() const = 0;

  /// The name of the store in errors.
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;

  // -- in a transaction of the user's (by any thread, at any time) --------------

  /// Puts a job.
  /// @throws std::invalid_argument if no transaction is open, or it is not one
  ///         in this database.
  [[nodiscard]] virtual receipt put_in(const transaction& tx, const new_job& x)
    = 0;

  /// Ends a job that has been handled.
  /// @returns whether the claim still holds; if not, nothing has changed.
  /// @throws std::invalid_argument as above.
  [[nodiscard]] virtual bool done_in(const transaction& tx,
                                     const std::string& queue,
                                     const claim_id& claim, timespan keep_done)
    = 0;
};

} // namespace troupe::durable
