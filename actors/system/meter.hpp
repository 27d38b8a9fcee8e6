// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/dead_letter.hpp"
#include "troupe/time.hpp"

#include <cstdint>

namespace troupe::detail {

/// Counts how messages in queues end. Called on any thread, and with locks
/// held: it must not do more than count.
class meter {
public:
  virtual ~meter() = default;

  /// A worker was done with a message after so long.
  virtual void handled(timespan length) noexcept = 0;

  /// So many messages have become dead letters.
  virtual void buried(dead_letter_reason why, std::uint64_t n) noexcept = 0;

  /// The actor system ends: drops references to the runtime (it owns this,
  /// which would be a cycle).
  virtual void end() noexcept = 0;
};

} // namespace troupe::detail
