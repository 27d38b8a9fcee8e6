// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The first program to read: a worker that prints a message every second until
// it is stopped. Its output stands at the end.

#include <troupe/call_later.hpp>
#include <troupe/config.hpp>
#include <troupe/spawn.hpp>
#include <troupe/worker.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>

using namespace std::chrono_literals;

namespace {

/// A worker and a handle to it both know its name and its state.
void print_message(const auto& worker) {
  std::cout << "Hello from " << worker.name() << " in state "
            << to_string(worker.state()) << '\n'
            << std::flush;
}

class simple_worker : public troupe::worker {
public:
  troupe::task<> run() override {
    while (is_running()) {
      print_message(*this);
      co_await sleep_for(1s); // ends early when a stop is asked for
    }
  }
};

class config : public troupe::config {
public:
  caf::timespan time = 5s;

  config() {
    opt_group{custom_options_, "global"} //
      .add(time, "time,t", "how long the worker runs (5s)");
  }
};

} // namespace

int caf_main(caf::actor_system& sys, const config& cfg) {
  if (cfg.time < 0s) {
    std::cerr << "--time must not be negative\n";
    return EXIT_FAILURE;
  }
  auto worker = troupe::spawn<simple_worker>(sys);
  print_message(worker);
  if (auto error = worker.startup()) {
    std::cerr << troupe::text_of(error) << '\n';
    return EXIT_FAILURE;
  }
  troupe::call_later(sys, cfg.time, [worker] { worker.gracefully_stop(); });
  const auto outcome = worker.wait_for_shutdown();
  print_message(worker);
  return outcome ? outcome->code() : EXIT_FAILURE;
}

CAF_MAIN(caf::id_block::troupe)

// With --time=2500ms it prints
//
//     Hello from simple_worker in state init
//     Hello from simple_worker in state running
//     Hello from simple_worker in state running
//     Hello from simple_worker in state running
//     Hello from simple_worker in state stopped
//
// and with the default of five seconds two or three lines more: the sixth
// second and the stop come at the same time.
