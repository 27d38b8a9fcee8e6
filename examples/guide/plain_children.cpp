// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A typed actor of CAF as a child of a supervisor, and how others reach it.

#include <troupe/troupe.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>
#include <caf/result.hpp>
#include <caf/sec.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <utility>

using namespace std::chrono_literals;

namespace {

// [snippet plain-child]
using divider = caf::typed_actor<caf::result<int32_t>(int32_t, int32_t)>;

divider::behavior_type divide(divider::pointer self) {
  return {[self](int32_t x, int32_t y) -> caf::result<int32_t> {
    if (y == 0) {
      self->quit(caf::sec::runtime_error); // how a plain actor fails
      return caf::sec::runtime_error;
    }
    return x / y;
  }};
}

class clerk : public troupe::worker {
public:
  explicit clerk(divider help) : help_(std::move(help)) {
    // nop
  }

  troupe::task<> run() override {
    auto asking = ask<int32_t>(help_, 1s, int32_t{42}, int32_t{6});
    if (auto answer = co_await std::move(asking))
      std::cout << "42 / 6 = " << *answer << '\n';
    ready();
    co_await stop_requested();
  }

private:
  divider help_;
};

troupe::supervisor_spec office() {
  troupe::supervisor_spec spec{.name = "office"};
  const auto help = spec.add_actor("divider", troupe::spawner(divide));
  spec.add<clerk>("clerk",
                  {.worker = {.readiness = troupe::readiness::explicit_ready}},
                  help);
  return spec;
}
// [end]

} // namespace

void caf_main(caf::actor_system& sys) {
  // [snippet plain-child-use]
  troupe::scoped_supervisor tree{sys, office()};
  troupe::event_log log{tree.ref()};
  auto child = tree.child("divider"); // good for all its lives
  auto first = child.actor();         // the actor of this one
  auto answer = troupe::ask<int32_t>(child, 1s, int32_t{1}, int32_t{0});
  std::cout << "1 / 0 = " << (answer ? "a number" : "an error") << '\n';
  log.wait_for([](const troupe::lifecycle_event& x) {
    return x.kind == troupe::event_kind::ready && x.incarnation == 2;
  });
  auto second = troupe::lookup<divider>(sys, "/office/divider");
  std::cout << "life " << child.incarnation() << " is "
            << (second && *second != first ? "another actor" : "the same")
            << '\n';
  // [end]
}

CAF_MAIN(caf::id_block::troupe)

// Output:
//     42 / 6 = 7
//     1 / 0 = an error
//     life 2 is another actor
