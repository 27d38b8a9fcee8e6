// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A message for a worker that has no queue.
// expect: this worker has no queue to send to: derive its class from

#include "troupe/troupe.hpp"

class statue : public troupe::worker {
public:
  troupe::task<> run() override {
    co_await stop_requested();
  }
};

bool deliver(const troupe::worker_ref<statue>& to) {
  return to.send("letter");
}
