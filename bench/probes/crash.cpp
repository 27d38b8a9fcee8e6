// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "probes/probes.hpp"

#include "report.hpp"
#include "troupe/child.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/supervisor_ref.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace troupe::bench {

namespace {

/// When it crashed and when the next one was ready, taken inside.
struct diary {
  stopwatch::time_point crashed;
  std::vector<double> times;
  std::atomic<std::size_t> ready{0};
};

class timed_crasher : public queue_consumer<std::uint64_t> {
public:
  explicit timed_crasher(diary& to) : diary_(to) {
    // nop
  }

  task<> run() override {
    // Its first step is what being ready is for others.
    if (diary_.ready.load() != 0)
      diary_.times.push_back(nanos_since(diary_.crashed));
    ++diary_.ready;
    diary_.ready.notify_all();
    auto order = co_await get_message();
    if (!order)
      co_return;
    diary_.crashed = stopwatch::now();
    throw std::runtime_error{"crash"};
  }

private:
  diary& diary_;
};

} // namespace

figures troupe_crash(std::size_t size) {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  diary notes;
  notes.times.reserve(size);
  supervisor_spec spec{.name = "tree",
                       .intensity = {.max_restarts = 1'000'000,
                                     .within = std::chrono::seconds{1}}};
  spec.add<timed_crasher>("crasher", {}, std::ref(notes));
  auto tree = spawn(sys, std::move(spec));
  if (auto err = tree.startup())
    throw std::runtime_error{to_string(err)};
  worker_ref<timed_crasher> child{tree.child("crasher")};
  for (std::size_t i = 1; i <= size; ++i) {
    child.send(std::uint64_t{i});
    for (auto n = notes.ready.load(); n <= i; n = notes.ready.load())
      notes.ready.wait(n);
  }
  tree.shutdown();
  return {{"crash", median(notes.times)}};
}

} // namespace troupe::bench
