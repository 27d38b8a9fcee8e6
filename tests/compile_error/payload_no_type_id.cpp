// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A job whose payload is not known to CAF.
// expect: this payload has no CAF type id: write CAF_BEGIN_TYPE_ID_BLOCK

#include "troupe/durable/store.hpp"

struct letter {
  int to = 0;
};

auto open(const troupe::durable::store& jobs) {
  return jobs.queue<letter>("mail");
}
