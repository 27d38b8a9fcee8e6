// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Functions that would be hooks if they were called so, or were not const.
// expect: nobody calls on_start\(\).*a function describe that is not the hook

#include "troupe/troupe.hpp"

class opener : public troupe::worker {
public:
  troupe::task<> on_start() {
    co_return;
  }

  troupe::task<> run() override {
    co_return;
  }
};

class teller : public troupe::worker {
public:
  troupe::task<> run() override {
    co_return;
  }

  troupe::status_fields describe() const {
    return {};
  }
};

auto hire(caf::actor_system& sys) {
  return troupe::spawn<opener>(sys, {});
}

troupe::child_spec place() {
  return troupe::child<teller>("teller");
}
