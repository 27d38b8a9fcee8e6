// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A message type that CAF does not know.
// expect: has no CAF type id: write CAF_BEGIN_TYPE_ID_BLOCK

#include "troupe/troupe.hpp"

struct letter {
  int number;
};

class postman : public troupe::queue_consumer<letter> {
public:
  troupe::task<> run() override {
    while (auto x = co_await get_message())
      static_cast<void>(x->number);
  }
};

bool deliver(const troupe::worker_ref<postman>& to) {
  return to.send(letter{1});
}
