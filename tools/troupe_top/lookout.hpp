// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "pipe.hpp"
#include "source.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace troupe_top {

/// Looks at an observer again and again, on a thread of its own: keys work
/// while a server does not answer.
class lookout {
public:
  lookout(const address& where, std::chrono::milliseconds interval);

  lookout(const lookout&) = delete;

  lookout& operator=(const lookout&) = delete;

  /// Does not wait for an answer that is under way; for a connection that is,
  /// five seconds at most.
  ~lookout();

  /// What to poll for reading: there is news.
  [[nodiscard]] int news() const noexcept {
    return news_.reader();
  }

  /// The last answer, or none if it was taken already. Never waits.
  [[nodiscard]] std::optional<answer> take();

private:
  void run();

  source source_;
  const std::chrono::milliseconds interval_;
  wake_pipe news_;

  std::mutex mtx_;
  std::condition_variable changed_;
  bool end_ = false;  // wanted
  bool over_ = false; // done
  std::optional<answer> last_;

  std::thread thread_;
};

} // namespace troupe_top
