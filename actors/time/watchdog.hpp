// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/clock.hpp"
#include "troupe/time.hpp"

#include <cstdint>
#include <mutex>

namespace troupe::detail {

/// Notices that code which is to return soon does not. The work of an actor is
/// a sequence of *turns*, at whose end there is nothing to do, and each turn
/// one of *steps*: calls that are to return within a limit.
///
/// A timer is armed during a turn, and only then; it does not move with each
/// step, but looks, when it is due, since when the present step has been
/// running. So a step costs a look at the clock.
///
/// The lock may be taken while others are held, and the clock is called with it
/// held; nothing else is.
class watchdog : public clock::job {
public:
  using turn = std::uint64_t;

  /// @param limit How long a step may take, more than zero.
  watchdog(clock& time, timespan limit) noexcept : time_(time), limit_(limit) {
    // nop
  }

  watchdog(const watchdog&) = delete;

  watchdog& operator=(const watchdog&) = delete;

  [[nodiscard]] timespan limit() const noexcept {
    return limit_;
  }

  /// A turn begins, with its first step. One thread at a time has a turn, but
  /// the next one may begin before the last one has said that it is over.
  [[nodiscard]] turn begin_turn() noexcept;

  /// The next step begins, on the thread that has the turn.
  void next_step() noexcept;

  /// A turn is over, unless another one has begun.
  void end_turn(turn x) noexcept;

  void run() noexcept final;

protected:
  /// The present step has not returned within the limit. Called once for each
  /// such step, on the clock's thread, without any lock held.
  /// @param length How long it has taken so far.
  virtual void stalled(timespan length) noexcept = 0;

private:
  void begin_step() noexcept;

  clock& time_;
  const timespan limit_;

  std::mutex mtx_;
  time_point step_began_{};
  turn turn_ = 0;
  bool busy_ = false;
  bool armed_ = false;
};

} // namespace troupe::detail
