// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cases.hpp"

#include "stopwatch.hpp"

#include "actors/caf_compat.hpp"
#include "troupe/clock.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/disposable.hpp>
#include <caf/event_based_actor.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <latch>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace troupe::bench {

namespace {

/// Takes a millisecond at most, so that most rounds are over before the thread
/// is preempted on a machine with other work.
constexpr std::size_t pairs_at_a_time = 5'000;

struct quiet_timer : timer {
  quiet_timer() : timer([](timer&) noexcept {}) {
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
      return 1h;
    return 1h + std::chrono::nanoseconds{random_() % (1h / 1ns)};
  }

  std::size_t below(std::size_t limit) {
    return random_() % limit;
  }

private:
  kind how_;
  std::mt19937_64 random_{42};
};

/// troupe's clock with timers pending.
class crowd {
public:
  crowd(std::size_t size, delays::kind how) : dues_(how), pending_(size) {
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
  real_clock clock_;
};

/// CAF's clock with timers pending. To be used by the actor itself.
class caf_crowd {
public:
  caf_crowd(caf::event_based_actor* self, std::size_t size) : self_(self) {
    pending_.reserve(size);
  }

  ~caf_crowd() {
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

void beside_caf(report& out, const settings& how) {
  const std::size_t size = how.quick ? 10'000 : 100'000;
  const std::size_t rounds = 5;
  const std::size_t caf_count = how.quick ? 500 : 1'000;
  std::vector<double> arm;
  std::vector<double> caf_arm;
  std::vector<double> both;
  std::vector<double> caf_both;
  inside_actor([&](caf::event_based_actor* self) {
    caf_crowd theirs{self, size};
    caf_arm.push_back(theirs.arm_all());
    for (std::size_t i = 0; i < rounds; ++i) {
      crowd ours{size, delays::kind::all_the_same};
      arm.push_back(ours.arm_all());
      caf_both.push_back(theirs.arm_and_cancel(caf_count));
      for (std::size_t j = 0; j < 10; ++j)
        both.push_back(ours.arm_and_cancel(pairs_at_a_time));
    }
  });
  const auto pending = grouped(size) + " pending";
  const peer caf_arms{"raw CAF, run_delayed, the same", median(caf_arm)};
  const peer caf_pairs{"raw CAF, run_delayed and dispose, " + pending,
                       median(caf_both)};
  out.add({.name = "arm a timer of an hour, up to " + grouped(size),
           .unit = "ns",
           .troupe = median(arm),
           .peer = caf_arms});
  row pairs{.name = "arm + cancel a timer, " + pending,
            .unit = "ns",
            .troupe = median(both),
            .peer = caf_pairs};
  // With fewer pending than the design says, CAF is faster.
  if (!how.quick)
    pairs.target = ratio_at_most(1.0 / (TROUPE_CAF_1 ? 600 : 30));
  out.add(pairs);
}

void with_a_million(report& out, const settings& how) {
  const std::size_t size = how.quick ? 100'000 : 1'000'000;
  const std::size_t rounds = how.quick ? 10 : 100;
  crowd ours{size, delays::kind::various};
  ours.arm_all();
  std::vector<double> both;
  std::vector<double> scattered;
  for (std::size_t i = 0; i < rounds; ++i) {
    both.push_back(ours.arm_and_cancel(pairs_at_a_time));
    scattered.push_back(ours.move_any(pairs_at_a_time / 5));
  }
  const auto pending = grouped(size) + " pending";
  out.add({.name = "arm + cancel a timer, " + pending,
           .unit = "ns",
           .troupe = median(both),
           .target = value_at_most(500)});
  out.add({.name = "cancel + arm any of " + grouped(size) + ", not in a cache",
           .unit = "ns",
           .troupe = median(scattered)});
}

/// Many timers that are all overdue, and a clock that is held back.
class overdue_crowd {
public:
  explicit overdue_crowd(std::size_t size) : left_(size), timers_(size) {
    std::mt19937_64 random{42};
    const auto start = clock_.now();
    clock_.schedule(*gate_, start);
    for (auto& t : timers_) {
      t.left = &left_;
      clock_.arm(t, start + std::chrono::nanoseconds{random() % (1s / 1ns)});
    }
    std::this_thread::sleep_until(start + 1s);
  }

  void release() {
    go_on_.count_down();
  }

  [[nodiscard]] bool done() const {
    return left_.load(std::memory_order_relaxed) == 0;
  }

  void wait() {
    for (;;) {
      const auto left = left_.load(std::memory_order_relaxed);
      if (left == 0)
        return;
      left_.wait(left, std::memory_order_relaxed);
    }
  }

  [[nodiscard]] real_clock& get_clock() {
    return clock_;
  }

private:
  struct counting_timer : timer {
    counting_timer() : timer(fire) {
      // nop
    }

    static void fire(timer& self) noexcept {
      auto& left = *static_cast<counting_timer&>(self).left;
      if (left.fetch_sub(1, std::memory_order_relaxed) == 1)
        left.notify_one();
    }

    std::atomic<std::size_t>* left = nullptr;
  };

  std::atomic<std::size_t> left_;
  std::vector<counting_timer> timers_;
  std::latch go_on_{1};
  job_ptr gate_ = make_job([this] { go_on_.wait(); });
  real_clock clock_;
};

/// What firing costs, and how long it holds up others.
void burst(report& out, const settings& how) {
  const std::size_t size = how.quick ? 20'000 : 1'000'000;
  {
    overdue_crowd crowd{size};
    const auto start = stopwatch::now();
    crowd.release();
    crowd.wait();
    out.add({.name = "fire one of " + grouped(size) + " due within a second",
             .unit = "ns",
             .troupe = nanos_since(start) / static_cast<double>(size)});
  }
  if (how.quick)
    return;
  overdue_crowd crowd{size};
  auto& clk = crowd.get_clock();
  std::vector<double> waits;
  crowd.release();
  do {
    quiet_timer t;
    const auto start = stopwatch::now();
    clk.arm(t, start + 1h);
    clk.cancel(t);
    waits.push_back(nanos_since(start));
  } while (!crowd.done());
  out.add({.name = "arm + cancel by another thread meanwhile, p99",
           .unit = "ns",
           .troupe = percentile(waits, 0.99)});
}

} // namespace

void timers(report& out, const settings& how) {
  beside_caf(out, how);
  with_a_million(out, how);
  burst(out, how);
}

} // namespace troupe::bench
