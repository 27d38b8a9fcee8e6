// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "stress/journal.hpp"
#include "stress/watch.hpp"
#include "support/dice.hpp"
#include "support/real_system.hpp"
#include "support/sanitizers.hpp"
#include "troupe/subscription.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace stress {

using support::dice;

/// A thread of a round: what it draws from, and where it writes what it does.
class player {
public:
  player(dice draws, std::shared_ptr<journal> log)
    : draws_(draws), log_(std::move(log)) {
    // nop
  }

  [[nodiscard]] dice& draw() noexcept {
    return draws_;
  }

  /// While it lives, an operation is under way.
  class operation {
  public:
    operation(journal& log, const char* what, std::string whom) : log_(log) {
      log_.begin(what, std::move(whom));
    }

    operation(const operation&) = delete;

    operation& operator=(const operation&) = delete;

    ~operation() {
      log_.end();
    }

  private:
    journal& log_;
  };

  [[nodiscard]] operation begins(const char* what, std::string whom) {
    return {*log_, what, std::move(whom)};
  }

private:
  dice draws_;
  std::shared_ptr<journal> log_;
};

/// One go at a scenario: short, with an actor system of its own.
class round {
public:
  using clock = std::chrono::steady_clock;

  round(watch& eyes, std::uint64_t seed, std::size_t threads,
        std::chrono::milliseconds length)
    : eyes_(eyes), seed_(seed), threads_(threads), end_(clock::now() + length) {
    // nop
  }

  [[nodiscard]] watch& eyes() const noexcept {
    return eyes_;
  }

  [[nodiscard]] std::uint64_t seed() const noexcept {
    return seed_;
  }

  /// How many threads are to draw operations.
  [[nodiscard]] std::size_t threads() const noexcept {
    return threads_;
  }

  /// Returns when it is to end.
  void wait() const {
    std::this_thread::sleep_until(end_);
  }

  [[nodiscard]] bool goes_on() const {
    return clock::now() < end_;
  }

  /// A player whose draws depend on the seed and its number alone.
  [[nodiscard]] player make_player(std::size_t number, const char* role) const;

  /// A thread on which `f` plays until it returns.
  [[nodiscard]] std::jthread play(std::size_t number, const char* role,
                                  std::function<void(player&)> f) const;

private:
  watch& eyes_;
  std::uint64_t seed_;
  std::size_t threads_;
  clock::time_point end_;
};

/// The actor system of a round, with somebody who looks at its events.
class stage {
public:
  stage(const round& here, std::size_t scheduler_threads,
        troupe::timespan force_period);

  ~stage();

  stage(const stage&) = delete;

  stage& operator=(const stage&) = delete;

  [[nodiscard]] caf::actor_system& sys() noexcept {
    return system_.sys();
  }

private:
  support::real_system system_;
  troupe::subscription events_;
};

/// So long after a force a life is abandoned that nobody blocks: much longer
/// than a busy machine needs, so that only a lost wake-up gets there.
constexpr auto long_force_period
  = std::chrono::seconds{support::under_asan || support::under_tsan ? 60 : 6};

/// A way to bring trouble.
struct scenario {
  const char* name;
  /// One line for the usage text.
  const char* about;
  void (*play)(round&);
};

/// All of them, in the order in which they take turns.
[[nodiscard]] const std::vector<scenario>& all_scenarios();

} // namespace stress
