// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <httplib.h>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe::observing {

/// The threads that serve requests: as many as there are requests at a time,
/// within a limit, and none before there is one. Those beyond it wait, within
/// another limit; beyond that they are run at once, to be turned away.
class request_threads final : public httplib::TaskQueue {
public:
  explicit request_threads(std::size_t most) : most_(most) {
    // nop
  }

  // The return type depends on the version of the library.
  using enqueue_result = decltype(std::declval<httplib::TaskQueue&>().enqueue(
    std::declval<std::function<void()>>()));

  enqueue_result enqueue(std::function<void()> job) override;

  void shutdown() override;

  /// Whether a job that runs on this thread is to end at once, because there
  /// are too many that wait.
  [[nodiscard]] static bool too_many_here() noexcept;

private:
  void work();

  const std::size_t most_;

  std::mutex mtx_;
  std::condition_variable more_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool over_ = false;
};

} // namespace troupe::observing
