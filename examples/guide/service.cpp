// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A tree as a service: it runs until a signal comes.

#include <troupe/troupe.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <utility>

using namespace std::chrono_literals;

namespace {

class server : public troupe::worker {
public:
  troupe::task<> run() override {
    std::cout << "serving\n";
    kill(getpid(), SIGTERM); // what somebody else does, now or in a month
    co_await stop_requested();
  }

  troupe::task<> on_shutdown() override {
    std::cout << "putting things away\n";
    co_return;
  }
};

} // namespace

// [snippet service]
int caf_main(caf::actor_system& sys) {
  troupe::supervisor_spec tree{.name = "service"};
  tree.add<server>("server");
  return troupe::run(sys, std::move(tree), {.stop_timeout = 10s});
}

CAF_MAIN(caf::id_block::troupe)
// [end]

// Output:
//     serving
//     putting things away
