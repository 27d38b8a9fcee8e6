// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/strand.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <limits>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::testing {

/// A strand that a test drives by hand, on the test's own thread. What may
/// block runs on real threads, which are joined at the end.
class loop_strand : public detail::strand {
public:
  static constexpr auto no_limit = std::numeric_limits<std::size_t>::max();

  loop_strand() = default;

  ~loop_strand() override {
    join();
  }

  // -- what the strand asks for -----------------------------------------------

  void run_on_thread(std::unique_ptr<detail::thread_job> what,
                     thread_use) override {
    if (refuse_threads)
      throw std::runtime_error("no thread to be had");
    if (drop_functions)
      return;
    if (keep_queued) {
      queued.push_back(std::move(what));
      return;
    }
    threads_.emplace_back([what = std::move(what)]() mutable {
      auto mine = std::move(what);
      mine->run();
    });
  }

  std::unique_ptr<detail::thread_job>
  take_back(detail::thread_job& what) noexcept override {
    auto i = std::find_if(queued.begin(), queued.end(),
                          [&what](auto& x) { return x.get() == &what; });
    if (i == queued.end())
      return nullptr;
    auto result = std::move(*i);
    queued.erase(i);
    return result;
  }

  void hold_ref() noexcept override {
    ++refs;
  }

  void drop_ref() noexcept override {
    --refs;
  }

  // -- driving it -------------------------------------------------------------

  /// Resumes what can go on now. Returns how much that was.
  std::size_t run(std::size_t max = no_limit) {
    std::size_t total = 0;
    do {
      take_wake();
      total += run_ready(max - total);
    } while (has_ready() && total < max);
    return total;
  }

  /// Resumes what can go on, and waits for other threads to post more, until
  /// `done()`.
  template <class Predicate>
  void run_until(Predicate done) {
    for (;;) {
      run();
      if (done())
        return;
      std::unique_lock guard{mutex_};
      woken_.wait(guard, [this] { return wakes_pending_ > 0; });
    }
  }

  /// Waits for all functions that run on threads.
  void join() {
    for (auto& thread : threads_)
      thread.join();
    threads_.clear();
  }

  /// How often the strand asked to be woken.
  [[nodiscard]] std::size_t wakes() const {
    std::unique_lock guard{mutex_};
    return wakes_;
  }

  std::atomic<int> refs = 0;
  bool refuse_threads = false;
  bool drop_functions = false;

  /// Whether jobs are to wait in `queued`, where the test finds them.
  bool keep_queued = false;
  std::vector<std::unique_ptr<detail::thread_job>> queued;

protected:
  void wake() noexcept override {
    std::unique_lock guard{mutex_};
    ++wakes_;
    ++wakes_pending_;
    woken_.notify_all();
  }

private:
  void take_wake() {
    std::unique_lock guard{mutex_};
    wakes_pending_ = 0;
  }

  mutable std::mutex mutex_;
  std::condition_variable woken_;
  std::size_t wakes_ = 0;
  std::size_t wakes_pending_ = 0;
  std::vector<std::thread> threads_;
};

} // namespace troupe::testing
