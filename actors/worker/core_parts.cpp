// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/core_parts.hpp"

namespace troupe::detail {

bool reference_count::try_retain() noexcept {
  auto n = count_.load(std::memory_order_relaxed);
  while (n != 0)
    if (count_.compare_exchange_weak(n, n + 1, std::memory_order_relaxed))
      return true;
  return false;
}

bool reference_count::release_unless_last() noexcept {
  auto n = count_.load(std::memory_order_relaxed);
  while (n > 1)
    if (count_.compare_exchange_weak(n, n - 1, std::memory_order_acq_rel,
                                     std::memory_order_relaxed))
      return true;
  return false;
}

} // namespace troupe::detail
