// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/durable/options.hpp"
#include "troupe/durable/receipt.hpp"
#include "troupe/durable/transaction.hpp"
#include "troupe/options.hpp"
#include "troupe/time.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>

namespace troupe::durable {

class basic_worker;
class store_thread;
struct claimed_job;

/// Thrown by `job::done_in`: somebody else may have the job by now.
class claim_lost : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A job while a worker has it in hand. Belongs to the worker: use it in
/// `handle` and what that awaits, except where it says otherwise.
class job {
public:
  job(const job&) = delete;

  job& operator=(const job&) = delete;

  ~job();

  /// The number of the job, unique in its store.
  [[nodiscard]] job_id id() const noexcept;

  /// The number of this claim of it: it grows with each one, so the pair of id
  /// and number is never there twice. A fence for other systems: one that has
  /// seen a larger number of the same job refuses this one.
  [[nodiscard]] std::int64_t claim_number() const noexcept;

  /// How often it has failed before.
  [[nodiscard]] int failures() const noexcept;

  /// How often it was in the hands of somebody who has gone.
  [[nodiscard]] int crashes() const noexcept;

  /// When it was put.
  [[nodiscard]] wall_time enqueued_at() const noexcept;

  /// Whether its claim is over, so that somebody else may have it: its lease
  /// was not renewed, or a `max_run` has passed. What `handle` does from then
  /// on to the job changes nothing. (J8)
  [[nodiscard]] bool lost() const noexcept;

  /// Is set when the claim is lost. The token may be used by any thread.
  [[nodiscard]] std::stop_token stop_token() const noexcept;

  // -- what becomes of it, when `handle` returns ------------------------------

  /// It waits, and then comes again; nothing is counted.
  void snooze(timespan delay);

  /// @copydoc snooze
  template <class Rep, class Period>
  void snooze(std::chrono::duration<Rep, Period> delay) {
    snooze(to_timespan(delay));
  }

  /// It is given up, and kept for a person.
  /// @param why For that person.
  void bury(std::string why);

  /// Begins `options::max_run` anew.
  void extend();

  /// Ends the job in a transaction of the user's own: if that is committed, the
  /// job is done, and its effect in that database has happened exactly once. If
  /// it is not committed by the time `handle` returns, the job has failed.
  /// @throws claim_lost if the claim is over; roll back.
  /// @throws store_error with SQLite's own text if that does not work.
  /// @throws std::invalid_argument if no transaction is open on the connection,
  ///         or it is one to another database.
  void done_in(const transaction& tx);

  // The store's worker makes it and says how it went.

  /// A job that `owner` has claimed.
  job(claimed_job what, const basic_worker& owner);

  /// The type of its payload, as `put` has written it down.
  [[nodiscard]] const std::string& type() const noexcept;

  /// Its payload, as the codec has written it.
  [[nodiscard]] const std::string& payload() const noexcept;

  /// `handle` has thrown.
  void failed(const on_error& policy, std::exception_ptr thrown);

  /// The payload cannot be read.
  void unreadable(std::string why);

private:
  friend class basic_worker;

  struct state;

  std::unique_ptr<state> state_;
};

} // namespace troupe::durable
