// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cases.hpp"

#include "stopwatch.hpp"

#include "system/caf_compat.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/spawn.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <latch>
#include <string>
#include <thread>
#include <vector>

namespace troupe::bench {

namespace {

/// Counts messages, by hand: what troupe is compared with.
caf::behavior raw_counter(caf::event_based_actor* self, std::uint64_t total,
                          std::latch* done) {
  auto seen = std::make_shared<std::uint64_t>(0);
  return {
    [=](std::uint64_t) {
      if (++*seen == total) {
        done->count_down();
        self->quit();
      }
    },
  };
}

/// Counts messages, as a worker.
class counter : public queue_consumer<std::uint64_t> {
public:
  counter(std::uint64_t total, std::latch* done) : total_(total), done_(done) {
    // nop
  }

  task<> run() override {
    std::uint64_t seen = 0;
    while (seen < total_) {
      auto x = co_await get_message();
      if (!x)
        break;
      ++seen;
    }
    done_->count_down();
  }

private:
  std::uint64_t total_;
  std::latch* done_;
};

/// Runs `send` on some threads at once and returns messages per second, until
/// `done`.
template <class Send>
double
rate(std::size_t senders, std::uint64_t each, std::latch& done, Send send) {
  std::latch go{static_cast<std::ptrdiff_t>(senders) + 1};
  std::vector<std::jthread> threads;
  threads.reserve(senders);
  for (std::size_t i = 0; i < senders; ++i)
    threads.emplace_back([&] {
      go.arrive_and_wait();
      for (std::uint64_t n = 0; n < each; ++n)
        send(n);
    });
  go.arrive_and_wait();
  auto start = stopwatch::now();
  done.wait();
  std::chrono::duration<double> took = stopwatch::now() - start;
  return static_cast<double>(senders * each) / took.count();
}

double raw_rate(caf::actor_system& sys, std::size_t senders,
                std::uint64_t each) {
  std::latch done{1};
  auto receiver = sys.spawn(raw_counter, senders * each, &done);
  return rate(senders, each, done,
              [&receiver](std::uint64_t x) { compat::anon_send(receiver, x); });
}

double troupe_rate(caf::actor_system& sys, std::size_t senders,
                   std::uint64_t each) {
  std::latch done{1};
  auto receiver = spawn<counter>(sys, {}, senders * each, &done);
  receiver.startup();
  auto result = rate(senders, each, done,
                     [&receiver](std::uint64_t x) { receiver.send(x); });
  receiver.shutdown();
  return result;
}

/// Counts messages, with a callback.
double callback_rate(caf::actor_system& sys, std::size_t senders,
                     std::uint64_t each) {
  std::latch done{1};
  auto receiver = spawn<queue_worker<std::uint64_t>>(
    sys, {},
    [&done, seen = std::uint64_t{0},
     total = senders * each](std::uint64_t) mutable {
      if (++seen == total)
        done.count_down();
    });
  receiver.startup();
  auto result = rate(senders, each, done,
                     [&receiver](std::uint64_t x) { receiver.send(x); });
  receiver.shutdown();
  return result;
}

/// The same messages by the means of CAF: what a plain actor's send costs.
double detour_rate(caf::actor_system& sys, std::size_t senders,
                   std::uint64_t each) {
  std::latch done{1};
  auto receiver = spawn<counter>(sys, {}, senders * each, &done);
  receiver.startup();
  auto hdl = receiver.actor();
  auto result = rate(senders, each, done,
                     [&hdl](std::uint64_t x) { compat::anon_send(hdl, x); });
  receiver.shutdown();
  return result;
}

} // namespace

void messages(report& out, const settings& how) {
  const std::size_t rounds = how.quick ? 4 : 12;
  const std::uint64_t total = how.quick ? 50'000 : 1'000'000;
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  for (std::size_t senders : {1, 4}) {
    struct candidate {
      double (*rate)(caf::actor_system&, std::size_t, std::uint64_t);
      std::vector<double> rates;
    };
    std::array all{candidate{raw_rate, {}}, candidate{troupe_rate, {}},
                   candidate{callback_rate, {}}, candidate{detour_rate, {}}};
    // In turn, so that all see the same weather; and each comes first as often
    // as the others, since it matters which memory the last one has left.
    for (std::size_t i = 0; i < rounds; ++i)
      for (std::size_t k = 0; k < all.size(); ++k) {
        auto& x = all[(i + k) % all.size()];
        x.rates.push_back(x.rate(sys, senders, total / senders));
      }
    const auto& [raw, ours, callback, detour] = all;
    auto who = std::to_string(senders)
               + (senders == 1 ? " sender" : " senders");
    out.add({.name = "one-way messages into a queue_consumer, " + who,
             .unit = "messages/s",
             .troupe = median(ours.rates),
             .peer = peer{"raw event_based_actor", median(raw.rates)},
             .target = ratio_at_least(0.95)});
    out.add({.name = "one-way messages into a queue_worker, " + who,
             .unit = "messages/s",
             .troupe = median(callback.rates),
             .peer = peer{"raw event_based_actor", median(raw.rates)},
             .target = ratio_at_least(0.95)});
    out.add({.name = "the same, sent by the means of CAF, " + who,
             .unit = "messages/s",
             .troupe = median(detour.rates),
             .peer = peer{"raw event_based_actor", median(raw.rates)}});
  }
}

} // namespace troupe::bench
