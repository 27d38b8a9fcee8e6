// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A worker that other nodes can reach.

#include "io/node.hpp"
#include "troupe/spawn.hpp"
#include "troupe/worker.hpp"

#include <caf/io/middleman.hpp>

#include <catch2/catch_test_macros.hpp>

using support::node;

namespace {

class idle : public troupe::worker {
public:
  troupe::task<> run() override {
    co_await stop_requested();
  }
};

} // namespace

TEST_CASE("L30 a published worker that was not started does not keep its "
          "system from going") {
  node here;
  auto worker = troupe::spawn<idle>(here.sys(), {.name = "idle"});
  REQUIRE(here.sys().middleman().publish(worker.actor(), 0, "127.0.0.1"));
  SECTION("without a handle") {
    worker = {};
  }
  SECTION("with a handle") {
    // nop
  }
}
