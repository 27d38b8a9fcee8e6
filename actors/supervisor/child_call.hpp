// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "runtime.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/unique_function.hpp"

#include <condition_variable>
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

  bool watch(awaiter& x);

  void stop_watching(awaiter& x) noexcept;

  [[nodiscard]] child_result result();

  std::shared_ptr<runtime> home_; // null if the supervisor is nobody
  std::mutex mtx_;
  std::condition_variable done_;
  std::optional<child_result> result_;
  awaiter* first_ = nullptr;
  unique_function<void(const child_result&)> then_;
};

} // namespace troupe
