// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Options in the wrong place, and of the wrong kind.
// expect: an option takes whole numbers.*queue is an option of the worker

#include "troupe/troupe.hpp"

#include <chrono>

using namespace std::chrono_literals;

class writer : public troupe::queue_worker<int> {
public:
  writer() : troupe::queue_worker<int>([](int) {}) {
    // nop
  }
};

troupe::supervisor_spec office() {
  troupe::supervisor_spec tree{.name = "office"};
  tree.add<writer>("writer", {.queue = {.on_stop = troupe::on_stop::drain}});
  return tree;
}

auto hire(caf::actor_system& sys) {
  return troupe::spawn<writer>(sys, {.stopping_grace_period = 0.5s});
}
