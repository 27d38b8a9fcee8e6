// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// What the constructor takes, where the options should be.
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

auto hire(caf::actor_system& sys) {
  return troupe::spawn<postman>(sys, 7);
}
