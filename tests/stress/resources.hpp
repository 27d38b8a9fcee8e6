// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace stress {

/// How many threads this process has.
[[nodiscard]] std::size_t count_threads();

/// The memory that this process takes, in kB, after all that is free has
/// been given back.
[[nodiscard]] std::size_t resident_kilobytes();

/// Says whether what was measured after each round grows without end.
class growth {
public:
  /// @param x In kB, after one more round.
  void add(std::size_t x) {
    seen_.push_back(x);
  }

  /// How much more it is at the end than it was after the rounds in which the
  /// program has warmed up, in kB; 0 while there are too few.
  [[nodiscard]] std::size_t kilobytes() const;

private:
  std::vector<std::size_t> seen_;
};

} // namespace stress
