// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/atomics.hpp"
#include "troupe/detail/perturb.hpp"

#include <atomic>
#include <cstdint>

#if defined(__has_feature)
#  if __has_feature(thread_sanitizer)
#    include <sanitizer/tsan_interface.h>
#    define TROUPE_TSAN(call) call
#  endif
#endif
#ifndef TROUPE_TSAN
#  define TROUPE_TSAN(call) static_cast<void>(0)
#endif

namespace troupe::detail {

/// A mutex of four bytes, for objects of which there are very many, or that are
/// locked very often: without contention, to lock and to unlock it takes one
/// atomic operation each, without a call. Works with `std::unique_lock`, but
/// not with a `std::condition_variable`.
///
/// It is fair in the end: a thread that has found it held again and again gets
/// it next, however many others lock it in a loop.
/// @tparam Atomics See `std_atomics`.
template <class Atomics>
class basic_small_mutex {
public:
  basic_small_mutex() noexcept = default;

  basic_small_mutex(const basic_small_mutex&) = delete;

  basic_small_mutex& operator=(const basic_small_mutex&) = delete;

  ~basic_small_mutex() {
    TROUPE_TSAN(__tsan_mutex_destroy(this, 0));
  }

  void lock() noexcept {
    // ThreadSanitizer looks after the order of locks when it is told of them.
    perturb();
    TROUPE_TSAN(__tsan_mutex_pre_lock(this, 0));
    std::uint32_t seen = free;
    // Acquire: all that former holders have done happens before.
    if (!value_.compare_exchange_strong(seen, held, std::memory_order_acquire,
                                        std::memory_order_relaxed))
      wait_and_lock();
    TROUPE_TSAN(__tsan_mutex_post_lock(this, 0, 0));
    perturb();
  }

  void unlock() noexcept {
    perturb();
    TROUPE_TSAN(__tsan_mutex_pre_unlock(this, 0));
    // From here on it may be gone; a wake-up needs its address alone.
    std::uint32_t seen = held;
    if (!value_.compare_exchange_strong(seen, free, std::memory_order_release,
                                        std::memory_order_relaxed))
      unlock_and_wake();
    TROUPE_TSAN(__tsan_mutex_post_unlock(this, 0));
    perturb();
  }

private:
  /// In the lowest bits of the value. For those on which a thread may sleep,
  /// the others are a ticket: a thread that is woken sees another value than
  /// the one on which it fell asleep, though others have the mutex again, and
  /// so knows that it has lost.
  enum state : std::uint32_t {
    free,
    held,
    wanted,   ///< Held, and somebody may be asleep until it is free.
    starved,  ///< The same, and somebody has waited for too long.
    reserved, ///< Free for those who have waited for too long, and only them.
  };

  static constexpr std::uint32_t state_bits = 3;

  static constexpr std::uint32_t state_mask = (1u << state_bits) - 1;

  static constexpr state state_of(std::uint32_t value) noexcept {
    return static_cast<state>(value & state_mask);
  }

  void wait_and_lock() noexcept;

  void unlock_and_wake() noexcept;

  typename Atomics::template atomic<std::uint32_t> value_{free};
};

template <class Atomics>
void basic_small_mutex<Atomics>::wait_and_lock() noexcept {
  // It is held for a moment only, so it may be free before anybody could sleep.
  for (auto i = 0; i < Atomics::tries; ++i) {
    auto seen = value_.load(std::memory_order_relaxed);
    if (seen != free && seen != held)
      break; // Those who sleep come first.
    if (seen == free
        && value_.compare_exchange_weak(seen, held, std::memory_order_acquire,
                                        std::memory_order_relaxed))
      return;
    Atomics::relax();
  }
  for (int losses = 0;;) {
    const auto starving = losses >= Atomics::most_losses;
    auto seen = value_.load(std::memory_order_relaxed);
    const auto at = state_of(seen);
    auto next = wanted;
    switch (at) {
      case free:
        // The next one to unlock it does not know whether others sleep.
        break;
      case reserved:
        next = starving ? wanted : reserved;
        break;
      case held:
      case wanted:
        next = starving ? starved : wanted;
        break;
      case starved:
        next = starved;
        break;
    }
    if (next == at) {
      value_.wait(seen, std::memory_order_relaxed);
      ++losses;
    } else if (value_.compare_exchange_weak(
                 seen, next | (Atomics::ticket() << state_bits),
                 std::memory_order_acquire, std::memory_order_relaxed)
               && (at == free || at == reserved)) {
      return;
    }
  }
}

template <class Atomics>
void basic_small_mutex<Atomics>::unlock_and_wake() noexcept {
  // Others only add that they wait. From the exchange on it may be gone.
  auto seen = value_.load(std::memory_order_relaxed);
  for (;;) {
    const auto next = state_of(seen) == starved ? seen - starved + reserved
                                                : std::uint32_t{free};
    if (value_.compare_exchange_weak(seen, next, std::memory_order_release,
                                     std::memory_order_relaxed))
      break;
  }
  // Of those who sleep only some may take what is reserved.
  if (state_of(seen) == starved)
    value_.notify_all();
  else
    value_.notify_one();
}

/// @copydoc basic_small_mutex
using small_mutex = basic_small_mutex<std_atomics>;

extern template class basic_small_mutex<std_atomics>;

} // namespace troupe::detail

#undef TROUPE_TSAN
