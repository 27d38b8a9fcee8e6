// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "supervisor/child_call.hpp"

#include "cell.hpp"

#include <caf/deep_to_string.hpp>

#include <utility>

namespace troupe {

child_call::progress::progress(std::shared_ptr<runtime> home)
  : home_(std::move(home)) {
  // nop
}

child_call::progress::progress(std::shared_ptr<runtime> home, child_result done)
  : home_(std::move(home)), result_(std::move(done)) {
  // nop
}

void child_call::progress::finish(child_result x) {
  unique_function<void(const child_result&)> then;
  {
    std::unique_lock guard{mtx_};
    if (result_)
      return;
    result_ = x;
    then = std::move(then_);
    done_.notify_all();
    for (auto* i = std::exchange(first_, nullptr); i != nullptr;) {
      auto* next = i->next_;
      i->linked_ = false;
      i->post();
      i = next;
    }
  }
  home_->notify();
  if (then)
    then(x);
}

void child_call::progress::then(unique_function<void(const child_result&)> f) {
  {
    std::unique_lock guard{mtx_};
    if (!result_) {
      then_ = std::move(f);
      return;
    }
  }
  f(*result_);
}

child_result child_call::progress::wait(timespan timeout) {
  auto is_done = [this] {
    std::unique_lock guard{mtx_};
    return result_.has_value();
  };
  if (is_done())
    return result();
  if (cell::current() != nullptr || home_->would_block())
    return {caf::make_error(errc::would_block,
                            "get() of a call to a supervisor would block an "
                            "actor's thread; co_await the call instead"),
            {}};
  const auto limit = deadline_after(home_->time().now(), timeout);
  auto in_time = home_->block_until(
    is_done, limit,
    [this, limit] {
      std::unique_lock guard{mtx_};
      auto done = [this] { return result_.has_value(); };
      if (limit == never)
        done_.wait(guard, done);
      else
        done_.wait_until(guard, limit, done);
    },
    [] { return std::string{"waiting for a call to a supervisor"}; });
  if (!in_time)
    return {caf::make_error(errc::timed_out,
                            "a call to a supervisor was not done within "
                              + caf::deep_to_string(timeout)
                              + "; it goes on"),
            {}};
  return result();
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
