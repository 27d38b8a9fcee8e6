// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/perturb.hpp"

#if TROUPE_PERTURB

#  include <atomic>
#  include <chrono>
#  include <cstdint>
#  include <cstdlib>
#  include <thread>

namespace troupe::detail {

namespace {

/// SplitMix64.
std::uint64_t mixed(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

std::uint64_t seed_of_this_thread() noexcept {
  static const std::uint64_t seed = [] {
    const auto* text = std::getenv("TROUPE_PERTURB_SEED");
    return text != nullptr ? std::strtoull(text, nullptr, 10) : 0;
  }();
  static std::atomic<std::uint64_t> threads{0};
  return mixed(seed + (threads.fetch_add(1, std::memory_order_relaxed) << 32));
}

} // namespace

void perturb() noexcept {
  thread_local std::uint64_t state = seed_of_this_thread();
  const auto drawn = mixed(state += 0x9E3779B97F4A7C15u);
  // Mostly nothing, or the program would do too little to find anything.
  if (drawn % 8192 == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  else if (drawn % 1024 == 1)
    std::this_thread::sleep_for(std::chrono::microseconds{drawn >> 58});
  else if (drawn % 64 == 2)
    std::this_thread::yield();
}

} // namespace troupe::detail

#endif
