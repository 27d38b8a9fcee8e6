// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "probes/probes.hpp"

#include "troupe/child.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/worker.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace troupe::bench {

namespace {

class sleeper : public worker {
public:
  task<> run() override {
    co_await sleep_for(std::chrono::hours{1});
  }
};

double cpu_seconds_idle() {
  const auto before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::seconds{5});
  return cpu_seconds() - before;
}

} // namespace

figures raw_idle(std::size_t) {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  auto idler = sys.spawn([](caf::event_based_actor*) -> caf::behavior {
    return {[](caf::ok_atom) { return caf::ok_atom_v; }};
  });
  return {{"idle_cpu_seconds", cpu_seconds_idle()}};
}

figures troupe_sleepers(std::size_t size) {
  double idled = 0;
  const auto all
    = measure_crowd<sleeper>(size, [&idled] { idled = cpu_seconds_idle(); });
  return {{"work_seconds", (all.start + all.stop) / 1e9},
          {"idle_cpu_seconds", idled},
          {"bytes", all.bytes / static_cast<double>(size)}};
}

} // namespace troupe::bench
