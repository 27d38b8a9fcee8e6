// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Arguments that the worker's constructor does not take.
// expect: the worker has no constructor for these arguments

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
  return troupe::spawn<postman>(sys, {}, "not a number");
}
