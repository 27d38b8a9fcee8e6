// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#if defined(__SANITIZE_ADDRESS__)
#  define TROUPE_TEST_FINDS_LEAKS 1
#elif defined(__has_feature)
#  if __has_feature(address_sanitizer)
#    define TROUPE_TEST_FINDS_LEAKS 1
#  endif
#endif

#ifdef TROUPE_TEST_FINDS_LEAKS
#  include <sanitizer/lsan_interface.h>
#endif

namespace support {

/// While it lives, what this thread allocates may stay for ever: for tests of
/// what is given up on purpose.
class leaks_allowed {
public:
#ifdef TROUPE_TEST_FINDS_LEAKS
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
