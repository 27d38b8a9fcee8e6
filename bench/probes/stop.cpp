// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "probes/probes.hpp"

#include "report.hpp"
#include "support/plain_caf.hpp"
#include "troupe/spawn.hpp"
#include "troupe/worker.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <chrono>
#include <cstddef>
#include <vector>

namespace troupe::bench {

namespace {

class dozer : public worker {
public:
  task<> run() override {
    while (is_running())
      co_await sleep_for(std::chrono::seconds{1});
  }
};

} // namespace

figures troupe_stop(std::size_t size) {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  std::vector<double> times;
  for (std::size_t i = 0; i < size; ++i) {
    auto ref = spawn<dozer>(sys);
    ref.startup();
    const auto start = stopwatch::now();
    ref.gracefully_stop();
    static_cast<void>(ref.wait_for_shutdown());
    times.push_back(nanos_since(start));
  }
  return {{"stop", median(times)}};
}

figures raw_round_trip(std::size_t size) {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  caf::scoped_actor self{sys};
  std::vector<double> times;
  for (std::size_t i = 0; i < size; ++i) {
    auto other = sys.spawn([](caf::event_based_actor*) -> caf::behavior {
      return {[](caf::ok_atom) { return caf::ok_atom_v; }};
    });
    // The first message makes it run, as `startup()` does.
    for (auto timed : {false, true}) {
      const auto start = stopwatch::now();
      support::tell_from(self, other, caf::ok_atom_v);
      self->receive([](caf::ok_atom) {});
      if (timed)
        times.push_back(nanos_since(start));
    }
    self->send_exit(other, caf::exit_reason::kill);
  }
  return {{"round_trip", median(times)}};
}

} // namespace troupe::bench
