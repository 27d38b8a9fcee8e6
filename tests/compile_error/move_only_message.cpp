// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A message type that CAF cannot share between actors.
// expect: a message of a queue_consumer must be copyable

#include "troupe/troupe.hpp"

#include <memory>

class postman : public troupe::queue_consumer<std::unique_ptr<int>> {
public:
  troupe::task<> run() override {
    while (auto x = co_await get_message())
      static_cast<void>(**x);
  }
};
