// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "runtime.hpp"
#include "troupe/small_mutex.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/unique_function.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

namespace troupe {

/// A call to a supervisor: where its result is put, and who waits for it.
/// Thread-safe.
class child_call::progress {
public:
  explicit progress(std::shared_ptr<runtime> home);

  /// A call that is done already.
  progress(std::shared_ptr<runtime> home, child_result done);

  /// Ends the call; the first result counts.
  void finish(child_result x);

  [[nodiscard]] child_result wait(timespan timeout);

  /// Has `f` called with the result once, here if it is there. One at most.
  void then(unique_function<void(const child_result&)> f);

private:
  friend class child_call::awaiter;

  struct sleeper;

  bool watch(awaiter& x);

  void stop_watching(awaiter& x) noexcept;

  [[nodiscard]] child_result result();

  using callback = unique_function<void(const child_result&)>;

  // There can be very many of these at a time.
  std::shared_ptr<runtime> home_; // null if the supervisor is nobody
  small_mutex mtx_;
  std::atomic<bool> is_done_{false};
  std::optional<child_result> result_;
  awaiter* first_ = nullptr;
  sleeper* sleepers_ = nullptr;
  std::unique_ptr<callback> then_;
};

} // namespace troupe
