// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A program that never ends, and what to do about it. Without --wrong it runs
// the mended one.

#include <troupe/config.hpp>
#include <troupe/scoped_worker.hpp>

#include <caf/actor_system.hpp>
#include <caf/blocking_actor.hpp>
#include <caf/exec_main.hpp>

#include <atomic>
#include <chrono>
#include <iostream>
#include <thread>

using namespace std::chrono_literals;

namespace {

std::atomic_flag has_ticked;

void tick() {
  std::cout << "tick\n" << std::flush;
  has_ticked.test_and_set();
  has_ticked.notify_all();
}

void serve_customers() {
  has_ticked.wait(false);
  std::cout << "serving\n" << std::flush;
}

// [snippet hang-wrong]
void run_ticker(caf::blocking_actor*) {
  for (;;) {
    tick();
    std::this_thread::sleep_for(10s);
  }
}

void wrong(caf::actor_system& sys) {
  sys.spawn<caf::detached>(run_ticker);
  serve_customers();
} // ~actor_system waits for the ticker, which waits for nobody
// [end]

// [snippet hang-mended]
class ticker : public troupe::worker {
public:
  troupe::task<> run() override {
    while (is_running()) {
      tick();
      co_await sleep_for(10s); // ends early when a stop is asked for
    }
  }
};

void mended(caf::actor_system& sys) {
  troupe::scoped_worker<ticker> worker{sys};
  serve_customers();
} // ~scoped_worker stops the ticker, waits for it, and is back at once
// [end]

class config : public troupe::config {
public:
  bool is_wrong = false;

  config() {
    opt_group{custom_options_, "global"} //
      .add(is_wrong, "wrong", "run the program that never ends");
  }
};

} // namespace

void caf_main(caf::actor_system& sys, const config& cfg) {
  if (cfg.is_wrong)
    wrong(sys);
  else
    mended(sys);
}

CAF_MAIN(caf::id_block::troupe)

// Output:
//     tick
//     serving
