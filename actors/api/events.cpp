// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/events.hpp"

#include "base/wait_for_signal.hpp"
#include "rules/printable.hpp"
#include "system/caf_compat.hpp"
#include "system/runtime.hpp"
#include "system/subscribe.hpp"
#include "troupe/event_log.hpp"
#include "worker/runtime_of.hpp"
#include "worker/worker_core.hpp"

#include <caf/deep_to_string.hpp>

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <utility>

namespace troupe {

using namespace detail;

subscription::sink::~sink() = default;

// -- values --------------------------------------------------------------------

std::string to_string(const lifecycle_event& x) {
  auto result = x.path + " [" + std::to_string(x.incarnation) + "] "
                + to_string(x.kind);
  if (x.span != timespan::zero()) {
    auto lasts = x.kind == event_kind::backing_off
                 || x.kind == event_kind::stalled;
    result += (lasts ? " for " : " after ") + caf::deep_to_string(x.span);
  }
  if (x.reason)
    result += ": " + text_of(x.reason);
  return rules::printable(result);
}

namespace {

using event_stream = stream<lifecycle_event>;

} // namespace

subscription on_event(caf::actor_system& sys,
                      std::function<void(const lifecycle_event&)> f,
                      std::size_t capacity) {
  auto rt = runtime::of(sys);
  return subscribe(rt, rt->events(), {}, std::move(f), capacity, "on_event");
}

subscription on_event(const worker_handle& root,
                      std::function<void(const lifecycle_event&)> f,
                      std::size_t capacity) {
  auto& rt = runtime_of(root);
  return subscribe(rt, rt->events(), root.path(), std::move(f), capacity,
                   "on_event");
}

// -- event_log -----------------------------------------------------------------

/// Keeps what it is given at once, on the publisher's thread.
class event_log::recorder final : public event_stream::sink {
public:
  recorder(std::shared_ptr<runtime> rt, std::string root, std::size_t capacity)
    : rt_(std::move(rt)), root_(std::move(root)), capacity_(capacity) {
    if (capacity_ == 0)
      throw std::invalid_argument("an event_log was given a capacity of 0; it "
                                  "needs room for one event at least");
  }

  [[nodiscard]] bool wants(const lifecycle_event& x) const noexcept override {
    return concerns(x, root_);
  }

  void put(const event_stream::value_ptr& x) noexcept override {
    event_stream::value_ptr oldest;
    {
      std::unique_lock guard{mtx_};
      if (kept_.size() == capacity_) {
        oldest = std::move(kept_.front());
        kept_.pop_front();
        ++forgotten_;
      }
      try {
        kept_.push_back(x);
      } catch (const std::bad_alloc&) {
        ++forgotten_;
      }
      more_.notify_all();
    }
    rt_->notify();
  }

  void closed() noexcept override {
    {
      std::unique_lock guard{mtx_};
      closed_ = true;
      more_.notify_all();
    }
    rt_->notify();
  }

  void end(bool) noexcept override {
    leave();
  }

  [[nodiscard]] std::uint64_t missed() const noexcept override {
    return forgotten();
  }

  [[nodiscard]] std::uint64_t forgotten() const noexcept {
    std::unique_lock guard{mtx_};
    return forgotten_;
  }

  [[nodiscard]] std::vector<event_stream::value_ptr> kept() const {
    std::unique_lock guard{mtx_};
    return {kept_.begin(), kept_.end()};
  }

  void clear() {
    std::deque<event_stream::value_ptr> gone;
    std::unique_lock guard{mtx_};
    forgotten_ += kept_.size();
    gone.swap(kept_);
    guard.unlock();
  }

  event_stream::value_ptr
  wait_for(const std::function<bool(const lifecycle_event&)>& wanted,
           timespan timeout) {
    if (worker_core::current() != nullptr || rt_->would_block())
      throw std::logic_error("event_log::wait_for would block an actor's "
                             "thread; call it from main or a plain thread");
    if (rt_->forked())
      throw std::logic_error(text_after_fork("the event_log"));
    auto limit = deadline_after(rt_->time().now(), timeout);
    event_stream::value_ptr found;
    // How many of all events were looked at.
    auto seen = std::uint64_t{0};
    auto no_more = false;
    auto look = [&] {
      std::uint64_t total = 0;
      std::vector<event_stream::value_ptr> fresh;
      {
        std::unique_lock guard{mtx_};
        no_more = closed_;
        total = forgotten_ + kept_.size();
        auto first = seen > forgotten_ ? seen - forgotten_ : 0;
        fresh.assign(kept_.begin() + static_cast<std::ptrdiff_t>(first),
                     kept_.end());
      }
      seen = total;
      auto i = std::find_if(fresh.begin(), fresh.end(),
                            [&wanted](const auto& x) { return wanted(*x); });
      if (i != fresh.end())
        found = *i;
      return found != nullptr || no_more;
    };
    auto wait = [&] {
      std::unique_lock guard{mtx_};
      wait_for_signal(more_, guard, limit, [&] {
        return closed_ || forgotten_ + kept_.size() != seen;
      });
    };
    rt_->block_until(look, limit, wait, [this] {
      return "waiting for an event"
             + (root_.empty() ? std::string{} : " of " + root_);
    });
    return found;
  }

private:
  const std::shared_ptr<runtime> rt_;
  const std::string root_;
  const std::size_t capacity_;

  mutable std::mutex mtx_;
  std::condition_variable more_;
  bool closed_ = false;
  std::deque<event_stream::value_ptr> kept_;
  std::uint64_t forgotten_ = 0;
};

event_log::event_log(caf::actor_system& sys, std::size_t capacity) {
  auto rt = runtime::of(sys);
  recorder_ = std::make_shared<recorder>(rt, std::string{}, capacity);
  rt->events().subscribe(recorder_);
}

event_log::event_log(const worker_handle& root, std::size_t capacity) {
  auto& rt = runtime_of(root);
  recorder_ = std::make_shared<recorder>(rt, root.path(), capacity);
  rt->events().subscribe(recorder_);
}

event_log::~event_log() {
  recorder_->end(false);
}

std::vector<lifecycle_event> event_log::events() const {
  std::vector<lifecycle_event> result;
  for (auto& x : recorder_->kept())
    result.push_back(*x);
  return result;
}

std::uint64_t event_log::forgotten() const noexcept {
  return recorder_->forgotten();
}

void event_log::clear() {
  recorder_->clear();
}

std::optional<lifecycle_event>
event_log::wait_for(const std::function<bool(const lifecycle_event&)>& wanted,
                    timespan timeout) const {
  auto found = recorder_->wait_for(wanted, timeout);
  return found ? std::optional{*found} : std::nullopt;
}

std::optional<lifecycle_event> event_log::wait_for(event_kind kind,
                                                   const std::string& path,
                                                   timespan timeout) const {
  return wait_for(
    [kind, &path](const lifecycle_event& x) {
      return x.kind == kind && x.path == path;
    },
    timeout);
}

std::optional<lifecycle_event>
event_log::wait_for(event_kind kind, const std::string& path,
                    std::uint64_t incarnation, timespan timeout) const {
  return wait_for(
    [kind, &path, incarnation](const lifecycle_event& x) {
      return x.kind == kind && x.path == path && x.incarnation == incarnation;
    },
    timeout);
}

} // namespace troupe
