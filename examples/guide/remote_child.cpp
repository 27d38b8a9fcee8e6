// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A child that lives on another node, and one that others find by its port. To
// be one program it is its own other node: it connects to itself.

#include <troupe/troupe.hpp>

#include <caf/actor_system.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exec_main.hpp>
#include <caf/expected.hpp>
#include <caf/io/middleman.hpp>
#include <caf/result.hpp>
#include <caf/sec.hpp>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
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

caf::behavior ledger(caf::event_based_actor* self) {
  return {[self](int32_t cents) -> caf::result<int32_t> {
    if (cents >= 0)
      return cents * 2;
    self->quit(caf::sec::runtime_error);
    return caf::sec::runtime_error;
  }};
}

// [snippet published-child]
/// @param port Where the ledger is to be found; 0 for any port, which is noted
///             then.
troupe::supervisor_spec books(std::shared_ptr<std::uint16_t> port) {
  auto publish = [port](caf::actor_system& sys) {
    auto made = sys.spawn(ledger);
    auto found = sys.middleman().publish(made, *port, "127.0.0.1");
    if (!found)
      throw std::runtime_error{to_string(found.error())};
    *port = *found;
    return made;
  };
  // Without this the next life would find the port in use.
  auto unpublish = [](const caf::actor& old) {
    static_cast<void>(old.home_system().middleman().unpublish(old));
  };
  troupe::supervisor_spec spec{.name = "books"};
  spec.add_actor("ledger", publish, unpublish);
  return spec;
}
// [end]

void print(const caf::expected<int32_t>& answer) {
  std::cout << (answer ? std::to_string(*answer) : to_string(answer.error()))
            << '\n';
}

} // namespace

void caf_main(caf::actor_system& sys) {
  const auto port = std::make_shared<std::uint16_t>();
  troupe::scoped_supervisor there{sys, books(port)};
  troupe::scoped_supervisor here{sys, shop("127.0.0.1", *port)};
  print(troupe::ask<int32_t>(here.child("ledger"), 10s, int32_t{21}));
  // It fails, and its next life is ready when it has the same port.
  troupe::event_log log{there.ref()};
  static_cast<void>(
    troupe::ask<int32_t>(there.child("ledger"), 10s, int32_t{-1}));
  log.wait_for([](const troupe::lifecycle_event& x) {
    return x.kind == troupe::event_kind::ready && x.incarnation == 2;
  });
  print(troupe::ask<int32_t>(there.child("ledger"), 10s, int32_t{4}));
}

CAF_MAIN(caf::id_block::troupe, caf::io::middleman)

// Output:
//     42
//     8
