// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/job_lane.hpp"

#include "base/make_thread.hpp"

#include <system_error>
#include <utility>

namespace troupe::observing {

using namespace detail;

namespace {

/// How many jobs may wait for a thread.
constexpr std::size_t most_waiting = 128;

} // namespace

job_lane::job_lane(const char* purpose, std::size_t most) : most_(most) {
  threads_.reserve(most);
  threads_.push_back(make_thread(purpose, [this] { work(); }));
}

job_lane::~job_lane() {
  close();
  for (auto& x : threads_)
    x.join();
}

bool job_lane::submit(job what) {
  const std::unique_lock guard{mtx_};
  if (closed_ || waiting_.size() >= most_waiting)
    return false;
  waiting_.push_back(std::move(what));
  if (idle_ < waiting_.size() && threads_.size() < most_) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      static_cast<void>(threads_.size()); // It waits for one of the others.
    }
  }
  more_.notify_one();
  return true;
}

void job_lane::close() {
  std::deque<job> dropped;
  const std::unique_lock guard{mtx_};
  closed_ = true;
  std::swap(dropped, waiting_);
  more_.notify_all();
}

void job_lane::work() {
  std::unique_lock guard{mtx_};
  for (;;) {
    ++idle_;
    more_.wait(guard, [this] { return closed_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty())
      return;
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    guard.unlock();
    next();
    next = nullptr;
    guard.lock();
  }
}

} // namespace troupe::observing
