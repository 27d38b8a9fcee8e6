// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/core_stage.hpp"

namespace troupe::detail {

worker_phase core_stage::phase() const noexcept {
  const auto at = stage();
  if (rules::is_final(at) && backing_off_.load(std::memory_order_relaxed))
    return worker_phase::backing_off;
  return rules::phase_of(at);
}

health core_stage::reported_health() const noexcept {
  const auto at = stage();
  return at == rules::stage::created || rules::is_final(at)
           ? health::healthy
           : health_.load(std::memory_order_relaxed);
}

} // namespace troupe::detail
