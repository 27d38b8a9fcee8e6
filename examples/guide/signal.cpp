// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A program that goes on until somebody presses Ctrl-C, and then stops in an
// orderly way.

#include <troupe/config.hpp>
#include <troupe/scoped_worker.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <signal.h>
#include <unistd.h>

#include <iostream>

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

// [snippet signal]
class config : public troupe::config {
public:
  config() {
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    // Here, before CAF has threads: they inherit what is blocked.
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  }

  sigset_t signals;
};

void caf_main(caf::actor_system& sys, const config& cfg) {
  troupe::scoped_worker<server> worker{sys};
  int number = 0;
  sigwait(&cfg.signals, &number); // the main thread has nothing else to do
  auto done = worker.shutdown();
  std::cout << "signal " << number << ": " << to_string(done) << '\n';
}
// [end]

CAF_MAIN(caf::id_block::troupe)

// Output:
//     serving
//     putting things away
//     signal 15: normal
