// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <string>

namespace troupe_top {

/// A pipe by which one thread, or a signal handler, wakes another that polls.
class wake_pipe {
public:
  /// @throws std::system_error if there are no file descriptors left.
  wake_pipe();

  wake_pipe(const wake_pipe&) = delete;

  wake_pipe& operator=(const wake_pipe&) = delete;

  ~wake_pipe();

  /// What to poll for reading.
  [[nodiscard]] int reader() const noexcept {
    return ends_[0];
  }

  /// Puts a byte in. Safe in a signal handler. A full pipe wakes as well.
  void put(char what) const noexcept;

  /// Takes out all there is; never waits.
  [[nodiscard]] std::string take() const;

private:
  int ends_[2] = {-1, -1};
};

} // namespace troupe_top
