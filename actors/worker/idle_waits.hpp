// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/fair_share.hpp"
#include "troupe/detail/idle_wait.hpp"

#include <cstdint>
#include <utility>

namespace troupe::detail {

class worker_core;

/// The waits of a worker that a stop ends, and how long it has gone on without
/// one. Belongs to the thread of the worker's actor, so it has no lock.
class idle_waits {
public:
  /// Adds `x`, which leaves the list before it goes.
  void add(idle_wait& x) noexcept;

  void remove(idle_wait& x) noexcept;

  /// Tells all of them that a stop was asked for.
  void wake_all() noexcept;

  /// A sleep begins: whether the stop's one wake-up is still due, which it then
  /// is no more.
  [[nodiscard]] bool take_sleep_wake() noexcept {
    return std::exchange(sleep_wake_due_, false);
  }

  void clear_sleep_wake() noexcept {
    sleep_wake_due_ = false;
  }

  /// Whether this `get_message` is to let others have their turn: as
  /// `turn_over`, or after a second none in a row.
  [[nodiscard]] bool must_pause(worker_core& core, bool got_message) noexcept;

  /// Whether the worker is to let others have their turn, having gone on many
  /// times, or for long, without a wait. (L35)
  [[nodiscard]] bool turn_over(worker_core& core) noexcept;

  void note_pause() noexcept {
    unpaused_ = 0;
    next_look_ = rules::first_look;
  }

private:
  idle_wait* first_ = nullptr;
  bool sleep_wake_due_ = false;
  std::uint16_t unpaused_ = 0;
  std::uint16_t next_look_ = rules::first_look; // at the clock
  std::uint16_t nones_ = 0;
};

} // namespace troupe::detail
