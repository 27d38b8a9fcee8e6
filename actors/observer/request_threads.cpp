// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/request_threads.hpp"

#include <system_error>

namespace troupe::observing {

namespace {

/// How many may wait for a thread.
constexpr std::size_t most_waiting = 256;

thread_local bool too_many = false;

/// `true`, where there is a result.
template <class T>
T accepted() {
  if constexpr (!std::is_void_v<T>)
    return true;
}

} // namespace

request_threads::enqueue_result
request_threads::enqueue(std::function<void()> job) {
  std::unique_lock guard{mtx_};
  if (idle_ <= jobs_.size() && threads_.size() < most_) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      // It waits for one of the others, if there are any.
      static_cast<void>(threads_.size());
    }
  }
  if (threads_.empty() || jobs_.size() >= most_waiting) {
    guard.unlock();
    too_many = true;
    job();
    too_many = false;
  } else {
    jobs_.push_back(std::move(job));
    more_.notify_one();
  }
  return accepted<enqueue_result>();
}

bool request_threads::too_many_here() noexcept {
  return too_many;
}

void request_threads::shutdown() {
  {
    std::unique_lock guard{mtx_};
    over_ = true;
    more_.notify_all();
  }
  for (auto& x : threads_)
    x.join();
}

void request_threads::work() {
  std::unique_lock guard{mtx_};
  for (;;) {
    ++idle_;
    more_.wait(guard, [this] { return over_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty())
      return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    guard.unlock();
    job();
    job = nullptr;
    guard.lock();
  }
}

} // namespace troupe::observing
