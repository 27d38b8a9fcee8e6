// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstdint>

namespace troupe {

/// Which thread a call that blocks gets.
enum class thread_use : std::uint8_t {
  /// One of a bounded number, as soon as one is free: for calls that come to an
  /// end by themselves.
  pooled,
  /// One of its own, at once: for calls that may take as long as the worker
  /// lives.
  own,
};

} // namespace troupe

namespace troupe::detail {

class strand;

/// Something to be run on a thread that may block, on behalf of a strand: what
/// `strand::run_on_thread` takes. Its holder destroys it, run or not. The
/// destructor is told nothing, so the job itself must know whether it was run.
class thread_job {
public:
  explicit thread_job(strand& strand) noexcept : strand_(&strand) {
    // nop
  }

  thread_job(const thread_job&) = delete;

  thread_job& operator=(const thread_job&) = delete;

  virtual ~thread_job() = default;

  /// Runs it, once.
  virtual void run() noexcept = 0;

  /// The strand that it belongs to. An address; the strand may have other
  /// threads at work.
  [[nodiscard]] strand& get_strand() const noexcept {
    return *strand_;
  }

private:
  friend class offload_pool;

  enum class place : std::uint8_t { nowhere, queued, running, given_up };

  // The pool's, guarded by its lock.
  thread_job* next_ = nullptr;
  thread_job* previous_ = nullptr;
  place place_ = place::nowhere;

  strand* strand_;
};

} // namespace troupe::detail
