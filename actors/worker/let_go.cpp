// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/let_go.hpp"

#include "base/wait_for_signal.hpp"
#include "rules/lifecycle.hpp"
#include "rules/naming.hpp"
#include "system/runtime.hpp"
#include "worker/worker_core.hpp"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace troupe::detail {

namespace {

/// The workers, which the thread and the one that waits share.
class leaving {
public:
  leaving(std::shared_ptr<runtime> rt, std::vector<core_ptr> all) noexcept
    : rt_(std::move(rt)), all_(std::move(all)) {
    // nop
  }

  void let_them_go() {
    for (auto& x : all_) {
      {
        std::unique_lock guard{mtx_};
        path_ = x->path();
        at_ = x->stage();
        stopping_since_ = x->look(&life::stopping_since);
      }
      x = core_ptr{};
    }
  }

  void end() {
    std::unique_lock guard{mtx_};
    over_ = true;
    signal_.notify_all();
    guard.unlock();
    rt_->notify();
  }

  void wait_until(time_point limit) {
    auto is_over = [this] {
      std::unique_lock guard{mtx_};
      return over_;
    };
    auto wait = [this, limit] {
      std::unique_lock guard{mtx_};
      wait_for_signal(signal_, guard, limit, [this] { return over_; });
    };
    rt_->block_until(is_over, limit, wait,
                     [] { return "waiting for destructors of workers"; });
  }

  /// The one whose destructor has not returned.
  [[nodiscard]] std::optional<stop_blocker> left_behind() {
    std::unique_lock guard{mtx_};
    if (over_ || path_.empty())
      return std::nullopt;
    rt_->log(compat::log_warning, "the destructor of " + rules::subject(path_)
                                    + " has not returned");
    stop_blocker result;
    result.path = path_;
    result.state = rules::state_of(at_);
    result.phase = rules::phase_of(at_);
    if (stopping_since_ != never)
      result.elapsed = rt_->time().now() - stopping_since_;
    return result;
  }

private:
  const std::shared_ptr<runtime> rt_;
  std::vector<core_ptr> all_; // of the thread

  std::mutex mtx_;
  std::condition_variable signal_;
  std::string path_; // of the one whose turn it is
  rules::stage at_ = rules::stage::created;
  time_point stopping_since_ = never;
  bool over_ = false;
};

/// The work of the thread. If there is none, the workers go where this goes.
class job {
public:
  explicit job(std::shared_ptr<leaving> what) noexcept
    : what_(std::move(what)) {
    // nop
  }

  job(job&&) noexcept = default;

  ~job() {
    if (what_)
      what_->end();
  }

  void operator()() {
    what_->let_them_go();
    const auto here = threads::has_returned();
    what_->end();
    what_ = nullptr;
  }

private:
  std::shared_ptr<leaving> what_;
};

} // namespace

bool let_go(std::vector<core_ptr> all, time_point limit, stop_report& report) {
  // Of most of them others hold a reference: that is all it takes.
  std::erase_if(all, [](core_ptr& x) { return x.drop_unless_last(); });
  if (all.empty())
    return true;
  auto rt = all.front()->shared_rt();
  if (rt->has_virtual_time())
    return true; // It would not pass meanwhile.
  auto what = std::make_shared<leaving>(rt, std::move(all));
  try {
    rt->run_on_thread(job{what}, threads::at_stop::leave);
  } catch (...) {
    return true;
  }
  // Others than those may need a moment as well.
  what->wait_until(
    std::max(limit, deadline_after(rt->time().now(), rules::least_to_go)));
  auto late = what->left_behind();
  if (late
      && std::none_of(report.begin(), report.end(),
                      [&late](const auto& x) { return x.path == late->path; }))
    report.push_back(std::move(*late));
  return !late;
}

} // namespace troupe::detail
