// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/run.hpp"

#include "rules/printable.hpp"
#include "rules/within.hpp"
#include "service/signals.hpp"
#include "supervisor/parting.hpp"
#include "system/runtime.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/error.hpp"
#include "troupe/supervisor_ref.hpp"
#include "worker/core_ptr.hpp"
#include "worker/let_go.hpp"
#include "worker/stop_report.hpp"
#include "worker/waiters.hpp"
#include "worker/worker_core.hpp"

#include <caf/error.hpp>
#include <caf/exit_reason.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace troupe {

using namespace detail;

namespace {

/// Whether its code has not come back to this day.
bool is_stuck(const worker_core& x) {
  return x.stage() == rules::stage::abandoned && x.actor() != nullptr;
}

/// A tree that runs, and the workers that delay its stop.
class service {
public:
  service(caf::actor_system& sys, supervisor_spec spec, timespan stop_timeout)
    : rt_(runtime::of(sys)),
      stop_timeout_(stop_timeout),
      tree_(spawn(sys, std::move(spec))),
      path_(tree_.path()) {
    noted_.emplace_back(*access::core_of(tree_));
  }

  /// Starts the tree and waits for its end, which begins at once if `on_ready`
  /// throws.
  awaited_outcome
  run(const std::function<void(const supervisor_ref&)>& on_ready) {
    if (auto err = tree_.start())
      return err;
    // A signal may have come before there was anything to stop.
    act(seen());
    if (on_ready && !waiters{*access::core_of(tree_)}.wait_until_ready())
      call(on_ready);
    auto how = tree_.wait_for_shutdown();
    if (how && (how->kind() == outcome_kind::cancelled || how->abandoned()))
      wait_for_orphans();
    return how;
  }

  void on_signal(int nth) {
    {
      std::unique_lock guard{mtx_};
      seen_ = nth;
    }
    act(nth);
  }

  /// The exception that `on_ready` has thrown.
  [[nodiscard]] const std::exception_ptr& thrown() const noexcept {
    return thrown_;
  }

  /// Says why it did not end well.
  [[nodiscard]] std::string why(const awaited_outcome& how) const {
    if (!how)
      return text_of(how.error());
    if (how->kind() == outcome_kind::cancelled)
      return access::core_of(tree_)->subject()
             + " was ended from outside: " + to_string(how->reason());
    return text_of(how->reason());
  }

  /// The workers that delayed the stop; those furthest down come first.
  [[nodiscard]] stop_report report() {
    std::unique_lock guard{mtx_};
    auto in_the_way = [](const core_ptr& x) {
      return is_live(*x) || was_forced(*x) || is_stuck(*x);
    };
    auto found = noted_;
    // Those that came to life later, and those in other trees that are stuck.
    for (auto& x : rt_->cores())
      if (is_stuck(*x) || came_late(*x))
        found.push_back(x);
    std::erase_if(found,
                  [in_the_way](const core_ptr& x) { return !in_the_way(x); });
    std::sort(found.begin(), found.end(),
              [](const core_ptr& x, const core_ptr& y) {
                return std::less<>{}(x.get(), y.get());
              });
    auto twice = std::unique(found.begin(), found.end(),
                             [](const core_ptr& x, const core_ptr& y) {
                               return x.get() == y.get();
                             });
    found.erase(twice, found.end());
    auto depth = [](const stop_blocker& x) {
      return std::count(x.path.begin(), x.path.end(), '/');
    };
    stop_report result;
    for (auto& x : without_bystanders(found))
      result.push_back(describe_blocker(*x, rt_->time().now()));
    // Those that were in the way, and are gone.
    if (auto how = tree_.outcome())
      for (auto& x : how->blockers())
        if (std::none_of(result.begin(), result.end(),
                         [&x](const stop_blocker& y) {
                           return x.path == y.path;
                         }))
          result.push_back(x);
    std::sort(result.begin(), result.end(),
              [depth](const stop_blocker& x, const stop_blocker& y) {
                return std::tuple{-depth(x), std::string_view{x.path}}
                       < std::tuple{-depth(y), std::string_view{y.path}};
              });
    return result;
  }

  /// Lets go of the workers within the time of the stop.
  /// @copydetails troupe::let_go
  bool let_go(stop_report& report) {
    std::unique_lock guard{mtx_};
    const auto begun = std::min(stop_begun_, rt_->time().now());
    auto all = std::move(noted_);
    guard.unlock();
    return troupe::let_go(std::move(all), deadline_after(begun, stop_timeout_),
                          report);
  }

  /// Whether the actor system would wait for somebody for ever.
  [[nodiscard]] bool has_stuck() const {
    auto all = rt_->cores();
    return std::any_of(all.begin(), all.end(),
                       [](const core_ptr& x) { return is_stuck(*x); });
  }

private:
  void call(const std::function<void(const supervisor_ref&)>& on_ready) {
    try {
      on_ready(tree_);
    } catch (...) {
      thrown_ = std::current_exception();
      stop("on_ready has thrown");
    }
  }

  [[nodiscard]] int seen() {
    std::unique_lock guard{mtx_};
    return seen_;
  }

  /// Any number of times, and from both threads.
  void act(int nth) {
    if (nth >= 1)
      stop("a signal came");
    if (nth >= 2)
      force();
  }

  /// @param why The reason in the event and in the log.
  void stop(const std::string& why) {
    auto& root = *access::core_of(tree_);
    if (!is_live(root))
      return; // not yet, and run() comes back to it; or not any more
    auto now = rt_->time().now();
    {
      std::unique_lock guard{mtx_};
      if (stop_begun_ != never)
        return;
      stop_begun_ = now;
      for (auto& x : below())
        noted_.push_back(std::move(x));
    }
    auto limits = rules::limits_until(now, deadline_after(now, stop_timeout_));
    auto mode = static_cast<worker_core::queue_at_stop>(root.config().on_stop);
    const auto reason = caf::make_error(caf::exit_reason::user_shutdown, why);
    root.request_stop(mode, limits, false, &reason);
    rt_->log(compat::log_info, "run: " + why + ", " + path_ + " stops");
  }

  void force() {
    force_all();
    rt_->log(compat::log_warning,
             "run: another signal came, " + path_ + " is forced");
  }

  void force_all() {
    tree_.force_stop();
    if (!rules::is_final(access::core_of(tree_)->stage()))
      return;
    // Its children may be on their own by now.
    for (auto& x : below())
      x->force();
  }

  /// The children of a root that was killed stop by themselves. They have as
  /// much time as they would have had with it.
  void wait_for_orphans() {
    auto now = rt_->time().now();
    auto begun = now;
    auto orphans = below();
    {
      std::unique_lock guard{mtx_};
      stop_begun_ = std::min(stop_begun_, now);
      begun = stop_begun_;
      noted_.insert(noted_.end(), orphans.begin(), orphans.end());
    }
    auto limits = rules::limits_until(now,
                                      deadline_after(begun, stop_timeout_));
    for (auto& x : orphans) {
      auto mode = static_cast<worker_core::queue_at_stop>(x->config().on_stop);
      x->request_stop(mode, limits);
    }
    const auto end = rules::all_gone_by(limits);
    for (auto& x : orphans)
      static_cast<void>(
        waiters{*x}.wait_until_over(time_left(end, rt_->time().now())));
  }

  [[nodiscard]] bool is_below(const worker_core& x) const {
    return path_is_within(x.path(), path_) && x.path() != path_;
  }

  /// All in the tree that live, but for its root.
  [[nodiscard]] std::vector<core_ptr> below() const {
    auto result = inhabitants(*rt_, path_);
    std::erase_if(result, [this](const core_ptr& x) { return !is_below(*x); });
    return result;
  }

  /// Whether it was told to stop when the stop had begun already.
  /// @pre `mtx_` is held
  [[nodiscard]] bool came_late(const worker_core& x) const {
    auto since = x.look(&life::stopping_since);
    return is_below(x) && since != never && since >= stop_begun_;
  }

  const std::shared_ptr<runtime> rt_;
  const timespan stop_timeout_;
  const supervisor_ref tree_;
  const std::string path_;
  std::exception_ptr thrown_;

  std::mutex mtx_;
  int seen_ = 0; // signals
  time_point stop_begun_ = never;
  std::vector<core_ptr> noted_; // those whom the stop found
};

/// Flushes what was printed.
void flush_streams() {
  std::cout.flush();
  std::cerr.flush();
  std::clog.flush();
  std::fflush(stdout);
  std::fflush(stderr);
  std::fflush(nullptr);
}

/// The words of `run` at its end. Any of them may block for ever: a pipe may be
/// full, and a worker that does not come back may hold the lock of a stream.
struct last_words {
  void operator()() const noexcept {
    attempt([this] { print(text); });
    attempt([this] { tell(); });
    attempt([this] {
      if (flushes)
        flush_streams();
    });
    attempt([this] {
      for (const auto& x : blockers)
        rt->log(compat::log_warning, "run: " + to_string(x));
    });
  }

  /// A stream may throw where it cannot write.
  template <class F>
  static void attempt(F f) noexcept {
    try {
      f();
    } catch (...) {
      return;
    }
  }

  void tell() const {
    try {
      if (report)
        report(blockers);
    } catch (...) {
      print(text_of(std::current_exception()) + '\n');
    }
  }

  static void print(const std::string& what) {
    if (!what.empty()) // which would take the lock as well
      std::cerr << what << std::flush;
  }

  std::shared_ptr<runtime> rt;
  std::string text = {};
  stop_report blockers = {};
  std::function<void(const stop_report&)> report = {};
  bool flushes = false;
};

} // namespace

int run(caf::actor_system& sys, supervisor_spec tree, run_options options) {
  if (options.stop_timeout < timespan::zero())
    throw std::invalid_argument("run_options.stop_timeout is negative; use "
                                "zero to force at once");
  auto rt = runtime::of(sys);
  if (worker_core::current() != nullptr || rt->would_block())
    throw std::logic_error("run would block an actor's thread; call it from "
                           "main or a plain thread");
  const auto may_exit = options.on_abandoned == on_abandoned::exit_process;
  const auto in_real_time = dynamic_cast<const real_clock*>(&rt->time())
                            != nullptr;
  parting end;
  auto leave_within = [&end, may_exit, in_real_time](timespan time) {
    const auto now = std::chrono::steady_clock::now();
    if (may_exit && in_real_time)
      end.leave_at(
        deadline_after(deadline_after(now, time), parting::overtime));
  };
  service what{sys, std::move(tree), options.stop_timeout};
  signal_watch watch{options.signals, [&](int nth) {
                       leave_within(options.stop_timeout);
                       what.on_signal(nth);
                     }};
  auto how = what.run(options.on_ready);
  leave_within(timespan::zero());
  last_words words{.rt = rt, .blockers = what.report()};
  const auto stuck = !what.let_go(words.blockers) || what.has_stuck();
  auto code = 0;
  if (!how || how->kind() == outcome_kind::failed
      || how->kind() == outcome_kind::cancelled) {
    code = 2;
    words.text = rules::printable(what.why(how)) + '\n';
  } else if (!how->ok() || !words.blockers.empty()) {
    code = 1;
  }
  if (!options.report)
    for (const auto& x : words.blockers)
      words.text += to_string(x) + '\n';
  if (may_exit && stuck) {
    if (what.thrown())
      words.text = rules::printable(text_of(what.thrown())) + '\n' + words.text;
    if (!words.blockers.empty())
      words.report = std::move(options.report);
    words.flushes = true;
    end.run(words);
    std::_Exit(code);
  }
  end.stay();
  if (what.thrown())
    std::rethrow_exception(what.thrown());
  end.run(words);
  if (options.report && !words.blockers.empty())
    options.report(words.blockers);
  return code;
}

} // namespace troupe
