// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <atomic>
#include <cstdint>

namespace troupe::detail {

/// The atomics that the algorithms without a lock are made of. They take them
/// as a parameter, so that a test can run the same source through all orders
/// of its steps, see tests/support/explorer.hpp.
struct std_atomics {
  template <class T>
  using atomic = std::atomic<T>;

  /// How often a thread looks again before it sleeps.
  static constexpr int tries = 64;

  /// How often a thread may find a lock held after it was woken. Others take it
  /// meanwhile, which is the cheaper way as long as it goes on for a moment
  /// only.
  static constexpr int most_losses = 16;

  /// Numbers the states of a lock: another one each time, nearly always. That
  /// of two threads is the same once in a very long while, and it does no harm
  /// then.
  static std::uint32_t ticket() noexcept {
    static thread_local std::uint32_t last = 0;
    if (last == 0)
      last = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&last)
                                        >> 6);
    return ++last;
  }

  /// Leaves the processor's resources to others for a moment.
  static void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
};

} // namespace troupe::detail
