// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "supervisor/child_plan.hpp"
#include "system/runtime.hpp"
#include "troupe/detail/small_mutex.hpp"
#include "troupe/detail/unique_function.hpp"
#include "troupe/supervisor_ref.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace troupe {

/// A call to a supervisor: the place of its result, and its waiters.
/// Thread-safe.
class child_call::progress {
public:
  explicit progress(std::shared_ptr<detail::runtime> rt);

  /// A call that is done already.
  progress(std::shared_ptr<detail::runtime> rt, child_result done);

  /// Says which child it is about, for a result that does not. Not thread-safe,
  /// neither is the next: touched by the thread that makes the result.
  void concerns(worker_handle who) noexcept {
    child_ = std::move(who);
  }

  [[nodiscard]] bool knows_child() const noexcept {
    return static_cast<bool>(child_);
  }

  /// Ends the call; the first result counts.
  void finish(child_result x);

  [[nodiscard]] child_result wait(timespan timeout);

  /// Has `f` called with the result once, here if it is there. One at most.
  void then(detail::unique_function<void(const child_result&)> f);

private:
  friend class child_call::awaiter;

  struct sleeper;

  bool watch(awaiter& x);

  void stop_watching(awaiter& x) noexcept;

  [[nodiscard]] child_result result();

  using callback = detail::unique_function<void(const child_result&)>;

  // There can be very many of these at a time.
  std::shared_ptr<detail::runtime> rt_; // null if the supervisor is nobody
  detail::small_mutex mtx_;
  std::atomic<bool> is_done_{false};
  std::optional<child_result> result_;
  awaiter* first_ = nullptr;
  sleeper* sleepers_ = nullptr;
  std::unique_ptr<callback> then_;
  worker_handle child_;
};

namespace detail {

/// A call that starts a child. It holds what is to be started, until its turn:
/// one piece of memory for all of it, which goes where it was taken.
struct start_call final : child_call::progress {
  start_call(std::shared_ptr<runtime> rt, child_plan what, std::string why)
    : child_call::progress(std::move(rt)),
      plan(std::move(what)),
      wrong(std::move(why)) {
    // nop
  }

  child_plan plan;
  std::string wrong; ///< What is wrong with it, in words, or nothing.
};

} // namespace detail

} // namespace troupe
