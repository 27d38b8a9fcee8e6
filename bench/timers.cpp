// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cases.hpp"

#include "stopwatch.hpp"
#include "timer_crowds.hpp"

#include "system/caf_compat.hpp"
#include "troupe/detail/clock.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker_function.hpp"

#include <caf/event_based_actor.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace troupe::bench {

namespace {

void beside_caf(report& out, const settings& how) {
  const std::size_t size = how.quick ? 10'000 : 100'000;
  const std::size_t rounds = 5;
  const std::size_t caf_count = how.quick ? 500 : 1'000;
  std::vector<double> arm;
  std::vector<double> caf_arm;
  std::vector<double> both;
  std::vector<double> caf_both;
  inside_actor([&](caf::event_based_actor* self) {
    caf_timer_crowd theirs{self, size};
    caf_arm.push_back(theirs.arm_all());
    for (std::size_t i = 0; i < rounds; ++i) {
      timer_crowd ours{size, delays::kind::all_the_same};
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
  timer_crowd ours{size, delays::kind::various};
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

  [[nodiscard]] detail::real_clock& get_clock() {
    return clock_;
  }

private:
  struct counting_timer : detail::timer {
    counting_timer() : timer(fire) {
      // nop
    }

    static void fire(detail::timer& self) noexcept {
      auto& left = *static_cast<counting_timer&>(self).left;
      if (left.fetch_sub(1, std::memory_order_relaxed) == 1)
        left.notify_one();
    }

    std::atomic<std::size_t>* left = nullptr;
  };

  std::atomic<std::size_t> left_;
  std::vector<counting_timer> timers_;
  std::latch go_on_{1};
  detail::job_ptr gate_ = detail::make_job([this] { go_on_.wait(); });
  detail::real_clock clock_;
};

/// What firing costs, and how long it holds up others.
void overdue_burst(report& out, const settings& how) {
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

/// A job that runs four times a second, in a day that passes on the clock of a
/// test.
void virtual_day(report& out, const settings& how) {
  const auto length = how.quick ? 1h : 24h;
  std::size_t calls = 0;
  testing::system sys;
  auto job = spawn<worker_function>(
    sys, {.name = "job"}, [&calls] { ++calls; }, 250ms);
  job.startup();
  const auto start = stopwatch::now();
  sys.advance(length);
  const auto took = nanos_since(start);
  job.shutdown();
  out.add({.name = (how.quick ? "an hour" : "24 hours")
                   + std::string{" of virtual time with a job each 250 ms, "}
                   + grouped(calls) + " calls",
           .unit = "ms",
           .troupe = took / 1e6,
           .target = value_at_most(how.quick ? 12.5 : 300)});
}

} // namespace

void timers(report& out, const settings& how) {
  beside_caf(out, how);
  with_a_million(out, how);
  overdue_burst(out, how);
  virtual_day(out, how);
}

} // namespace troupe::bench
