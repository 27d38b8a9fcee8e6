// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "time/timing_wheel.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace troupe::detail {

namespace {

bool empty(const timer_hook& list) noexcept {
  return list.next == &list;
}

void clear(timer_hook& list) noexcept {
  list.prev = &list;
  list.next = &list;
}

void unlink(timer_hook& x) noexcept {
  x.prev->next = x.next;
  x.next->prev = x.prev;
  x.place.store(timer_hook::unlinked, std::memory_order_relaxed);
}

tick first_of(const timer_hook& list) noexcept {
  auto result = tick_never;
  for (auto* x = list.next; x != &list; x = x->next)
    result = std::min(result, x->tick);
  return result;
}

/// Moves all of `from` to the end of `to`.
void splice(timer_hook& from, timer_hook& to) noexcept {
  from.next->prev = to.prev;
  to.prev->next = from.next;
  from.prev->next = &to;
  to.prev = from.prev;
  clear(from);
}

} // namespace

timing_wheel::timing_wheel(tick start) noexcept : base_(start) {
  for (auto& slot : slots_)
    clear(slot);
  clear(expired_);
  clear(dealing_);
}

void timing_wheel::link(timer_hook& x, timer_hook& list,
                        std::uint16_t place) noexcept {
  x.prev = list.prev;
  x.next = &list;
  list.prev->next = &x;
  list.prev = &x;
  x.place.store(place, std::memory_order_relaxed);
}

void timing_wheel::insert(timer_hook& x, tick due) noexcept {
  assert(x.place.load(std::memory_order_relaxed) == timer_hook::unlinked);
  assert(due != tick_never);
  x.tick = std::max(due, base_);
  ++size_;
  if (!empty(dealing_) && x.tick <= dealing_end_)
    link(x, dealing_, loose);
  else
    deal(x);
}

void timing_wheel::deal(timer_hook& x) noexcept {
  if (x.tick == base_) {
    link(x, expired_, loose);
    return;
  }
  const auto highest
    = 63U - static_cast<unsigned>(std::countl_zero(x.tick ^ base_));
  const auto level = highest / group_bits;
  const auto slot = (x.tick >> (level * group_bits)) % num_slots;
  const auto bit = std::uint64_t{1} << slot;
  const auto place = static_cast<std::uint16_t>(level * num_slots + slot);
  auto& head = slots_[place];
  if ((occupied_[level] & bit) == 0) {
    occupied_[level] |= bit;
    levels_ |= 1U << level;
    stale_[level] &= ~bit;
    head.tick = x.tick;
  } else if (x.tick <= head.tick) {
    stale_[level] &= ~bit;
    head.tick = x.tick;
  }
  link(x, head, place);
}

void timing_wheel::mark_empty(std::uint16_t place) noexcept {
  const auto level = place / num_slots;
  occupied_[level] &= ~(std::uint64_t{1} << (place % num_slots));
  if (occupied_[level] == 0)
    levels_ &= ~(1U << level);
}

void timing_wheel::remove(timer_hook& x) noexcept {
  const auto place = x.place.load(std::memory_order_relaxed);
  assert(place != timer_hook::unlinked);
  const auto last = x.prev == x.next;
  unlink(x);
  --size_;
  if (place == loose)
    return;
  // A timer still says where it was while it waits to be dealt. Its slot is
  // empty then, and stays so: the base is in it. So neither line harms.
  if (last)
    mark_empty(place);
  else if (x.tick == slots_[place].tick)
    stale_[place / num_slots] |= std::uint64_t{1} << (place % num_slots);
}

std::uint16_t timing_wheel::first_slot() const noexcept {
  assert(levels_ != 0);
  const auto level = static_cast<unsigned>(std::countr_zero(levels_));
  const auto slot = static_cast<unsigned>(std::countr_zero(occupied_[level]));
  return static_cast<std::uint16_t>(level * num_slots + slot);
}

bool timing_wheel::advance(tick now, std::size_t& budget) noexcept {
  for (;;) {
    while (!empty(dealing_)) {
      if (budget == 0)
        return false;
      --budget;
      auto& x = *dealing_.next;
      unlink(x);
      deal(x);
    }
    if (!empty(expired_) || levels_ == 0)
      return true;
    const auto place = first_slot();
    auto& slot = slots_[place];
    if (slot.tick > now)
      return true;
    base_ = slot.tick;
    const auto shift = (place / num_slots) * group_bits;
    dealing_end_ = base_ | ((tick{1} << shift) - 1);
    splice(slot, dealing_);
    mark_empty(place);
  }
}

timer_hook* timing_wheel::pop() noexcept {
  if (empty(expired_) || !empty(dealing_))
    return nullptr;
  auto& x = *expired_.next;
  unlink(x);
  --size_;
  return &x;
}

timer_hook* timing_wheel::pop_any() noexcept {
  timer_hook* x = nullptr;
  if (!empty(dealing_))
    x = dealing_.next;
  else if (!empty(expired_))
    x = expired_.next;
  else if (levels_ != 0)
    x = slots_[first_slot()].next;
  if (x != nullptr)
    remove(*x);
  return x;
}

tick timing_wheel::bound() const noexcept {
  if (!empty(dealing_) || !empty(expired_))
    return 0;
  return levels_ == 0 ? tick_never : slots_[first_slot()].tick;
}

tick timing_wheel::first() noexcept {
  if (!empty(expired_))
    return base_;
  const auto undealt = first_of(dealing_);
  if (levels_ == 0)
    return undealt;
  const auto place = first_slot();
  auto& slot = slots_[place];
  auto& stale = stale_[place / num_slots];
  const auto bit = std::uint64_t{1} << (place % num_slots);
  if ((stale & bit) != 0) {
    slot.tick = first_of(slot);
    stale &= ~bit;
  }
  return std::min(undealt, slot.tick);
}

} // namespace troupe::detail
