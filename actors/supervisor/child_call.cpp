// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "supervisor/child_call.hpp"

#include "base/wait_for_signal.hpp"
#include "worker/worker_core.hpp"

#include <caf/deep_to_string.hpp>

#include <condition_variable>
#include <mutex>
#include <utility>

namespace troupe {

using namespace detail;

/// A thread that waits for the end of a call. It is told by a lock of its own,
/// so that a call for which nobody waits takes no system call to end.
struct child_call::progress::sleeper {
  std::mutex mtx;
  std::condition_variable woken;
  bool done = false;
  sleeper* next = nullptr;

  void wait_until(time_point limit) {
    std::unique_lock guard{mtx};
    wait_for_signal(woken, guard, limit, [this] { return done; });
  }

  void wake() {
    std::unique_lock guard{mtx};
    done = true;
    woken.notify_one();
  }
};

child_call::progress::progress(std::shared_ptr<runtime> rt)
  : rt_(std::move(rt)) {
  // nop
}

child_call::progress::progress(std::shared_ptr<runtime> rt, child_result done)
  : rt_(std::move(rt)), is_done_(true), result_(std::move(done)) {
  // nop
}

void child_call::progress::finish(child_result x) {
  std::unique_ptr<callback> then;
  if (auto who = std::exchange(child_, {}); who && !x.child)
    x.child = std::move(who);
  {
    std::unique_lock guard{mtx_};
    if (result_)
      return;
    result_ = std::move(x);
    then = std::move(then_);
    is_done_.store(true, std::memory_order_release);
    for (auto* i = sleepers_; i != nullptr; i = i->next)
      i->wake();
    for (auto* i = std::exchange(first_, nullptr); i != nullptr;) {
      auto* next = i->next_;
      i->linked_ = false;
      i->post();
      i = next;
    }
  }
  rt_->notify();
  if (then)
    (*then)(*result_); // which stays as it is
}

void child_call::progress::then(unique_function<void(const child_result&)> f) {
  {
    std::unique_lock guard{mtx_};
    if (!result_) {
      then_ = std::make_unique<callback>(std::move(f));
      return;
    }
  }
  f(*result_);
}

child_result child_call::progress::wait(timespan timeout) {
  // Also if it is done already: its writer in an actor would not notice until
  // the day on which it is not.
  if (worker_core::current() != nullptr || (rt_ && rt_->would_block()))
    return {caf::make_error(errc::would_block,
                            "get() of a call to a supervisor would block an "
                            "actor's thread; co_await the call instead"),
            {}};
  auto is_done = [this] { return is_done_.load(std::memory_order_acquire); };
  if (is_done())
    return result();
  if (rt_->forked())
    return {error_after_fork("a call to a supervisor"), {}};
  const auto limit = deadline_after(rt_->time().now(), timeout);
  auto words = [] { return std::string{"waiting for a call to a supervisor"}; };
  sleeper self;
  {
    std::unique_lock guard{mtx_};
    self.done = result_.has_value();
    self.next = std::exchange(sleepers_, &self);
  }
  rt_->block_until(is_done, limit, [&] { self.wait_until(limit); }, words);
  std::unique_lock guard{mtx_};
  auto** where = &sleepers_;
  while (*where != &self)
    where = &(*where)->next;
  *where = self.next;
  if (result_)
    return *result_;
  return {caf::make_error(errc::timed_out,
                          "a call to a supervisor was not done within "
                            + caf::deep_to_string(timeout) + "; it goes on"),
          {}};
}

bool child_call::progress::watch(awaiter& x) {
  std::unique_lock guard{mtx_};
  if (result_)
    return false;
  x.next_ = first_;
  first_ = &x;
  x.linked_ = true;
  return true;
}

void child_call::progress::stop_watching(awaiter& x) noexcept {
  std::unique_lock guard{mtx_};
  if (!std::exchange(x.linked_, false))
    return;
  auto** where = &first_;
  while (*where != &x)
    where = &(*where)->next_;
  *where = x.next_;
}

child_result child_call::progress::result() {
  std::unique_lock guard{mtx_};
  return *result_;
}

child_result child_call::get() const {
  return what_->wait(infinite);
}

child_result child_call::get(timespan timeout) const {
  return what_->wait(timeout);
}

child_call::awaiter::~awaiter() {
  what_->stop_watching(*this);
}

bool child_call::awaiter::watch() {
  if (what_->watch(*this))
    return true;
  withdraw();
  return false;
}

child_result child_call::awaiter::await_resume() const {
  return what_->result();
}

} // namespace troupe
