// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A pointer that points to no function.
// expect: a handler must be a function or a function object

#include "troupe/troupe.hpp"

class clerk : public troupe::worker {
public:
  troupe::message_handlers handlers() override {
    return {&answer_};
  }

  troupe::task<> run() override {
    co_await stop_requested();
  }

private:
  int answer_ = 42;
};
