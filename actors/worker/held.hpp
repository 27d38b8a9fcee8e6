// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/small_mutex.hpp"

#include <mutex>

namespace troupe::detail {

/// The lock of a core, and the proof that it is held: a function that needs the
/// lock takes one of these.
class held : public std::unique_lock<small_mutex> {
public:
  explicit held(small_mutex& x) : unique_lock(x) {
    // nop
  }
};

} // namespace troupe::detail
