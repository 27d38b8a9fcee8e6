// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/deadlines.hpp"
#include "rules/lifecycle.hpp"
#include "troupe/time.hpp"
#include "worker/held.hpp"

namespace troupe::detail {

class worker_core;

/// The times within which a worker has to end. A view of its core, whose lock
/// guards them. Thread-safe.
class deadlines {
public:
  explicit deadlines(worker_core& of) noexcept : of_(of) {
    // nop
  }

  /// `on_shutdown()` begins, now that the children are gone: it gets its time.
  void begin_cleanup();

  /// `on_shutdown()` is over, and has left children.
  void join_again();

  /// `after_shutdown()` has returned.
  /// @returns the stage: `abandoned` if that has taken too long.
  rules::stage end_farewell();

  /// One that is about to be forced, or was, ends within these limits as well.
  void keep_within(const rules::stop_limits& limits);

  /// Until when the clean-up may take that begins now.
  [[nodiscard]] time_point of_cleanup(const held& lock) const;

  /// A stop may end the clean-up earlier, but never gives it more time.
  void shorten_cleanup(const held& lock);

  /// The limits have become tighter: so does the deadline of what is under way.
  void shorten(const held& lock);

  /// The alarm has gone off. On the clock's thread, whatever the worker does.
  void look();

private:
  worker_core& of_;
};

} // namespace troupe::detail
