// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/held_job.hpp"
#include "durable/seat.hpp"
#include "durable/store_thread.hpp"
#include "troupe/channel.hpp"
#include "troupe/durable/worker.hpp"
#include "troupe/event.hpp"
#include "troupe/status_fields.hpp"
#include "troupe/time.hpp"

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <string>

namespace troupe::durable {

/// The place where a durable worker does its work: the jobs in its hands, and
/// its seat with the store. It belongs to the worker's actor, but for
/// `hand_over`.
///
/// A job comes to the desk when it is claimed, is *taken up* by one of the
/// coroutines that handle jobs, and is *put down* when its handler has ended.
/// Its claim stays on the list until the store says that its end is written.
class basic_worker::desk {
public:
  desk(basic_worker& owner, queue_base source, const durable::options& how);

  desk(const desk&) = delete;

  desk& operator=(const desk&) = delete;

  /// Jobs that were not begun wait again.
  ~desk();

  // -- properties -------------------------------------------------------------

  [[nodiscard]] store_thread& store() const noexcept {
    return *source_.where();
  }

  [[nodiscard]] const std::string& queue() const noexcept {
    return source_.name();
  }

  [[nodiscard]] const durable::options& options() const noexcept {
    return options_;
  }

  /// The time on the worker's clock.
  [[nodiscard]] time_point now() const {
    return owner_.now();
  }

  [[nodiscard]] status_fields describe() const;

  // -- the parts of `run` -----------------------------------------------------

  /// Hears what the store has to say, until all is over.
  task<> follow_store();

  /// Renews claims, until all is over.
  task<> renew_claims();

  /// Handles one job after another.
  task<> handle_jobs();

  /// The exception that is to fail the worker, or null.
  [[nodiscard]] const std::exception_ptr& failure() const noexcept {
    return failure_;
  }

private:
  class handling;

  /// A claim whose end is not in the store yet.
  struct held {
    /// The job, until its handler has ended.
    job* what = nullptr;
    /// When it was claimed, or renewed.
    time_point since;
  };

  [[nodiscard]] std::size_t in_hand() const noexcept {
    return in_hand_;
  }

  void hear(store_news news);

  void accept(claimed_job what);

  void lose(const claim_id& claim);

  /// Asks the store for jobs, if there is room for some.
  void place_order();

  /// No more jobs: gives back those that were not begun.
  void close();

  void give_back(job& what);

  /// The end of a handler, or of the chance that it has.
  void put_down(job& what, rules::ending how);

  void note_length(timespan length) noexcept;

  /// When `renew_claims` has something to do next.
  [[nodiscard]] time_point next_renewal() const;

  void renew_what_is_due();

  basic_worker& owner_;
  const queue_base source_;
  const durable::options options_;
  const std::shared_ptr<seat> seat_ = std::make_shared<seat>();
  channel<std::unique_ptr<job>> ready_;
  std::map<claim_id, held> held_;
  std::size_t in_hand_ = 0; // of `held_`, those with a job
  event changed_;           // there is something for `renew_claims`
  bool entered_ = false;
  bool ordered_ = false;
  bool closed_ = false;
  bool over_ = false;
  /// Until then it waits for its hands to become empty; `never`: it does not.
  time_point patient_until_ = never;
  /// Until then it has one job alone; `never`: it has not.
  time_point alone_until_ = never;
  timespan mean_{0};
  std::exception_ptr failure_;
  std::uint64_t chance_;
  std::uint64_t handled_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t lost_ = 0;
};

} // namespace troupe::durable
