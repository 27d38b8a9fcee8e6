// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/queue_counts.hpp"

namespace support {

/// Whether each message is in exactly one place.
inline bool balanced(const troupe::queue_counts& x) {
  return x.sent
         == x.handled + x.in_progress + x.queued + x.handed_over
              + x.dead_letters();
}

/// The same at the end, when nothing is under way.
inline bool settled(const troupe::queue_counts& x) {
  return balanced(x) && x.in_progress == 0 && x.queued == 0;
}

} // namespace support
