// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "support/trap.hpp"
#include "troupe/worker.hpp"

namespace support {

/// A worker that sits in code that does not return, until the test lets it.
class stuck : public troupe::worker {
public:
  explicit stuck(trap& where) : where_(where) {
    // nop
  }

  troupe::task<> run() override {
    where_.sit();
    co_return;
  }

private:
  trap& where_;
};

} // namespace support
