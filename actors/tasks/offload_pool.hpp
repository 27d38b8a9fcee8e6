// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "tasks/threads.hpp"
#include "time/pump.hpp"
#include "troupe/detail/thread_job.hpp"

#include <cstddef>
#include <memory>

namespace troupe::detail {

/// The bound on how many offloaded calls run at once: what is beyond it waits
/// for its turn, first come, first served, and may be taken back meanwhile. The
/// threads themselves come from `threads`, which is also where those get one
/// who must not wait behind such calls.
///
/// With virtual time, the calls that run count as work outside. Waiting calls
/// need not be counted: while one waits, another runs, and that one keeps
/// virtual time from moving.
///
/// Its lock is a leaf: nothing is called while it is held.
class offload_pool {
public:
  /// Where its calls are.
  struct counts {
    std::size_t busy = 0;     ///< Run, and count against the bound.
    std::size_t queued = 0;   ///< Wait for their turn.
    std::size_t given_up = 0; ///< Run, and do not count any more.
  };

  /// @param bound How many calls run at most, at least one.
  /// @param source Where the threads come from; outlives the pool.
  /// @param time Null with real time.
  offload_pool(std::size_t bound, threads& source,
               std::shared_ptr<testing::pump> time);

  offload_pool(const offload_pool&) = delete;

  offload_pool& operator=(const offload_pool&) = delete;

  ~offload_pool();

  /// Runs `x` when it is its turn, and then destroys it. After `stop`, it is
  /// destroyed at once.
  /// @throws std::system_error if there is no thread, when it is its turn at
  ///         once; later it is destroyed.
  void run(std::unique_ptr<thread_job> x);

  /// Takes back `x`, which must not have been destroyed.
  /// @returns null if it has begun.
  [[nodiscard]] std::unique_ptr<thread_job> take_back(thread_job& x) noexcept;

  /// Nobody waits for the calls of `who` any more: those that run do not count
  /// against the bound from now on, those that wait are destroyed.
  void abandon(const strand& who) noexcept;

  /// Destroys what waits, and lets nothing begin.
  void stop() noexcept;

  [[nodiscard]] counts count() const noexcept;

private:
  struct shared;

  class server;

  void launch(std::unique_ptr<thread_job> x);

  void fill() noexcept;

  threads* source_;
  std::shared_ptr<shared> shared_;
};

} // namespace troupe::detail
