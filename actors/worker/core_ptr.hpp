// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "worker/worker_core.hpp"

#include <utility>

namespace troupe::detail {

/// Counts references to a core.
class core_ptr {
public:
  core_ptr() noexcept = default;

  explicit core_ptr(worker_core& x) noexcept : ptr_(&x) {
    x.retain();
  }

  /// Takes over a reference.
  static core_ptr adopt(worker_core& x) noexcept {
    core_ptr result;
    result.ptr_ = &x;
    return result;
  }

  core_ptr(const core_ptr& other) noexcept : ptr_(other.ptr_) {
    if (ptr_ != nullptr)
      ptr_->retain();
  }

  core_ptr(core_ptr&& other) noexcept
    : ptr_(std::exchange(other.ptr_, nullptr)) {
    // nop
  }

  core_ptr& operator=(core_ptr other) noexcept {
    std::swap(ptr_, other.ptr_);
    return *this;
  }

  ~core_ptr() {
    if (ptr_ != nullptr)
      ptr_->release();
  }

  /// Drops the reference if somebody else has one as well.
  /// @returns whether it did.
  [[nodiscard]] bool drop_unless_last() noexcept {
    if (ptr_ == nullptr || !ptr_->release_unless_last())
      return ptr_ == nullptr;
    ptr_ = nullptr;
    return true;
  }

  [[nodiscard]] worker_core* get() const noexcept {
    return ptr_;
  }

  worker_core* operator->() const noexcept {
    return ptr_;
  }

  worker_core& operator*() const noexcept {
    return *ptr_;
  }

private:
  worker_core* ptr_ = nullptr;
};

} // namespace troupe::detail
