// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/durable/job.hpp"
#include "troupe/durable/options.hpp"
#include "troupe/durable/store.hpp"
#include "troupe/options.hpp"
#include "troupe/task.hpp"
#include "troupe/worker.hpp"

#include <exception>
#include <memory>
#include <utility>

namespace troupe::durable {

/// The part of a durable worker that does not depend on the type of its jobs.
class basic_worker : public troupe::worker {
public:
  ~basic_worker() override;

  task<> run() final;

  /// Shows beside its status: its queue, and what it has done. A class
  /// that overrides it calls this one too.
  status_fields describe() override;

protected:
  /// @throws std::invalid_argument for an option out of its range, or a queue
  ///         that belongs to no store.
  basic_worker(queue_base source, const durable::options& how);

  /// How it was made.
  [[nodiscard]] const durable::options& settings() const noexcept;

  /// Reads the payload, and handles the job.
  virtual task<> handle_payload(job& x) = 0;

private:
  friend class job;

  class desk;

  std::unique_ptr<desk> desk_;
};

/// A worker that handles the jobs of a queue in a store, several at a time if
/// its options say so.
///
/// ~~~
/// class mailer : public troupe::durable::worker<letter> {
/// public:
///   using worker::worker; // takes its queue and options
///
///   troupe::task<> handle(const letter& x, troupe::durable::job& job) override
///   {
///     co_await deliver(x, job.id()); // returned: done. thrown: tried again
///   }
/// };
/// ~~~
///
/// A job may be handled more than once: when the process goes before its end is
/// in the store, or when its claim is lost. Make its effect such that this does
/// no harm, or end it in the transaction that has the effect, see
/// `job::done_in`.
///
/// Do not call `finish()` or `fail()` in `handle`: it ends all handlers at
/// once, as a force does. Throw, or have somebody stop the worker.
///
/// All else is as with any worker, but it needs a real actor system: the time
/// of a `testing::system` does not wait for a store. At a stop it gives back
/// what it has not begun, and the handlers that run have the grace period to
/// return. (J7)
/// @tparam T The payload, see `queue`.
template <payload_type T>
class worker : public basic_worker {
public:
  /// @param source Where its jobs are.
  /// @throws std::invalid_argument for an option out of its range, or a queue
  ///         that belongs to no store.
  explicit worker(durable::queue<T> source, const durable::options& how = {})
    : basic_worker(std::move(source), how) {
    // nop
  }

  /// Handles one job, beside others if the options say so; all of them run on
  /// the worker's actor, one at a time. When it returns, the job is done, or
  /// what `job` was told; when it throws, the job has failed.
  /// @param x The payload; stays until the end.
  virtual task<> handle(const T& x, job& job) = 0;

protected:
  /// The meaning of a failure to the job: by default that of the options. A
  /// `retry` says how often and after which backoff the job is tried again,
  /// counted from its first failure; `skip` buries it at once; `fail` counts
  /// the failure by the options, and then fails the worker, once the other jobs
  /// in hand have ended. What this throws does so too. (J5)
  /// @param x The payload.
  /// @param thrown What `handle` has thrown.
  /// @param failures How often it has failed, this time included.
  virtual on_error policy_for([[maybe_unused]] const T& x,
                              [[maybe_unused]] const std::exception_ptr& thrown,
                              [[maybe_unused]] int failures) {
    return on_error::retry(this->settings().max_failures - 1,
                           this->settings().backoff);
  }

private:
  task<> handle_payload(job& what) final;
};

template <payload_type T>
task<> worker<T>::handle_payload(job& what) {
  if (what.type() != type_name<T>()) {
    what.unreadable("the payload is a " + what.type() + "; its worker handles "
                    + type_name<T>());
    co_return;
  }
  T x{};
  try {
    x = decode<T>(what.payload());
  } catch (const payload_error& e) {
    what.unreadable(e.what());
    co_return;
  }
  std::exception_ptr thrown;
  try {
    auto handling = handle(x, what);
    co_await std::move(handling);
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown)
    what.failed(policy_for(x, thrown, what.failures() + 1), thrown);
}

} // namespace troupe::durable
