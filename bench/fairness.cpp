// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How long others wait while as many workers as the scheduler has threads have
// full queues.

#include "cases.hpp"

#include "stopwatch.hpp"

#include "system/caf_compat.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/spawn.hpp"
#include "troupe/worker_function.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::bench {

namespace {

using namespace std::chrono_literals;

constexpr auto beat = 10ms;

/// Shared by the busy workers and the heartbeat.
struct scene {
  std::atomic<bool> enough = false;
  std::atomic<double> longest_gap = 0;
  stopwatch::time_point last_beat;

  /// The work of a busy worker for each message: 1 ms.
  void toil() const {
    const auto end = stopwatch::now() + 1ms;
    while (!enough && stopwatch::now() < end) {
      // nop
    }
  }

  void begin() {
    last_beat = stopwatch::now();
  }

  /// The heartbeat beats.
  void note_beat() {
    const auto now = stopwatch::now();
    const std::chrono::duration<double, std::milli> gap = now - last_beat;
    longest_gap = std::max(longest_gap.load(), gap.count());
    last_beat = now;
  }
};

/// The results, in milliseconds.
struct waits {
  double start_p99 = 0;
  double longest_gap = 0;
};

/// Starts something unrelated again and again until the time is over.
template <class F>
double start_p99(timespan length, const scene& busy, F start) {
  std::vector<double> all;
  const auto end = stopwatch::now() + length;
  do {
    const auto begin = stopwatch::now();
    start();
    all.push_back(nanos_since(begin) / 1e6);
    std::this_thread::sleep_for(1ms);
  } while (stopwatch::now() < end && !busy.enough);
  return percentile(all, 0.99);
}

/// Ends the work when the time is over.
class time_limit {
public:
  time_limit(scene& what, timespan length)
    : thread_([&what, length] {
        std::this_thread::sleep_for(length);
        what.enough = true;
      }) {
    // nop
  }

private:
  std::jthread thread_;
};

/// Looks how others fare until the time is over.
/// @param start_one Starts something unrelated.
/// @param end_all Returns when the system has nothing to do any more.
template <class F, class G>
waits measure(scene& shared, timespan length, F start_one, G end_all) {
  waits result;
  {
    const time_limit limit{shared, length};
    result.start_p99 = start_p99(length, shared, std::move(start_one));
  }
  end_all();
  result.longest_gap = shared.longest_gap;
  return result;
}

class brief : public worker {
public:
  task<> run() override {
    co_return;
  }
};

waits ours(std::size_t threads, std::size_t messages, timespan length) {
  scene shared;
  caf::actor_system_config cfg;
  cfg.set("caf.scheduler.max-threads", threads);
  caf::actor_system sys{cfg};
  shared.begin();
  auto heart = spawn<worker_function>(
    sys, {.name = "heart"}, [&shared] { shared.note_beat(); }, beat);
  heart.startup();
  std::vector<worker_ref<queue_worker<std::uint64_t>>> busy;
  for (std::size_t i = 0; i < threads; ++i) {
    busy.push_back(spawn<queue_worker<std::uint64_t>>(
      sys, {.name = "busy"}, [&shared](std::uint64_t) { shared.toil(); }));
    for (std::uint64_t k = 0; k < messages; ++k)
      busy.back().send(k);
  }
  for (auto& x : busy)
    x.startup();
  auto start_one = [&sys] {
    auto other = spawn<brief>(sys, {.name = "other"});
    other.startup();
  };
  return measure(shared, length, start_one, [&busy, &heart] {
    for (auto& x : busy)
      x.shutdown();
    heart.shutdown();
  });
}

void beat_on(caf::event_based_actor* self, scene* shared) {
  shared->note_beat();
  if (shared->enough)
    self->quit();
  else
    self->run_delayed(beat, [self, shared] { beat_on(self, shared); });
}

waits raw(std::size_t threads, std::size_t messages, timespan length) {
  scene shared;
  caf::actor_system_config cfg;
  cfg.set("caf.scheduler.max-threads", threads);
  caf::actor_system sys{cfg};
  shared.begin();
  // Without a behavior it would end at once.
  sys.spawn([&shared](caf::event_based_actor* self) -> caf::behavior {
    beat_on(self, &shared);
    return {[](std::uint64_t) {}};
  });
  for (std::size_t i = 0; i < threads; ++i) {
    auto busy = sys.spawn([&shared]() -> caf::behavior {
      return {[&shared](std::uint64_t) { shared.toil(); }};
    });
    for (std::uint64_t k = 0; k < messages; ++k)
      compat::anon_send(busy, k);
  }
  auto start_one = [&sys] {
    std::latch done{1};
    sys.spawn([&done] { done.count_down(); });
    done.wait();
  };
  return measure(shared, length, start_one,
                 [&sys] { sys.await_all_actors_done(); });
}

} // namespace

void fairness(report& out, const settings& how) {
  const std::size_t threads = std::max(std::thread::hardware_concurrency(), 2u);
  const std::size_t messages = how.quick ? 1000 : 20'000;
  const timespan length = how.quick ? 300ms : 5s;
  const auto troupe = ours(threads, messages, length);
  const auto caf = raw(threads, messages, length);
  const auto note = "raw event_based_actor, for as long as that was measured";
  out.add({.name = "unrelated start beside busy workers, p99",
           .unit = "ms",
           .troupe = troupe.start_p99,
           .peer = peer{note, caf.start_p99},
           .target = value_at_most(50)});
  out.add({.name = "longest gap of a 10 ms heartbeat beside them",
           .unit = "ms",
           .troupe = troupe.longest_gap,
           .peer = peer{note, caf.longest_gap},
           .target = value_at_most(50)});
}

} // namespace troupe::bench
