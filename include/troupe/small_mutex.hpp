// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/perturb.hpp"

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

namespace troupe {

/// A mutex of four bytes, for what there are very many of, or what is locked
/// very often: where nobody else is at it, to lock and to unlock it takes one
/// atomic operation each, without a call. Works with `std::unique_lock`, but
/// not with a `std::condition_variable`.
///
/// It is fair in the end: a thread that has found it held again and again gets
/// it next, however many others lock it in a loop.
class small_mutex {
public:
  small_mutex() noexcept = default;

  small_mutex(const small_mutex&) = delete;

  small_mutex& operator=(const small_mutex&) = delete;

  ~small_mutex() {
    TROUPE_TSAN(__tsan_mutex_destroy(this, 0));
  }

  void lock() noexcept {
    // ThreadSanitizer looks after the order of locks when it is told of them.
    perturb();
    TROUPE_TSAN(__tsan_mutex_pre_lock(this, 0));
    auto seen = state::free;
    // Acquire: what those have done who had it before happens before.
    if (!state_.compare_exchange_strong(seen, state::held,
                                        std::memory_order_acquire,
                                        std::memory_order_relaxed))
      wait_and_lock();
    TROUPE_TSAN(__tsan_mutex_post_lock(this, 0, 0));
    perturb();
  }

  void unlock() noexcept {
    perturb();
    TROUPE_TSAN(__tsan_mutex_pre_unlock(this, 0));
    // From here on it may be gone; a wake-up needs its address alone.
    auto seen = state::held;
    if (!state_.compare_exchange_strong(seen, state::free,
                                        std::memory_order_release,
                                        std::memory_order_relaxed))
      unlock_and_wake();
    TROUPE_TSAN(__tsan_mutex_post_unlock(this, 0));
    perturb();
  }

private:
  enum class state : std::uint32_t {
    free,
    held,
    wanted,   ///< Held, and somebody may be asleep until it is free.
    starved,  ///< The same, and somebody has waited for too long.
    reserved, ///< Free for those who have waited for too long, and only them.
  };

  void wait_and_lock() noexcept;

  void unlock_and_wake() noexcept;

  std::atomic<state> state_{state::free};
};

} // namespace troupe

#undef TROUPE_TSAN
