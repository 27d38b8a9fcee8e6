// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "failure.hpp"

#include <chrono>

namespace summarise {

/// What to do after a failed attempt.
struct decision {
  enum class action {
    /// Wait, then try the same item again.
    retry,
    /// This item cannot be had, or not now; the others may.
    give_up,
    /// No other item can succeed either.
    abort,
  };

  action what = action::give_up;

  /// For `retry`: how long to wait before.
  std::chrono::milliseconds wait{0};
};

/// When to try again, and after how long. Waits grow exponentially and are
/// spread at random, so that many clients do not come back in one moment; but
/// if the server says how long to wait (`retry-after`), that is what is done.
struct retry_policy {
  /// How often an item is tried at most, the first time included.
  int max_attempts = 5;

  /// The wait after the first failure; it doubles with each further one.
  std::chrono::milliseconds first_wait{500};

  /// The longest wait. A server that asks for more than `max_retry_after` is
  /// not waited for.
  std::chrono::milliseconds max_wait{8'000};
  std::chrono::milliseconds max_retry_after{60'000};

  /// @param attempt How many attempts there were, this one included.
  /// @param random A number in [0, 1); the wait lies between the half of what
  ///               it can be (0) and the whole (1).
  [[nodiscard]] decision decide(const failure& what, int attempt,
                                double random) const;
};

} // namespace summarise
