// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "tasks/offload_pool.hpp"

#include "base/linked_list.hpp"

#include <mutex>
#include <optional>
#include <utility>

namespace troupe::detail {

/// The state that the threads share with the pool; a thread that never comes
/// back keeps it alive.
struct offload_pool::shared {
  using job_ptr = std::unique_ptr<thread_job>;
  using place = thread_job::place;

  /// A list whose nodes are the jobs.
  struct list {
    thread_job* first = nullptr;
    thread_job* last = nullptr;
    std::size_t size = 0;

    void push_back(thread_job& x) noexcept {
      link_last(x, first, last, &thread_job::next_, &thread_job::previous_);
      ++size;
    }

    void erase(thread_job& x) noexcept {
      unlink(x, first, last, &thread_job::next_, &thread_job::previous_);
      --size;
    }
  };

  shared(std::size_t max, std::shared_ptr<testing::pump> clockwork)
    : bound(max), time(std::move(clockwork)) {
    // nop
  }

  /// The loop of one thread, which begins with `next`.
  void serve(job_ptr next) noexcept {
    while (next) {
      // A job that has run counts until the next one does.
      std::optional<testing::pump::external_thread> mark;
      if (time)
        mark.emplace(time);
      next->run();
      const auto counted = leave(*next);
      next = nullptr; // may be the end of a worker
      next = take_next(counted);
      if (next && time)
        time->external_begin();
    }
  }

  /// Takes `x`, which has run, from its list.
  /// @returns whether it counts against the bound until `take_next`.
  bool leave(thread_job& x) noexcept {
    std::unique_lock guard{mtx};
    running.erase(x);
    if (x.place_ == place::given_up) {
      --given_up;
      return false;
    }
    return true;
  }

  /// A job that has left has no successor.
  void forget(bool counted) noexcept {
    std::unique_lock guard{mtx};
    if (counted)
      --busy;
  }

  /// @param counted Whether the call before it counted against the bound.
  /// @returns what this thread is to run next, or null.
  job_ptr take_next(bool counted) noexcept {
    std::unique_lock guard{mtx};
    if (counted)
      --busy;
    return pop();
  }

  /// Takes out the next job if there may run one more.
  /// @pre the lock is held
  job_ptr pop() noexcept {
    auto* x = queued.first;
    if (x == nullptr || busy >= bound)
      return nullptr;
    queued.erase(*x);
    enter(*x);
    return job_ptr{x};
  }

  /// @pre the lock is held
  void enter(thread_job& x) noexcept {
    x.place_ = place::running;
    running.push_back(x);
    ++busy;
  }

  /// @pre the lock is held
  void move_to(list& other, thread_job& x) noexcept {
    queued.erase(x);
    x.place_ = place::nowhere;
    other.push_back(x);
  }

  /// @pre the lock is not held
  static void destroy(list& jobs) noexcept {
    for (auto* x = jobs.first; x != nullptr;)
      delete std::exchange(x, x->next_);
  }

  const std::size_t bound;
  const std::shared_ptr<testing::pump> time;

  std::mutex mtx;
  list queued; // owns its jobs
  list running;
  std::size_t busy = 0;
  std::size_t given_up = 0;
  bool stopped = false;
};

/// The function of a thread: serves, beginning with one job. Where it is thrown
/// away instead, that job has left the pool.
class offload_pool::server {
public:
  server(std::shared_ptr<shared> pool, std::unique_ptr<thread_job> first)
    : pool_(std::move(pool)), first_(std::move(first)) {
    // nop
  }

  server(server&&) noexcept = default;

  ~server() {
    if (!first_)
      return;
    const auto counted = pool_->leave(*first_);
    first_ = nullptr;
    pool_->forget(counted);
    if (pool_->time)
      pool_->time->external_end();
  }

  void operator()() noexcept {
    pool_->serve(std::move(first_));
  }

private:
  std::shared_ptr<shared> pool_;
  std::unique_ptr<thread_job> first_;
};

offload_pool::offload_pool(std::size_t bound, threads& source,
                           std::shared_ptr<testing::pump> time)
  : source_(&source),
    shared_(std::make_shared<shared>(bound, std::move(time))) {
  // nop
}

offload_pool::~offload_pool() {
  stop();
}

void offload_pool::run(std::unique_ptr<thread_job> x) {
  {
    std::unique_lock guard{shared_->mtx};
    if (shared_->stopped)
      return;
    if (shared_->busy >= shared_->bound) {
      x->place_ = thread_job::place::queued;
      shared_->queued.push_back(*x.release());
      return;
    }
    shared_->enter(*x);
  }
  try {
    launch(std::move(x));
  } catch (...) {
    fill();
    throw;
  }
}

std::unique_ptr<thread_job> offload_pool::take_back(thread_job& x) noexcept {
  std::unique_lock guard{shared_->mtx};
  if (x.place_ != thread_job::place::queued)
    return nullptr;
  x.place_ = thread_job::place::nowhere;
  shared_->queued.erase(x);
  return std::unique_ptr<thread_job>{&x};
}

void offload_pool::abandon(const strand& who) noexcept {
  shared::list dropped;
  {
    std::unique_lock guard{shared_->mtx};
    for (auto* x = shared_->running.first; x != nullptr; x = x->next_) {
      if (&x->get_strand() == &who && x->place_ == thread_job::place::running) {
        x->place_ = thread_job::place::given_up;
        --shared_->busy;
        ++shared_->given_up;
      }
    }
    for (auto* x = shared_->queued.first; x != nullptr;) {
      auto* next = x->next_;
      if (&x->get_strand() == &who)
        shared_->move_to(dropped, *x);
      x = next;
    }
  }
  shared::destroy(dropped);
  fill();
}

void offload_pool::stop() noexcept {
  shared::list dropped;
  {
    std::unique_lock guard{shared_->mtx};
    shared_->stopped = true;
    while (auto* x = shared_->queued.first)
      shared_->move_to(dropped, *x);
  }
  shared::destroy(dropped);
}

offload_pool::counts offload_pool::count() const noexcept {
  std::unique_lock guard{shared_->mtx};
  return {shared_->busy, shared_->queued.size, shared_->given_up};
}

/// Gives `x`, which counts as running, a thread.
void offload_pool::launch(std::unique_ptr<thread_job> x) {
  if (shared_->time)
    shared_->time->external_begin();
  source_->run(server{shared_, std::move(x)}, threads::at_stop::leave);
}

/// Gives threads to those who wait, as many as may run.
void offload_pool::fill() noexcept {
  while (auto next = shared_->take_next(false)) {
    try {
      launch(std::move(next));
    } catch (...) {
      continue; // No thread for it: its waiter has been told.
    }
  }
}

} // namespace troupe::detail
