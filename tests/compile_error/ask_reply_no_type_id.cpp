// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A reply is to hold a type that CAF does not know.
// expect: a type in this ask has no CAF type id: write CAF_BEGIN_TYPE_ID_BLOCK

#include "troupe/troupe.hpp"

#include <chrono>

struct price {
  int cents = 0;
};

auto ask_for_it(const troupe::worker_handle& till) {
  return troupe::ask<price>(till, std::chrono::seconds{1}, caf::get_atom_v);
}
