// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/unique_function.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe::detail {

/// Threads for code that blocks: `offload`, `call_later`. A thread that has
/// nothing to do is kept for the next call, up to a small number.
class threads {
public:
  /// How a call ends that is still running when the threads are stopped.
  enum class at_stop {
    /// `stop` waits for it.
    join,
    /// It is left alone: it may never return. The function object must own all
    /// that it touches.
    leave,
  };

private:
  struct shared;

public:
  /// Held by a call that is left alone, from when it has returned from the code
  /// that may not do so until all that it owns is gone: `stop` waits for that.
  /// A program may end right after, and what is destroyed then finds nothing in
  /// its place.
  class returned {
  public:
    returned() noexcept = default;

    returned(returned&& other) noexcept = default;

    returned& operator=(returned&& other) noexcept;

    ~returned();

  private:
    friend class threads;

    explicit returned(std::shared_ptr<shared> where) noexcept;

    std::shared_ptr<shared> where_;
  };

  /// On a thread of these. On another one, and after `stop`, nobody waits.
  [[nodiscard]] static returned has_returned() noexcept;

  threads();

  threads(const threads&) = delete;

  threads& operator=(const threads&) = delete;

  ~threads();

  /// Runs `f` on a thread that may block. After `stop`, `f` is destroyed
  /// without being run. An exception out of `f` terminates the program.
  /// @throws std::system_error if no thread can be started.
  void run(unique_function<void()> f, at_stop mode);

  /// Ends the idle threads and waits for those with mode `join`, and for those
  /// that have returned.
  void stop() noexcept;

private:
  std::shared_ptr<shared> shared_;
};

} // namespace troupe::detail
