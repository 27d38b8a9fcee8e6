// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>

// A machine that has no more threads. Defines `pthread_create` for the whole
// program, so that only one of its files may include this.

namespace support {

/// While it lives, the nth thread that somebody wants is not made.
class scarce_threads {
public:
  enum class how { once, from_then_on };

  scarce_threads(int nth, how what) {
    wanted = 0;
    from_then_on = what == how::from_then_on;
    failing = nth;
  }

  scarce_threads(const scarce_threads&) = delete;

  scarce_threads& operator=(const scarce_threads&) = delete;

  ~scarce_threads() {
    failing = 0;
  }

  /// Whether somebody has not got a thread.
  [[nodiscard]] bool has_refused() const noexcept {
    return wanted >= failing;
  }

  [[nodiscard]] static bool refuses_next() noexcept {
    const int nth = failing;
    if (nth == 0)
      return false;
    const auto now = ++wanted;
    return now == nth || (now > nth && from_then_on);
  }

private:
  static inline std::atomic<int> failing = 0;
  static inline std::atomic<int> wanted = 0;
  static inline std::atomic<bool> from_then_on = false;
};

} // namespace support

extern "C" __attribute__((visibility("default"))) int
pthread_create(pthread_t* who, const pthread_attr_t* how, void* (*what)(void*),
               void* arg) noexcept {
  using function = int (*)(pthread_t*, const pthread_attr_t*, void* (*) (void*),
                           void*);
  static const auto real
    = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "pthread_create"));
  return support::scarce_threads::refuses_next() ? EAGAIN
                                                 : real(who, how, what, arg);
}
