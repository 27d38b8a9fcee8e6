// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::detail {

/// The figures of a queue of jobs that outlive the process.
struct job_queue_figures {
  std::string queue;
  // Of the store, whichever process has done it:
  std::uint64_t put = 0;
  std::uint64_t waiting = 0;
  std::uint64_t running = 0;
  std::uint64_t buried = 0;
  std::uint64_t done = 0;
  std::uint64_t purged = 0;
  /// How long ago the first of the waiting jobs had its time; zero: none had.
  timespan oldest_wait{0};
  /// Of this process: how often a handler has failed.
  std::uint64_t failures = 0;
};

struct job_store_figures {
  std::vector<job_queue_figures> queues;
  /// Of this process: how many claims it has ended since nobody else would.
  std::uint64_t crashes = 0;
};

/// A job that was given up.
struct buried_job {
  std::int64_t id = 0;
  std::string queue;
  std::string type;
  int failures = 0;
  int crashes = 0;
  std::string error;
};

/// A store of jobs, to those who look at it. Its functions block, for some
/// seconds at most; for one thread at a time.
class job_keeper {
public:
  job_keeper() = default;

  job_keeper(const job_keeper&) = delete;

  job_keeper& operator=(const job_keeper&) = delete;

  virtual ~job_keeper();

  [[nodiscard]] virtual std::string name() const = 0;

  [[nodiscard]] virtual caf::expected<job_store_figures> figures() = 0;

  /// Those with ids above `after`, the smallest ones first.
  [[nodiscard]] virtual caf::expected<std::vector<buried_job>>
  buried(std::int64_t after, std::size_t at_most) = 0;

  /// @returns nothing, or `errc::not_found` if no such job is buried.
  virtual caf::error requeue(std::int64_t id) = 0;

  /// Deletes a job.
  /// @returns nothing, or `errc::not_found` if no such job waits or is buried.
  virtual caf::error purge(std::int64_t id) = 0;
};

/// The stores that are open in an actor system: the component that keeps jobs
/// enters them, the one that shows a tree looks at them, and neither knows the
/// other. Thread-safe.
class job_board {
public:
  /// A place on the board; the store leaves it first.
  class place {
  public:
    explicit place(job_keeper& who) noexcept : who_(&who) {
      // nop
    }

    /// Calls `f` with the store, if it is there, alone.
    /// @returns whether it was.
    template <class F>
    bool look(F f) {
      std::unique_lock guard{mtx_};
      if (who_ != nullptr)
        f(*who_);
      return who_ != nullptr;
    }

  private:
    friend class job_board;

    std::mutex mtx_;
    job_keeper* who_;
  };

  std::shared_ptr<place> enter(job_keeper& who);

  /// Waits until nobody looks at the store.
  void leave(const std::shared_ptr<place>& where) noexcept;

  /// Returns the places, the oldest first.
  [[nodiscard]] std::vector<std::shared_ptr<place>> places() const;

private:
  mutable std::mutex mtx_;
  std::vector<std::shared_ptr<place>> places_;
};

} // namespace troupe::detail
