// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/build_config.hpp"

namespace troupe::detail {

/// A place where threads may meet. In a build with the option `TROUPE_PERTURB`
/// the calling thread now and then yields or sleeps for a moment here, as drawn
/// from the seed in `TROUPE_PERTURB_SEED`, so that what rarely happens at the
/// same time does so often. Otherwise it is nothing at all. For the library;
/// may be called with any lock held.
#if TROUPE_PERTURB
void perturb() noexcept;
#else
constexpr void perturb() noexcept {
  // nop
}
#endif

} // namespace troupe::detail
