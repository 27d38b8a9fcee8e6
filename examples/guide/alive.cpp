// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Who is still alive? A stop with a deadline answers that.

#include <troupe/shutdown_all.hpp>
#include <troupe/spawn.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

namespace {

// [snippet alive-workers]
class polite : public troupe::worker {
public:
  troupe::task<> run() override {
    co_await stop_requested();
  }
};

class deaf : public troupe::worker {
public:
  troupe::task<> run() override {
    for (;;)
      co_await sleep_for(1ms); // never asks is_running()
  }
};
// [end]

// [snippet alive-main]
void stop_everything(caf::actor_system& sys) {
  auto late = troupe::shutdown_all(sys, 400ms);
  if (late.empty())
    std::cout << "all went well\n";
  for (const auto& x : late)
    std::cout << x.path << " had to be forced\n";
}
// [end]

} // namespace

void caf_main(caf::actor_system& sys) {
  auto first = troupe::spawn<polite>(sys);
  auto second = troupe::spawn<deaf>(sys, {.name = "metrics"});
  first.startup();
  second.startup();
  stop_everything(sys);
}

CAF_MAIN(caf::id_block::troupe)

// Output:
//     /metrics had to be forced
