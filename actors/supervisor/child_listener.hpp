// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/fwd.hpp"

namespace troupe::detail {

/// Hears of the children of a supervisor, and has a say in how they stop: a
/// pool's router does. Called on any thread, without a lock held.
class child_listener {
public:
  virtual ~child_listener();

  virtual void child_ready(worker_core& who) = 0;

  /// A life of `who` has ended.
  virtual void child_ended(worker_core& who) noexcept = 0;

  /// Whether all of them finish what is queued before they stop, whatever their
  /// own options say.
  [[nodiscard]] virtual bool drains() const = 0;

  /// Called before one of them is told to drain.
  virtual void prepare_drain() noexcept = 0;
};

} // namespace troupe::detail
