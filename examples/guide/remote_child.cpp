// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A child that lives on another node. To be one program it is its own other
// node: it connects to itself.

#include <troupe/troupe.hpp>

#include <caf/actor_system.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exec_main.hpp>
#include <caf/io/middleman.hpp>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

// [snippet remote-child]
troupe::task<caf::actor> find_ledger(caf::actor_system& sys, std::string host,
                                     std::uint16_t port) {
  // Blocks until the other node answers: on a thread that may.
  auto looking = troupe::offload(
    [&sys, host, port] { return sys.middleman().remote_actor(host, port); });
  auto found = co_await std::move(looking);
  if (!found)
    throw std::runtime_error{to_string(found.error())};
  co_return *found;
}

troupe::supervisor_spec shop(std::string host, std::uint16_t port) {
  troupe::supervisor_spec spec{.name = "shop"};
  spec.add_actor("ledger", {.backoff = {.initial = 1s}},
                 [host, port](caf::actor_system& sys) {
                   return find_ledger(sys, host, port);
                 });
  return spec;
}
// [end]

caf::behavior ledger() {
  return {[](int32_t cents) { return cents * 2; }};
}

} // namespace

void caf_main(caf::actor_system& sys) {
  auto port = sys.middleman().publish(sys.spawn(ledger), 0, "127.0.0.1");
  if (!port) {
    std::cerr << to_string(port.error()) << '\n';
    return;
  }
  troupe::scoped_supervisor tree{sys, shop("127.0.0.1", *port)};
  auto answer = troupe::ask<int32_t>(tree.child("ledger"), 10s, int32_t{21});
  std::cout << (answer ? std::to_string(*answer) : to_string(answer.error()))
            << '\n';
}

CAF_MAIN(caf::id_block::troupe, caf::io::middleman)

// Output:
//     42
