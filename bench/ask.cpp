// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "cases.hpp"

#include "asking.hpp"
#include "stopwatch.hpp"

#include "support/plain_caf.hpp"
#include "troupe/spawn.hpp"
#include "troupe/worker.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>

#include <chrono>
#include <cstdint>
#include <latch>
#include <memory>
#include <vector>

using namespace std::chrono_literals;

namespace troupe::bench {

namespace {

caf::behavior raw_server(caf::event_based_actor*) {
  return {[](std::uint64_t x) { return x + 1; }};
}

/// Asks again and again, by hand.
class raw_client : public caf::event_based_actor {
public:
  raw_client(caf::actor_config& cfg, caf::actor server, std::uint64_t rounds,
             std::latch* over)
    : caf::event_based_actor(cfg),
      server_(std::move(server)),
      left_(rounds),
      done_(over) {
    // nop
  }

  caf::behavior make_behavior() override {
    return {[this](caf::ok_atom) { next(); }};
  }

private:
  void next() {
    if (left_-- == 0) {
      done_->count_down();
      send_exit(server_, caf::exit_reason::kill);
      quit();
      return;
    }
    auto* self = this;
    support::request(self, server_, 10s, left_).then([this](std::uint64_t) {
      next();
    });
  }

  caf::actor server_;
  std::uint64_t left_;
  std::latch* done_;
};

double raw_ask(caf::actor_system& sys, std::uint64_t rounds) {
  std::latch done{1};
  auto client = sys.spawn<raw_client>(sys.spawn(raw_server), rounds, &done);
  const auto start = stopwatch::now();
  support::tell(client, caf::ok_atom_v);
  done.wait();
  return nanos_since(start) / static_cast<double>(rounds);
}

double troupe_ask(caf::actor_system& sys, std::uint64_t rounds) {
  auto target = spawn<server>(sys);
  target.startup();
  auto asker = spawn<client>(sys, {}, target, rounds);
  const auto start = stopwatch::now();
  asker.startup();
  static_cast<void>(asker.wait_for_shutdown());
  const auto took = nanos_since(start);
  target.shutdown();
  return took / static_cast<double>(rounds);
}

} // namespace

void ask(report& out, const settings& how) {
  const std::uint64_t rounds = how.quick ? 1'000 : 200'000;
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  std::vector<double> raw;
  std::vector<double> ours;
  for (int i = 0; i < (how.quick ? 1 : 11); ++i) {
    raw.push_back(raw_ask(sys, rounds));
    ours.push_back(troupe_ask(sys, rounds));
  }
  out.add({.name = "co_await ask there and back, two workers",
           .unit = "ns",
           .troupe = median(ours),
           .peer = peer{"raw request().then()", median(raw)},
           .target = ratio_at_most(1.1)});
}

} // namespace troupe::bench
