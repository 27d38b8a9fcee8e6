// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A worker that nobody has told what to do.
// expect: this worker has no run\(\), or a durable::worker no handle\(\)

#include "troupe/troupe.hpp"

class idler : public troupe::worker {};

auto hire(caf::actor_system& sys) {
  return troupe::spawn<idler>(sys, {});
}
