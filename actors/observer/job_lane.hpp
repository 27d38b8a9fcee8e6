// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe::observing {

/// Threads for requests of one sort, which may wait for workers: those of
/// another sort have a lane of their own, so that they never wait behind these.
/// Thread-safe.
class job_lane {
public:
  using job = std::function<void()>;

  /// Starts one thread; further ones come as they are needed, and where there
  /// are none jobs wait for the others.
  /// @param purpose For the text of the exception.
  /// @param most How many threads there are at most, more than zero.
  /// @throws std::system_error if there is no thread.
  job_lane(const char* purpose, std::size_t most);

  job_lane(const job_lane&) = delete;

  job_lane& operator=(const job_lane&) = delete;

  /// Waits for the jobs at work.
  ~job_lane();

  /// @param what Must not throw.
  /// @returns `false` if too many wait already, or after `close`.
  [[nodiscard]] bool submit(job what);

  /// Drops the jobs that wait, and takes no more.
  void close();

private:
  void work();

  const std::size_t most_;

  std::mutex mtx_;
  std::condition_variable more_;
  std::deque<job> waiting_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool closed_ = false;
};

} // namespace troupe::observing
