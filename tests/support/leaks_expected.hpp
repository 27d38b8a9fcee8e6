// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#if defined(__SANITIZE_ADDRESS__)
#  include <sanitizer/lsan_interface.h>
#endif

namespace support {

#if defined(__SANITIZE_ADDRESS__)

/// While it lives, what this thread allocates may be leaked.
using leaks_expected = __lsan::ScopedDisabler;

#else

/// While it lives, what this thread allocates may be leaked.
struct [[maybe_unused]] leaks_expected {
  leaks_expected() noexcept {
    // Nobody looks for leaks in this build.
  }

  ~leaks_expected() {
    // As above.
  }
};

#endif

} // namespace support
