// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A handler whose parameter types CAF cannot know.
// expect: must not be a generic lambda: write the type instead of

#include "troupe/troupe.hpp"

class clerk : public troupe::worker {
public:
  troupe::message_handlers handlers() override {
    return {
      [](caf::get_atom) { return 1; },
      [](auto x) { return x; },
    };
  }

  troupe::task<> run() override {
    co_await stop_requested();
  }
};
