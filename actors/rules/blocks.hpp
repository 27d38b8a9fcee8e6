// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace troupe::rules {

/// An array that grows at its end without moving what it has, and without
/// having much more room than it needs: for what there may be a million of.
template <class T>
class blocks {
public:
  blocks() = default;

  blocks(blocks&& other) noexcept
    : blocks_(std::move(other.blocks_)), size_(std::exchange(other.size_, 0)) {
    // nop
  }

  blocks& operator=(blocks&& other) noexcept {
    blocks_ = std::move(other.blocks_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }

  /// @pre `i < size()`
  [[nodiscard]] T& operator[](std::size_t i) noexcept {
    return (*blocks_[i / length])[i % length];
  }

  /// @copydoc operator[]
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept {
    return (*blocks_[i / length])[i % length];
  }

  void emplace_back() {
    if (size_ == blocks_.size() * length)
      blocks_.push_back(std::make_unique<block>());
    ++size_;
  }

private:
  static constexpr std::size_t length = 16;

  using block = std::array<T, length>;

  std::vector<std::unique_ptr<block>> blocks_;
  std::size_t size_ = 0;
};

} // namespace troupe::rules
