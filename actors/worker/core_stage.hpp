// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/lifecycle.hpp"
#include "troupe/health.hpp"
#include "troupe/lifecycle.hpp"

#include <atomic>
#include <cstdint>

namespace troupe::detail {

/// Knows, without a lock, of a worker's code whether it runs, and whether it
/// has something to say about itself.
class code_activity {
public:
  /// Whether there is a point in asking it: it runs at this moment, or may have
  /// something to say.
  [[nodiscard]] bool is_worth_asking() const noexcept {
    return turns_.load(std::memory_order_relaxed) != 0
           || !says_nothing_.load(std::memory_order_relaxed);
  }

  /// It has nothing to say about itself.
  void note_says_nothing() noexcept {
    says_nothing_.store(true, std::memory_order_relaxed);
  }

  /// It begins to run. The next turn may begin before the last one has said
  /// that it is over.
  void begin_turn() noexcept {
    turns_.fetch_add(1, std::memory_order_relaxed);
  }

  void end_turn() noexcept {
    turns_.fetch_sub(1, std::memory_order_relaxed);
  }

private:
  std::atomic<std::uint8_t> turns_{0};
  std::atomic<bool> says_nothing_{false};
};

/// The facts of a worker's present life that need no lock. It may be another
/// life when the caller looks at the answer.
class core_stage {
public:
  [[nodiscard]] rules::stage stage() const noexcept {
    return stage_.load(std::memory_order_acquire);
  }

  [[nodiscard]] worker_state state() const noexcept {
    return rules::state_of(stage());
  }

  [[nodiscard]] worker_phase phase() const noexcept;

  [[nodiscard]] bool stop_asked() const noexcept {
    return rules::stop_asked(stage());
  }

  /// Whether the coroutines must not go on: they are to be destroyed.
  [[nodiscard]] bool frozen() const noexcept {
    return rules::is_frozen(stage());
  }

  /// Whether nobody waits for it any more, while its code may still run.
  [[nodiscard]] bool abandoned() const noexcept {
    return stage() == rules::stage::abandoned;
  }

  [[nodiscard]] std::uint64_t incarnation() const noexcept {
    return incarnation_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] health reported_health() const noexcept;

  /// Says that the next life waits for its time, or no longer does.
  /// @returns whether it did so before.
  bool set_backing_off(bool value) noexcept {
    return backing_off_.exchange(value, std::memory_order_relaxed);
  }

  /// Says whether the worker's code runs at this moment.
  [[nodiscard]] code_activity& activity() noexcept {
    return activity_;
  }

protected:
  ~core_stage() = default;

  // Written with the core's lock held.
  std::atomic<rules::stage> stage_{rules::stage::created};
  std::atomic<health> health_{health::healthy};

private:
  std::atomic<bool> backing_off_{false};
  code_activity activity_;

protected:
  std::atomic<std::uint64_t> incarnation_{1};
};

} // namespace troupe::detail
