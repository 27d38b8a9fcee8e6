// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The hot paths, each walked `size` times on the scheduler of
// `testing::system`, whose one thread does the same each time: so what
// instructions they take can be counted, see scripts/instructions.

#include "probes/probes.hpp"

#include "asking.hpp"

#include "troupe/queue_consumer.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <utility>

using namespace std::chrono_literals;

namespace troupe::bench {

namespace {

class adder : public queue_consumer<std::uint64_t> {
public:
  task<> run() override {
    while (auto x = co_await get_message())
      sum_ += *x;
  }

private:
  std::uint64_t sum_ = 0;
};

class napper : public worker {
public:
  explicit napper(std::size_t times) : left_(times) {
    // nop
  }

  task<> run() override {
    for (; left_ > 0; --left_) {
      auto slept = co_await sleep_for(1ms);
      if (!slept)
        co_return;
    }
  }

private:
  std::size_t left_;
};

class idler : public worker {
public:
  task<> run() override {
    co_await stop_requested();
  }
};

class crasher : public queue_consumer<std::uint64_t> {
public:
  task<> run() override {
    auto order = co_await get_message();
    if (order)
      throw std::runtime_error{"crash"};
  }
};

supervisor_ref make_tree(testing::system& sys) {
  auto result
    = spawn(sys, supervisor_spec{.name = "tree",
                                 .strategy = strategy::dynamic,
                                 .intensity = {.max_restarts = 1'000'000'000,
                                               .within = 1s}});
  if (auto err = result.startup())
    throw std::runtime_error{to_string(err)};
  return result;
}

} // namespace

figures path_send(std::size_t size) {
  testing::system sys;
  auto ref = spawn<adder>(sys);
  ref.startup();
  for (std::size_t i = 0; i < size; ++i)
    ref.send(std::uint64_t{i});
  ref.drain();
  static_cast<void>(ref.wait_for_shutdown());
  return {};
}

figures path_ask(std::size_t size) {
  testing::system sys;
  auto target = spawn<server>(sys);
  target.startup();
  auto asker = spawn<client>(sys, {}, target, size);
  asker.startup();
  static_cast<void>(asker.wait_for_shutdown());
  target.shutdown();
  return {};
}

figures path_sleep(std::size_t size) {
  testing::system sys;
  auto ref = spawn<napper>(sys, {}, size);
  ref.startup();
  static_cast<void>(ref.wait_for_shutdown());
  return {};
}

figures path_start(std::size_t size) {
  testing::system sys;
  auto tree = make_tree(sys);
  start_children<idler>(tree, size);
  std::_Exit(EXIT_SUCCESS); // without a stop, which is another path
}

figures path_start_stop(std::size_t size) {
  testing::system sys;
  auto tree = make_tree(sys);
  start_children<idler>(tree, size);
  tree.shutdown();
  return {};
}

figures path_restart(std::size_t size) {
  testing::system sys;
  auto tree = make_tree(sys);
  auto started = tree.start_child(child<crasher>("crasher")).get();
  worker_ref<crasher> ref{started.child};
  for (std::size_t i = 0; i < size; ++i) {
    ref.send(std::uint64_t{i});
    sys.run_until([&] { return ref.incarnation() > i + 1; });
  }
  tree.shutdown();
  return {};
}

} // namespace troupe::bench
