// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How threads and coroutines wait for a worker to be ready, or over.

#include "worker/waiters.hpp"
#include "worker/complaints.hpp"
#include "worker/worker_core.hpp"

#include "base/linked_list.hpp"
#include "base/wait_for_signal.hpp"

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <utility>

namespace troupe::detail {

/// A thread that waits for a worker.
class blocked_thread {
public:
  blocked_thread(worker_core& what, lifecycle_awaiter::what until)
    : what_(what), until_(until) {
    held guard{what_.mtx_};
    if (what_.over_
        || (until == lifecycle_awaiter::what::ready && what_.life_.ready)) {
      fired_ = true;
      return;
    }
    link_first(*this, what_.make_lazy().blocked, &blocked_thread::next_,
               &blocked_thread::previous_);
    linked_ = true;
  }

  ~blocked_thread() {
    // Also when it has fired: the thread that fired it is out of here by then.
    held guard{what_.mtx_};
    unlink(guard);
  }

  [[nodiscard]] bool fired() {
    std::unique_lock guard{mtx_};
    return fired_;
  }

  void wait_until(time_point limit) {
    std::unique_lock guard{mtx_};
    wait_for_signal(signal_, guard, limit, [this] { return fired_; });
  }

  void fire(const held& lock) {
    unlink(lock);
    std::unique_lock guard{mtx_};
    fired_ = true;
    signal_.notify_all();
  }

  [[nodiscard]] bool waits_for(lifecycle_awaiter::what x) const noexcept {
    return until_ == x || x == lifecycle_awaiter::what::over;
  }

  [[nodiscard]] blocked_thread* next() const noexcept {
    return next_;
  }

private:
  void unlink(const held&) {
    if (std::exchange(linked_, false))
      detail::unlink(*this, what_.lazy_->blocked, &blocked_thread::next_,
                     &blocked_thread::previous_);
  }

  worker_core& what_;
  lifecycle_awaiter::what until_;
  bool linked_ = false;
  blocked_thread* next_ = nullptr;
  blocked_thread* previous_ = nullptr;
  std::mutex mtx_;
  std::condition_variable signal_;
  bool fired_ = false;
};

/// Releases who waits for what has just come true.
void waiters::announce(const held& lock, goal upto) noexcept {
  for (auto* i = of_.lazy_ ? of_.lazy_->blocked : nullptr; i != nullptr;) {
    auto* next = i->next();
    if (i->waits_for(upto))
      i->fire(lock);
    i = next;
  }
  for (auto* i = of_.lazy_ ? of_.lazy_->awaiters : nullptr; i != nullptr;) {
    auto* next = i->next_;
    if (i->awaited_ == upto || upto == goal::over) {
      unlink(lock, *i);
      i->post();
    }
    i = next;
  }
  if (upto == goal::ready)
    of_.rt().notify();
}

[[gnu::cold]] caf::error waiters::not_started() const {
  return of_.rt().gone()
           ? caf::make_error(errc::system_gone,
                             of_.subject()
                               + " was not started, and its actor system is "
                                 "gone")
           : caf::make_error(errc::not_started,
                             of_.subject()
                               + " was not started; call startup()");
}

[[gnu::cold]] std::string waiters::waited_for(goal until) {
  auto& now = of_.latest();
  return "waiting for " + now.path() + " to be "
         + (until == goal::ready ? "ready" : "over") + ", which is "
         + to_string(rules::state_of(now.stage())) + ", "
         + to_string(rules::phase_of(now.stage()));
}

[[gnu::cold]] awaited_outcome waiters::block(goal until, timespan timeout) {
  if (of_.would_block())
    return caf::make_error(
      errc::would_block,
      "a call that waits for " + of_.subject()
        + " would block an actor's thread; co_await started() or stopped() "
          "instead, or send a message");
  if (of_.rt().forked())
    return error_after_fork(of_.subject());
  if (of_.rt().gone() && !of_.finished())
    return caf::make_error(errc::system_gone,
                           of_.subject()
                             + " will not end any more: its actor "
                               "system is gone");
  if (of_.stage() == rules::stage::created && of_.owner() == nullptr)
    return not_started();
  auto limit = deadline_after(of_.rt().time().now(), timeout);
  {
    blocked_thread self{of_, until};
    of_.rt().block_until([&self] { return self.fired(); }, limit,
                         [&self, limit] { self.wait_until(limit); },
                         [this, until] { return waited_for(until); });
  }
  auto& now = of_.latest();
  held guard{now.mtx_};
  if (now.over_)
    return now.life_.end().how;
  return caf::make_error(
    errc::timed_out, now.subject() + " is not over yet, it is "
                       + to_string(rules::state_of(now.life_.machine.at())));
}

caf::error waiters::startup() {
  if (of_.would_block())
    return caf::make_error(errc::would_block,
                           "startup() of " + of_.subject()
                             + " would block an actor's thread; co_await "
                               "started() instead, or send a message");
  if (auto err = of_.start())
    return err;
  return wait_until_ready();
}

caf::error waiters::wait_until_ready() {
  if (of_.rt().forked())
    return error_after_fork(of_.subject());
  static_cast<void>(block(goal::ready, infinite));
  return why_not_ready();
}

awaited_outcome waiters::wait_until_over(timespan timeout) {
  return block(goal::over, timeout);
}

[[gnu::cold]] caf::error waiters::why_not_ready() const {
  held guard{of_.mtx_};
  if (of_.life_.ready)
    return {};
  if (!of_.over_)
    return caf::make_error(errc::timed_out,
                           of_.subject() + " is not ready yet");
  if (!of_.life_.end().how.reason())
    return caf::make_error(errc::stopped_before_ready,
                           of_.subject() + " was stopped before it was ready");
  return of_.life_.end().how.reason();
}

// -- actors --------------------------------------------------------------------

void waiters::reply_when(caf::mailbox_element& request, goal until) {
  {
    held guard{of_.mtx_};
    of_.make_lazy().pending_replies.push_back(
      {request.sender, request.mid.response_id(), until});
    if (!of_.over_ && (until == goal::over || !of_.life_.ready))
      return;
  }
  send_replies(until);
}

void waiters::send_replies(goal upto) noexcept {
  std::vector<pending_reply> due;
  {
    held guard{of_.mtx_};
    if (!of_.lazy_ || of_.lazy_->pending_replies.empty())
      return;
    auto& all = of_.lazy_->pending_replies;
    auto waits_on = [upto](const pending_reply& x) {
      return upto == goal::ready && x.until != upto;
    };
    auto i = std::stable_partition(all.begin(), all.end(), waits_on);
    due.assign(std::make_move_iterator(i), std::make_move_iterator(all.end()));
    all.erase(i, all.end());
  }
  for (auto& x : due) {
    complaints{of_}.get_mark().set();
    caf::message content;
    if (x.until == goal::over)
      content = caf::make_message(of_.last_outcome().value_or(outcome{}));
    else if (auto err = why_not_ready())
      content = caf::make_message(std::move(err));
    x.to->enqueue(compat::make_element(nullptr, x.mid, std::move(content)),
                  nullptr);
  }
}

// -- coroutines ----------------------------------------------------------------

bool waiters::add(lifecycle_awaiter& x) {
  held guard{of_.mtx_};
  if (of_.over_ || (x.awaited_ == goal::ready && of_.life_.ready))
    return false;
  link_first(x, of_.make_lazy().awaiters, &lifecycle_awaiter::next_,
             &lifecycle_awaiter::previous_);
  x.linked_ = true;
  return true;
}

void waiters::unlink(const held&, lifecycle_awaiter& x) noexcept {
  if (std::exchange(x.linked_, false))
    detail::unlink(x, of_.lazy_->awaiters, &lifecycle_awaiter::next_,
                   &lifecycle_awaiter::previous_);
}

void waiters::remove(lifecycle_awaiter& x) noexcept {
  held guard{of_.mtx_};
  unlink(guard, x);
}

} // namespace troupe::detail

namespace troupe {

using namespace detail;

lifecycle_awaiter::lifecycle_awaiter(worker_core* watched,
                                     what awaited) noexcept
  : watched_(watched), awaited_(awaited) {
  if (watched_ != nullptr)
    watched_->retain();
}

lifecycle_awaiter::~lifecycle_awaiter() {
  if (watched_ == nullptr)
    return;
  waiters{*watched_}.remove(*this);
  watched_->release();
}

bool lifecycle_awaiter::watch() {
  if (waiters{*watched_}.add(*this))
    return true;
  withdraw();
  return false;
}

[[gnu::cold]] caf::error lifecycle_awaiter::why_not_ready() const {
  if (watched_ == nullptr)
    return null_handle();
  auto result = waiters{*watched_}.why_not_ready();
  if (result)
    complaints{*watched_}.get_mark().set();
  return result;
}

outcome lifecycle_awaiter::how_it_ended() const {
  if (watched_ == nullptr)
    return outcome{outcome_kind::failed, null_handle()};
  auto& now = watched_->latest();
  complaints{now}.get_mark().set();
  return now.last_outcome().value_or(outcome{});
}

} // namespace troupe
