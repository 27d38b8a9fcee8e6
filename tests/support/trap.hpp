// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <semaphore>
#include <utility>

namespace support {

/// Where code sits that does not return, until the test lets it. Leaving the
/// scope lets it too, so that a test that fails does not hang.
class trap {
public:
  ~trap() {
    open();
  }

  void sit() {
    sitting_.release();
    way_out_.acquire();
  }

  /// Waits until somebody sits in it.
  void await() {
    sitting_.acquire();
  }

  void open() {
    if (!std::exchange(is_open_, true))
      way_out_.release();
  }

private:
  std::binary_semaphore sitting_{0};
  std::binary_semaphore way_out_{0};
  bool is_open_ = false;
};

} // namespace support
