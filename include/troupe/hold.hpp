// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/fwd.hpp"

#include <utility>

namespace troupe {

/// While it lives, the end of a worker's `run()` is not taken as the end of the
/// worker, and a graceful stop waits for it, up to the grace period. Made by
/// `worker::hold()`. May be moved to any thread and dropped there.
class [[nodiscard("the hold ends with this object")]] hold_token {
public:
  hold_token() noexcept = default;

  /// What `worker::hold` gives.
  explicit hold_token(detail::worker_core& core);

  hold_token(hold_token&& other) noexcept
    : core_(std::exchange(other.core_, nullptr)) {
    // nop
  }

  hold_token& operator=(hold_token&& other) noexcept {
    if (this != &other) {
      release();
      core_ = std::exchange(other.core_, nullptr);
    }
    return *this;
  }

  ~hold_token() {
    release();
  }

  /// Ends the hold.
  void release() noexcept;

private:
  detail::worker_core* core_ = nullptr;
};

} // namespace troupe
