// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <atomic>
#include <memory>

namespace troupe::detail {

/// Notes that somebody has looked at why a worker failed. Copies share the
/// note; it outlives the worker. Thread-safe.
class read_mark {
public:
  /// Nobody wants to know.
  read_mark() noexcept = default;

  [[nodiscard]] static read_mark make() {
    read_mark result;
    result.read_ = std::make_shared<std::atomic<bool>>(false);
    return result;
  }

  [[nodiscard]] explicit operator bool() const noexcept {
    return read_ != nullptr;
  }

  void set() const noexcept {
    if (read_)
      read_->store(true, std::memory_order_relaxed);
  }

  [[nodiscard]] bool is_set() const noexcept {
    return read_ && read_->load(std::memory_order_relaxed);
  }

private:
  std::shared_ptr<std::atomic<bool>> read_;
};

} // namespace troupe::detail
