// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "stopwatch.hpp"

#include "troupe/detail/clock.hpp"
#include "troupe/time.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/disposable.hpp>
#include <caf/event_based_actor.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <future>
#include <random>
#include <stdexcept>
#include <vector>

/// Timers that are pending, of troupe and of CAF, and what one more costs.
namespace troupe::bench {

/// Takes a millisecond at most, so that most rounds are over before the thread
/// is preempted on a machine with other work.
inline constexpr std::size_t pairs_at_a_time = 5'000;

struct quiet_timer : detail::timer {
  quiet_timer() : timer([](detail::timer&) noexcept {}) {
    // nop
  }
};

/// None of these is due while the benchmark runs.
class delays {
public:
  enum class kind {
    /// As in a program with one timeout for everything: what is armed later is
    /// due later. CAF sorts its timers, and these are sorted already.
    all_the_same,
    /// As in a program that waits for many different things.
    various,
  };

  explicit delays(kind how) : how_(how) {
    // nop
  }

  timespan next() {
    if (how_ == kind::all_the_same)
      return std::chrono::hours{1};
    return std::chrono::hours{1}
           + std::chrono::nanoseconds{
             random_() % (std::chrono::hours{1} / std::chrono::nanoseconds{1})};
  }

  std::size_t below(std::size_t limit) {
    return random_() % limit;
  }

private:
  kind how_;
  std::mt19937_64 random_{42};
};

/// troupe's clock with timers pending.
class timer_crowd {
public:
  timer_crowd(std::size_t size, delays::kind how) : dues_(how), pending_(size) {
    delays_.reserve(size);
    for (std::size_t i = 0; i < size; ++i)
      delays_.push_back(dues_.next());
  }

  /// @returns Nanoseconds for each of the pending ones.
  double arm_all() {
    const auto start = stopwatch::now();
    for (std::size_t i = 0; i < pending_.size(); ++i)
      clock_.arm(pending_[i], clock_.now() + delays_[i]);
    return nanos_since(start) / static_cast<double>(pending_.size());
  }

  /// @returns Nanoseconds to arm and cancel one more timer.
  double arm_and_cancel(std::size_t count) {
    const auto start = stopwatch::now();
    for (std::size_t i = 0; i < count; ++i) {
      quiet_timer t;
      clock_.arm(t, clock_.now() + delays_[i % delays_.size()]);
      if (!clock_.cancel(t))
        throw std::logic_error("a timer was not pending");
    }
    return nanos_since(start) / static_cast<double>(count);
  }

  /// @returns Nanoseconds to cancel any of the pending ones and arm it again:
  /// as
  ///          above, but none of what it touches is in a cache.
  double move_any(std::size_t count) {
    struct move {
      quiet_timer* what;
      timespan delay;
    };
    std::vector<move> moves(count);
    for (auto& x : moves)
      x = {&pending_[dues_.below(pending_.size())], dues_.next()};
    const auto start = stopwatch::now();
    for (const auto& x : moves) {
      if (!clock_.cancel(*x.what))
        throw std::logic_error("a timer was not pending");
      clock_.arm(*x.what, clock_.now() + x.delay);
    }
    return nanos_since(start) / static_cast<double>(count);
  }

private:
  delays dues_;
  std::vector<timespan> delays_;
  std::vector<quiet_timer> pending_;
  detail::real_clock clock_;
};

/// CAF's clock with timers pending. To be used by the actor itself.
class caf_timer_crowd {
public:
  caf_timer_crowd(caf::event_based_actor* self, std::size_t size)
    : self_(self) {
    pending_.reserve(size);
  }

  ~caf_timer_crowd() {
    for (auto& x : pending_)
      x.dispose();
  }

  double arm_all() {
    const auto start = stopwatch::now();
    for (std::size_t i = 0; i < pending_.capacity(); ++i)
      pending_.push_back(self_->run_delayed(dues_.next(), [] {}));
    return nanos_since(start) / static_cast<double>(pending_.size());
  }

  double arm_and_cancel(std::size_t count) {
    const auto start = stopwatch::now();
    for (std::size_t i = 0; i < count; ++i)
      self_->run_delayed(dues_.next(), [] {}).dispose();
    return nanos_since(start) / static_cast<double>(count);
  }

private:
  caf::event_based_actor* self_;
  delays dues_{delays::kind::all_the_same};
  std::vector<caf::disposable> pending_;
};

/// Calls `f` with an actor, on that actor's thread.
template <class F>
void inside_actor(F f) {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  std::promise<void> done;
  sys.spawn([&](caf::event_based_actor* self) {
    try {
      f(self);
      done.set_value();
    } catch (...) {
      done.set_exception(std::current_exception());
    }
  });
  done.get_future().get();
}

} // namespace troupe::bench
