// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The same of a handler that is a coroutine.
// expect: what this handler returns has no CAF type id: write CAF_BEGIN_TYPE_ID

#include "troupe/troupe.hpp"

struct letter {
  int number;
};

class clerk : public troupe::worker {
public:
  troupe::message_handlers handlers() override {
    return {
      [](caf::get_atom) -> troupe::task<letter> { co_return letter{1}; },
    };
  }

  troupe::task<> run() override {
    co_await stop_requested();
  }
};
