// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <memory>
#include <semaphore>
#include <utility>

namespace support {

/// Where code sits that does not return, until the test lets it. Leaving the
/// scope lets it too, so that a test that fails does not hang; the code may
/// take its time then.
class trap {
public:
  trap() = default;

  trap(const trap&) = delete;

  trap& operator=(const trap&) = delete;

  ~trap() {
    open();
  }

  void sit() {
    auto mine = state_;
    mine->sitting.release();
    mine->way_out.acquire();
  }

  /// Waits until somebody sits in it.
  void await() {
    state_->sitting.acquire();
  }

  void open() {
    if (!std::exchange(is_open_, true))
      state_->way_out.release();
  }

private:
  struct state {
    std::binary_semaphore sitting{0};
    std::binary_semaphore way_out{0};
  };

  std::shared_ptr<state> state_ = std::make_shared<state>();
  bool is_open_ = false;
};

} // namespace support
