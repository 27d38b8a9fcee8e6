// What a program with an observer needs of an installed troupe.

#include <troupe/observer.hpp>
#include <troupe/scoped_worker.hpp>
#include <troupe/worker.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <iostream>

class sleeper : public troupe::worker {
public:
  troupe::task<> run() override {
    co_await stop_requested();
  }
};

void caf_main(caf::actor_system& sys) {
  troupe::observer observer{sys, {.port = 0}};
  troupe::scoped_worker<sleeper> worker{sys};
  std::cout << observer.url() << '\n' << to_text(troupe::status_trees(sys));
}

CAF_MAIN(caf::id_block::troupe)
