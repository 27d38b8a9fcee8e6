// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/clock.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace troupe::detail {

/// A point in time as the wheel sees it: unsigned nanoseconds in the order of
/// `time_point`.
using tick = std::uint64_t;

inline constexpr tick tick_never = std::numeric_limits<tick>::max();

[[nodiscard]] constexpr tick to_tick(time_point when) noexcept {
  // Flipping the sign bit maps signed to unsigned order, and `never` to the
  // largest tick.
  return static_cast<tick>(when.time_since_epoch().count()) ^ (tick{1} << 63);
}

[[nodiscard]] constexpr time_point to_time_point(tick when) noexcept {
  return time_point{
    timespan{static_cast<timespan::rep>(when ^ (tick{1} << 63))}};
}

/// The pending timers, in an order that is only as fine as it has to be: a
/// radix heap of intrusive lists. No locks, no allocations, no clock.
///
/// The wheel has a position, `base_`, that never goes back. A timer's level is
/// the highest group of six bits in which its due time differs from the base,
/// its slot the value of that group. Thus
///
/// - all timers of a slot share the groups above it with the base,
/// - a timer on a lower level is due before any on a higher one, and on the
/// same
///   level the lower slot comes first, so two bit scans find the first slot;
/// - equal due times are always in the same list, in the order they came.
///
/// Each slot knows a lower bound of its due times. To go on, the wheel puts the
/// base on the bound of the first slot and deals the timers in it to lower
/// levels, or to `expired_` if they are due right there. A timer can move down
/// eleven times in its life, and in practice moves once or twice. As cancelling
/// leaves a bound as it is, a bound can be too early, but only once: having
/// gone there, the wheel has better ones.
class timing_wheel {
public:
  explicit timing_wheel(tick start) noexcept;

  timing_wheel(const timing_wheel&) = delete;

  timing_wheel& operator=(const timing_wheel&) = delete;

  /// Takes in `x`. A due time before the base counts as the base.
  /// @pre `x` is not linked and `due` is not `tick_never`.
  void insert(timer_hook& x, tick due) noexcept;

  /// @pre `x` is linked.
  void remove(timer_hook& x) noexcept;

  /// Brings forward what is due at `now`.
  /// @param budget How many timers may be moved; each that is moved takes one.
  /// @returns `false` if the budget was too small, and more has to be moved
  ///          before `pop` gives anything.
  [[nodiscard]] bool advance(tick now, std::size_t& budget) noexcept;

  /// @returns The next timer that `advance` has brought forward, unlinked, or
  ///          null.
  [[nodiscard]] timer_hook* pop() noexcept;

  /// @returns Any timer, unlinked, or null if none is left.
  [[nodiscard]] timer_hook* pop_any() noexcept;

  /// @returns When `advance` has something to do: never later than the first
  ///          due time, zero if there is unfinished work, and `tick_never` if
  ///          no timer is pending.
  [[nodiscard]] tick bound() const noexcept;

  /// @returns The first due time. May look at a whole slot if a timer that was
  ///          due first has been cancelled.
  [[nodiscard]] tick first() noexcept;

  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }

private:
  static constexpr unsigned group_bits = 6;
  static constexpr unsigned num_slots = 1U << group_bits;
  static constexpr unsigned num_levels = (64 + group_bits - 1) / group_bits;
  static constexpr std::uint16_t loose = num_levels * num_slots;

  void link(timer_hook& x, timer_hook& list, std::uint16_t place) noexcept;

  /// Puts `x` where it belongs, seen from the base.
  void deal(timer_hook& x) noexcept;

  /// @pre A slot is occupied.
  [[nodiscard]] std::uint16_t first_slot() const noexcept;

  void mark_empty(std::uint16_t place) noexcept;

  tick base_;
  std::size_t size_ = 0;

  /// Which levels have an occupied slot, and which slots of a level are.
  std::uint32_t levels_ = 0;
  std::array<std::uint64_t, num_levels> occupied_{};

  /// Slots whose bound may be too early.
  std::array<std::uint64_t, num_levels> stale_{};

  /// The heads of the lists; the tick of a head is the bound of its slot.
  std::array<timer_hook, num_levels * num_slots> slots_;

  /// Due at `base_`.
  timer_hook expired_;

  /// From the slot where the base is now, still to be dealt; timers that would
  /// belong in there queue up behind them, or the order would be lost.
  timer_hook dealing_;
  tick dealing_end_ = 0;
};

} // namespace troupe::detail
