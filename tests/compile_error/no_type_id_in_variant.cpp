// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A variant one of whose alternatives CAF does not know.
// expect: has no CAF type id: write CAF_BEGIN_TYPE_ID_BLOCK

#include "troupe/troupe.hpp"

#include <variant>

struct letter {
  int number;
};

class postman : public troupe::queue_consumer<std::variant<int32_t, letter>> {
public:
  troupe::task<> run() override {
    while (auto x = co_await get_message())
      static_cast<void>(x->index());
  }
};
