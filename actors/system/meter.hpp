// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/dead_letter.hpp"
#include "troupe/time.hpp"

#include <cstdint>

namespace troupe {

/// Who counts what becomes of the messages in queues. Called on any thread, and
/// with locks held: it must not do more than count.
class meter {
public:
  virtual ~meter() = default;

  /// A worker was done with a message after so long.
  virtual void handled(timespan length) noexcept = 0;

  /// So many messages have become dead letters.
  virtual void buried(dead_letter_reason why, std::uint64_t n) noexcept = 0;

  /// The actor system goes: lets go of what may hold the runtime, which holds
  /// this.
  virtual void end() noexcept = 0;
};

} // namespace troupe
