// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The machine has no memory left where a call of the user's wants some.

#include "support/real_system.hpp"
#include "support/scarce_memory.hpp"
#include "support/scripted.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/spawn.hpp"

#include <catch2/catch_test_macros.hpp>

#include <functional>
#include <memory>
#include <new>

using support::journal;
using support::scarce_memory;
using support::scripted;

namespace {

/// Spawns with one piece of memory after another missing.
/// @returns how many there are, so that none was missing at last.
int starve(const std::function<troupe::worker_handle(caf::actor_system&)>& f) {
  for (auto nth = 1;; ++nth) {
    support::real_system sys;
    troupe::worker_handle spawned; // CAF wants memory when it goes
    const scarce_memory limit{nth};
    try {
      spawned = f(sys);
    } catch (const std::bad_alloc&) {
      continue; // As it says.
    }
    if (!limit.has_refused())
      return nth;
  }
}

} // namespace

TEST_CASE("L36 spawn without memory throws, and leaves nothing behind") {
  journal log;
  SECTION("a worker") {
    CHECK(starve([&log](caf::actor_system& sys) {
            return support::spawn(sys, log, {}, {});
          })
          > 1);
  }
  SECTION("a tree") {
    CHECK(starve([&log](caf::actor_system& sys) {
            troupe::supervisor_spec tree{.name = "tree"};
            tree.add<scripted>("child", {}, std::ref(log), support::script{});
            return troupe::spawn(sys, std::move(tree));
          })
          > 1);
  }
}
