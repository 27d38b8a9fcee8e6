// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A child that lives on another node: here another actor system, to which
// CAF's middleman connects over loopback.

#include "io/node.hpp"
#include "support/plain_caf.hpp"
#include "troupe/event_log.hpp"
#include "troupe/supervisor_ref.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/sec.hpp>
#include <caf/system_messages.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

using support::node;
using troupe::event_kind;
using troupe::event_log;
using troupe::outcome_kind;
using troupe::supervisor_spec;
using troupe::worker_state;

namespace {

caf::behavior doubler() {
  return {[](int32_t x) { return 2 * x; }};
}

/// A node that offers one actor.
class server : public node {
public:
  /// @param port Where it is offered; 0 for any.
  explicit server(std::uint16_t port = 0) {
    offer(port);
  }

  [[nodiscard]] std::uint16_t port() const noexcept {
    return port_;
  }

  /// Offers another one in its place, which ends.
  void replace() {
    if (auto done = sys().middleman().unpublish(actor_, port_); !done)
      throw std::runtime_error{to_string(done.error())};
    end();
    offer(port_);
  }

  [[nodiscard]] const caf::actor& actor() const noexcept {
    return actor_;
  }

  ~server() {
    end();
  }

private:
  void offer(std::uint16_t port) {
    actor_ = sys().spawn(doubler);
    auto where = sys().middleman().publish(actor_, port, "127.0.0.1", true);
    if (!where) {
      end();
      throw std::runtime_error{to_string(where.error())};
    }
    port_ = *where;
  }

  void end() {
    support::tell(actor_, caf::exit_msg{actor_.address(),
                                        caf::exit_reason::user_shutdown});
  }

  caf::actor actor_;
  std::uint16_t port_ = 0;
};

supervisor_spec tree_with(std::uint16_t port) {
  supervisor_spec spec{.name = "tree"};
  spec.add_actor("far", {.backoff = {.initial = 5ms, .max = 20ms}},
                 [port](caf::actor_system& s) {
                   auto far = s.middleman().remote_actor("127.0.0.1", port);
                   if (!far)
                     throw std::runtime_error{"nobody is there: "
                                              + to_string(far.error())};
                   return *far;
                 });
  return spec;
}

std::int32_t ask(caf::actor_system& sys, const caf::actor& whom,
                 std::int32_t what) {
  caf::scoped_actor self{sys};
  auto response = support::request(self, whom, troupe::infinite, what);
  auto result = std::int32_t{0};
  std::move(response).receive([&](std::int32_t x) { result = x; },
                              [](caf::error& x) { FAIL(to_string(x)); });
  return result;
}

} // namespace

TEST_CASE("S24 a remote actor is a child like others, and the loss of its node "
          "is a failure") {
  node here;
  auto there = std::make_unique<server>();
  auto port = there->port();
  auto tree = troupe::spawn(here.sys(), tree_with(port));
  event_log events{tree};
  REQUIRE_FALSE(tree.startup());
  auto far = tree.child("far");
  CHECK(far.state() == worker_state::running);
  CHECK(ask(here.sys(), far.actor(), 21) == 42);
  // The node goes, with all that was on it.
  there = nullptr;
  auto loss = events.wait_for(event_kind::failed, "/tree/far");
  REQUIRE(loss);
  CHECK(loss->reason);
  REQUIRE(events.wait_for(event_kind::backing_off, "/tree/far"));
  // It comes back, and with it the child.
  events.clear();
  there = std::make_unique<server>(port);
  REQUIRE(events.wait_for(event_kind::ready, "/tree/far"));
  CHECK(ask(here.sys(), far.actor(), 4) == 8);
  // A stop stops the actor, wherever it is.
  auto how = tree.shutdown();
  REQUIRE(how);
  CHECK(how->ok());
  caf::scoped_actor self{there->sys()};
  self->wait_for(there->actor());
}

TEST_CASE("S24 a remote actor that fails is looked for again") {
  node here;
  server there;
  auto tree = troupe::spawn(here.sys(), tree_with(there.port()));
  event_log events{tree};
  REQUIRE_FALSE(tree.startup());
  there.replace();
  // A permanent child is started again whatever its end was.
  REQUIRE(events.wait_for(event_kind::restarted, "/tree/far"));
  REQUIRE(events.wait_for([](const troupe::lifecycle_event& x) {
    return x.kind == event_kind::ready && x.path == "/tree/far"
           && x.incarnation > 1;
  }));
  CHECK(ask(here.sys(), tree.child("far").actor(), 5) == 10);
  CHECK(tree.shutdown()->ok());
}

TEST_CASE(
  "S23 an actor that has published a port lets go of it in on_stopped") {
  node here;
  std::atomic<std::uint16_t> port = 0;
  supervisor_spec spec{.name = "tree"};
  spec.add_actor(
    "near", {},
    [&port](caf::actor_system& s) {
      auto made = s.spawn(doubler);
      auto where = s.middleman().publish(made, port, "127.0.0.1");
      if (!where)
        throw std::runtime_error{to_string(where.error())};
      port = *where;
      return made;
    },
    [&port](const caf::actor& old) {
      if (auto done = old->home_system().middleman().unpublish(old, port);
          !done)
        throw std::runtime_error{to_string(done.error())};
    });
  auto tree = troupe::spawn(here.sys(), spec);
  REQUIRE_FALSE(tree.startup());
  auto near = tree.child("near");
  event_log events{tree};
  support::tell(near.actor(),
                caf::exit_msg{near.actor().address(), caf::sec::runtime_error});
  REQUIRE(events.wait_for([](const troupe::lifecycle_event& x) {
    return x.kind == event_kind::ready && x.path == "/tree/near"
           && x.incarnation == 2;
  }));
  node there;
  auto far = there.sys().middleman().remote_actor("127.0.0.1", port);
  REQUIRE(far);
  CHECK(ask(there.sys(), *far, 21) == 42);
  CHECK(tree.shutdown()->ok());
}
