// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "support/sanitizers.hpp"

#ifdef TROUPE_TEST_ASAN
#  include <sanitizer/lsan_interface.h>
#endif

namespace support {

/// While it lives, what this thread allocates may stay for ever: for tests of
/// what is given up on purpose.
class leaks_allowed {
public:
#ifdef TROUPE_TEST_ASAN
  leaks_allowed() {
    __lsan_disable();
  }

  ~leaks_allowed() {
    __lsan_enable();
  }
#else
  // Not trivial, so that nobody calls it unused.
  leaks_allowed() {
    // nop
  }
#endif

  leaks_allowed(const leaks_allowed&) = delete;

  leaks_allowed& operator=(const leaks_allowed&) = delete;
};

} // namespace support
