// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>

namespace stress {

/// The last operations of one thread, for the report of a violation. Written by
/// that thread, read by any.
class journal {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit journal(std::string owner) : owner_(std::move(owner)) {
    // nop
  }

  /// An operation begins.
  /// @param what Its name: a literal.
  /// @param whom The path or name that it is applied to.
  void begin(const char* what, std::string whom);

  /// The last operation has returned.
  void end();

  /// When the operation under way began; `time_point::max()` if there is none.
  [[nodiscard]] time_point busy_since() const;

  /// Prints who it is and what it did last. Skipped while the owner writes, so
  /// that it may be called when the program crashes.
  void print(std::FILE* out) const;

private:
  struct entry {
    const char* what = "";
    std::string whom;
    std::uint64_t number = 0;
    bool over = true;
  };

  static constexpr std::size_t kept = 12;

  mutable std::mutex mtx_;
  std::string owner_;
  std::array<entry, kept> entries_;
  std::uint64_t begun_ = 0;
  time_point since_ = time_point::max();
};

} // namespace stress
