// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>

namespace troupe::testing {

/// The jobs that could run, and a rule for which is next. The rule knows
/// nothing but the seed and the sequence of calls, so it takes the same
/// decisions on every machine.
class run_queue {
public:
  /// @param seed Zero: first in, first out. Else: any of them, as the seed
  /// wills.
  explicit run_queue(std::uint64_t seed) noexcept;

  /// Adds a job, with one reference to it.
  void push(caf::resumable* job);

  /// Takes out the next job, with the reference; null if there is none.
  caf::resumable* pop();

  [[nodiscard]] bool empty() const noexcept {
    return jobs_.empty();
  }

private:
  std::deque<caf::resumable*> jobs_;
  bool shuffled_;
  std::uint64_t state_;
};

} // namespace troupe::testing
