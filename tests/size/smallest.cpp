// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The smallest program, whose size tests/size/check.cmake looks at.

#include "troupe/spawn.hpp"
#include "troupe/type_ids.hpp"
#include "troupe/worker.hpp"

#include <caf/caf_main.hpp>

#include <cstdio>

namespace {

class hello : public troupe::worker {
public:
  troupe::task<> run() override {
    std::puts("hello");
    co_return;
  }
};

int caf_main(caf::actor_system& sys, const caf::actor_system_config&) {
  auto ref = troupe::spawn<hello>(sys);
  ref.startup();
  ref.wait_for_shutdown();
  return 0;
}

} // namespace

CAF_MAIN(caf::id_block::troupe)
