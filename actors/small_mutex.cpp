// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/small_mutex.hpp"

namespace troupe {

namespace {

/// Leaves the processor's resources to whoever has the lock.
void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

} // namespace

void small_mutex::wait_and_lock() noexcept {
  // It is held for a moment only, so it may be free before anybody could sleep.
  constexpr int tries = 64;
  for (auto i = 0; i < tries; ++i) {
    auto seen = state_.load(std::memory_order_relaxed);
    if (seen == state::wanted)
      break; // Those who sleep come first.
    if (seen == state::free
        && state_.compare_exchange_weak(seen, state::held,
                                        std::memory_order_acquire,
                                        std::memory_order_relaxed))
      return;
    relax();
  }
  // Whoever gets it from here on does not know whether others sleep.
  while (state_.exchange(state::wanted, std::memory_order_acquire)
         != state::free)
    state_.wait(state::wanted, std::memory_order_relaxed);
}

} // namespace troupe
