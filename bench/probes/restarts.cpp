// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "probes/probes.hpp"

#include "troupe/child.hpp"
#include "troupe/spawn.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/supervisor_spec.hpp"
#include "troupe/worker.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <latch>
#include <stdexcept>
#include <utility>

namespace troupe::bench {

namespace {

/// What its lives share.
struct lives {
  std::size_t left;
  std::latch over{1};
};

/// Crashes as soon as it runs, until enough of its lives are over.
class restless : public worker {
public:
  explicit restless(lives& all) : all_(all) {
    // nop
  }

  task<> run() override {
    if (all_.left > 0) {
      --all_.left;
      throw std::runtime_error{"crash"};
    }
    all_.over.count_down();
    co_await stop_requested();
  }

private:
  lives& all_;
};

} // namespace

figures troupe_restarts(std::size_t size) {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  lives all{.left = size};
  supervisor_spec spec{.name = "tree",
                       .intensity = {.max_restarts = 1'000'000,
                                     .within = std::chrono::seconds{1}}};
  spec.add<restless>("restless", {}, std::ref(all));
  auto tree = spawn(sys, std::move(spec));
  const auto start = stopwatch::now();
  if (auto err = tree.startup())
    throw std::runtime_error{to_string(err)};
  all.over.wait();
  const auto took = nanos_since(start);
  tree.shutdown();
  return {{"restart", took / static_cast<double>(size)}};
}

} // namespace troupe::bench
