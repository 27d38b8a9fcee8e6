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
    if (seen != state::free && seen != state::held)
      break; // Those who sleep come first.
    if (seen == state::free
        && state_.compare_exchange_weak(seen, state::held,
                                        std::memory_order_acquire,
                                        std::memory_order_relaxed))
      return;
    relax();
  }
  // How often a thread may find it held after it was woken. Others take it
  // meanwhile, which is the cheaper way as long as it goes on for a moment
  // only.
  constexpr int most_losses = 16;
  for (int losses = 0;;) {
    const auto starving = losses >= most_losses;
    auto seen = state_.load(std::memory_order_relaxed);
    auto next = state::wanted;
    switch (seen) {
      case state::free:
        // The next one to unlock it does not know whether others sleep.
        break;
      case state::reserved:
        next = starving ? state::wanted : state::reserved;
        break;
      case state::held:
      case state::wanted:
        next = starving ? state::starved : state::wanted;
        break;
      case state::starved:
        next = state::starved;
        break;
    }
    if (next == seen) {
      state_.wait(seen, std::memory_order_relaxed);
      ++losses;
    } else if (state_.compare_exchange_weak(seen, next,
                                            std::memory_order_acquire,
                                            std::memory_order_relaxed)
               && (seen == state::free || seen == state::reserved)) {
      return;
    }
  }
}

void small_mutex::unlock_and_wake() noexcept {
  // Others only add that they wait. From the exchange on it may be gone.
  auto seen = state_.load(std::memory_order_relaxed);
  for (;;) {
    const auto next = seen == state::starved ? state::reserved : state::free;
    if (state_.compare_exchange_weak(seen, next, std::memory_order_release,
                                     std::memory_order_relaxed))
      break;
  }
  // Of those who sleep only some may take what is reserved.
  if (seen == state::starved)
    state_.notify_all();
  else
    state_.notify_one();
}

} // namespace troupe
