// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A message type whose destructor may throw.
// expect: the destructor of a message of a queue_consumer must not throw

#include "troupe/troupe.hpp"

struct letter {
  letter() = default;
  letter(const letter&) = default;
  ~letter() noexcept(false) {
    // nop
  }
};

CAF_BEGIN_TYPE_ID_BLOCK(letters, caf::first_custom_type_id)
  CAF_ADD_TYPE_ID(letters, (letter))
CAF_END_TYPE_ID_BLOCK(letters)

class postman : public troupe::queue_consumer<letter> {
public:
  troupe::task<> run() override {
    while (auto m = co_await get_message())
      static_cast<void>(m);
  }
};
