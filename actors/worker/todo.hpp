// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/atomics.hpp"
#include "troupe/detail/perturb.hpp"

#include <atomic>
#include <cstdint>

namespace troupe::detail {

/// Orders to the actor of a worker that it has not carried out yet: actions of
/// the lifecycle that belong on its own thread, and a few words of others.
enum class todo : std::uint32_t {
  none = 0,
  begin_startup = 1u << 0,
  begin_run = 1u << 1,
  begin_close = 1u << 2,
  destroy_frame = 1u << 3,
  wake_waits = 1u << 4,
  finish = 1u << 5,
  quit_actor = 1u << 8,
  holds_changed = 1u << 6,
  child_ended = 1u << 7,
  answer = 1u << 9,
  serve = 1u << 10,
};

constexpr todo operator|(todo x, todo y) noexcept {
  return static_cast<todo>(static_cast<std::uint32_t>(x)
                           | static_cast<std::uint32_t>(y));
}

/// Whether `set` contains `x`.
constexpr bool has(todo set, todo x) noexcept {
  return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(x)) != 0;
}

/// Collects the tasks of an actor. The thread that adds the first has to wake
/// the actor; it takes all, and looks again until there is none, so nobody else
/// has to. Any thread may add.
/// @tparam Atomics See `std_atomics`.
template <class Atomics>
class basic_todo_set {
public:
  /// @returns whether there was nothing, so that somebody is to be woken.
  bool add(todo x) noexcept {
    perturb();
    // Release: what was done before is seen by the one who takes it.
    const auto before = bits_.fetch_or(static_cast<std::uint32_t>(x),
                                       std::memory_order_acq_rel);
    perturb();
    return before == 0;
  }

  /// Whether there is nothing.
  [[nodiscard]] bool empty() const noexcept {
    return bits_.load(std::memory_order_relaxed) == 0;
  }

  /// Takes all that there is.
  [[nodiscard]] todo take() noexcept {
    perturb();
    return static_cast<todo>(bits_.exchange(0, std::memory_order_acq_rel));
  }

private:
  typename Atomics::template atomic<std::uint32_t> bits_{0};
};

/// @copydoc basic_todo_set
using todo_set = basic_todo_set<std_atomics>;

} // namespace troupe::detail
