// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A request holds a type that CAF does not know.
// expect: a type in this ask has no CAF type id: write CAF_BEGIN_TYPE_ID_BLOCK

#include "troupe/troupe.hpp"

#include <chrono>

struct price {
  int cents = 0;
};

class customer : public troupe::worker {
public:
  troupe::task<> run() override {
    auto asking = ask<void>(till, std::chrono::seconds{1}, price{});
    auto answer = co_await std::move(asking);
  }

  caf::actor till;
};
