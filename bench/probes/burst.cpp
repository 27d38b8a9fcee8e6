// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "probes/probes.hpp"

#include "support/plain_caf.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/spawn.hpp"
#include "troupe/worker_ref.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <vector>

namespace troupe::bench {

namespace {

constexpr std::size_t queues = 1'000;

/// Gets its share, by hand.
class raw_reader : public caf::event_based_actor {
public:
  raw_reader(caf::actor_config& cfg, std::uint64_t share, std::latch* over)
    : caf::event_based_actor(cfg), left_(share), done_(over) {
    // nop
  }

  caf::behavior make_behavior() override {
    return {[this](std::uint64_t) {
      if (--left_ > 0)
        return;
      done_->count_down();
      quit();
    }};
  }

private:
  std::uint64_t left_;
  std::latch* done_;
};

/// Gets its share, as a worker.
class reader : public queue_consumer<std::uint64_t> {
public:
  reader(std::uint64_t share, std::latch* over) : left_(share), done_(over) {
    // nop
  }

  task<> run() override {
    for (; left_ > 0; --left_) {
      auto x = co_await get_message();
      if (!x)
        co_return;
    }
    done_->count_down();
  }

private:
  std::uint64_t left_;
  std::latch* done_;
};

/// Sends to one queue after the other, from this thread, and waits until the
/// last message has been taken out.
template <class Queues, class Send>
figures
measure_burst(Queues& all, std::uint64_t share, std::latch& done, Send send) {
  const auto before = resident_bytes();
  const auto start = stopwatch::now();
  for (std::uint64_t n = 0; n < share; ++n)
    for (auto& x : all)
      send(x, n);
  done.wait();
  const std::chrono::duration<double> took = stopwatch::now() - start;
  return {{"rate", static_cast<double>(share * queues) / took.count()},
          {"peak", (peak_bytes() - before) / 1e6}};
}

} // namespace

figures raw_burst(std::size_t size) {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  std::latch done{queues};
  std::vector<caf::actor> all;
  all.reserve(queues);
  for (std::size_t i = 0; i < queues; ++i)
    all.push_back(sys.spawn<raw_reader>(size / queues, &done));
  return measure_burst(all, size / queues, done,
                       [](const caf::actor& to, std::uint64_t x) {
                         support::tell(to, x);
                       });
}

figures troupe_burst(std::size_t size) {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  std::latch done{queues};
  std::vector<worker_ref<reader>> all;
  all.reserve(queues);
  for (std::size_t i = 0; i < queues; ++i) {
    all.push_back(spawn<reader>(sys, {}, size / queues, &done));
    all.back().startup();
  }
  auto result = measure_burst(all, size / queues, done,
                              [](const worker_ref<reader>& to,
                                 std::uint64_t x) { to.send(x); });
  for (const auto& x : all)
    x.shutdown();
  return result;
}

} // namespace troupe::bench
