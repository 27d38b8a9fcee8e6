// A program of somebody who uses troupe: built against an installed troupe and
// against its sources, in each way that there is.

#include <troupe/troupe.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <cstdlib>
#include <iostream>

class greeter : public troupe::worker {
public:
  troupe::task<> run() override {
    std::cout << "Hello from " << name() << "\n";
    co_return;
  }
};

int caf_main(caf::actor_system& sys) {
  auto worker = troupe::spawn<greeter>(sys);
  if (worker.startup())
    return EXIT_FAILURE;
  auto how = worker.wait_for_shutdown();
  return how ? how->code() : EXIT_FAILURE;
}

CAF_MAIN(caf::id_block::troupe)
