// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

// A machine that has no more memory. Replaces `operator new` for the whole
// program, so that only one of its files may include this.

namespace support {

/// While it lives, the nth piece of memory that its thread wants is not there.
class scarce_memory {
public:
  explicit scarce_memory(int nth) noexcept {
    wanted = 0;
    failing = nth;
  }

  scarce_memory(const scarce_memory&) = delete;

  scarce_memory& operator=(const scarce_memory&) = delete;

  ~scarce_memory() {
    failing = 0;
  }

  /// Whether somebody has not got any.
  [[nodiscard]] bool has_refused() const noexcept {
    return wanted >= failing;
  }

  [[nodiscard]] static bool refuses_next() noexcept {
    return failing != 0 && ++wanted == failing;
  }

private:
  static inline thread_local int failing = 0;
  static inline thread_local int wanted = 0;
};

} // namespace support

// Not inlined: GCC 12 sees `std::free` beside `new` then, and warns of it.

[[gnu::noinline]] void* operator new(std::size_t size) {
  auto* result = support::scarce_memory::refuses_next()
                   ? nullptr
                   : std::malloc(size != 0 ? size : 1);
  if (result == nullptr)
    throw std::bad_alloc{};
  return result;
}

[[gnu::noinline]] void operator delete(void* x) noexcept {
  std::free(x);
}

[[gnu::noinline]] void operator delete(void* x, std::size_t) noexcept {
  std::free(x);
}
