// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstddef>
#include <new>

namespace troupe::detail {

/// Says that this thread is about to take so many bytes for something of which
/// there can be very many. The GNU C library lets the memory of every thread
/// but the first grow by a page at a time, and asks the system for each; a
/// piece of many pages that is given back at once makes it ask once for all of
/// them. Costs next to nothing where that is not so, and keeps nothing.
inline void memory_ahead(std::size_t bytes) {
  // Less than what would go back to the system, see M_TRIM_THRESHOLD.
  constexpr std::size_t piece = 60'000;
  thread_local std::size_t left = 0;
  if (left < bytes) {
    ::operator delete(::operator new(piece));
    left = piece;
  }
  left -= bytes;
}

} // namespace troupe::detail
