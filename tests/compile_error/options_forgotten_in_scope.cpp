// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The same with a scope.
// expect: the options of the worker come before the arguments

#include "troupe/troupe.hpp"

class postman : public troupe::worker {
public:
  explicit postman(int) {
    // nop
  }

  troupe::task<> run() override {
    co_return;
  }
};

void employ(caf::actor_system& sys) {
  troupe::scoped_worker<postman> worker{sys, 7};
}
