// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// What plain CAF actors can do with a supervisor: the messages about its
// children.

#include "troupe/protocol.hpp"

#include "support/clerk.hpp"
#include "support/part.hpp"
#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/trap.hpp"
#include "troupe/child.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/testing.hpp"

#include <caf/sec.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <string>

using namespace std::chrono_literals;
using namespace std::string_literals;

using Catch::Matchers::ContainsSubstring;
using support::client;
using support::failing_after;
using support::journal;
using support::part;
using troupe::child_list;
using troupe::child_totals;
using troupe::errc;
using troupe::supervisor_spec;
using troupe::worker_phase;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

supervisor_spec tree_of_two(journal& log) {
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log));
  spec.add<part>("b", {}, std::ref(log));
  return spec;
}

} // namespace

TEST_CASE("S18 start_child_atom is answered with the child's actor") {
  journal log;
  testing_system sys;
  auto tree = troupe::spawn(sys, tree_of_two(log));
  tree.startup();
  client from{sys};
  auto slow = [](part& self) -> troupe::task<> {
    static_cast<void>(co_await self.sleep_for(1s));
  };
  auto spec = troupe::child<part>("c", {}, std::ref(log), part::body{},
                                  part::body{slow});
  auto begin = sys.now();
  auto started = from.ask<caf::actor>(tree.actor(), troupe::start_child_atom_v,
                                      spec);
  REQUIRE(started.value);
  CHECK(sys.now() - begin == 1s);
  CHECK(*started.value == tree.child("c").actor());
  CHECK(tree.child("c").phase() == worker_phase::ready);
  auto again = from.ask<caf::actor>(tree.actor(), troupe::start_child_atom_v,
                                    spec);
  CHECK(again.error == errc::already_started);
  auto broken = troupe::child<part>("d", {}, std::ref(log), part::body{},
                                    part::body{[](part&) -> troupe::task<> {
                                      throw std::runtime_error{"no d today"};
                                      co_return;
                                    }});
  auto failed = from.ask<caf::actor>(tree.actor(), troupe::start_child_atom_v,
                                     broken);
  CHECK(failed.error == errc::start_failed);
  CHECK_THAT(troupe::text_of(failed.error), ContainsSubstring("no d today"));
  tree.shutdown();
}

TEST_CASE("S19 S20 S21 S33 a child is stopped, started again, restarted and "
          "deleted by messages") {
  journal log;
  testing_system sys;
  auto tree = troupe::spawn(sys, tree_of_two(log));
  tree.startup();
  client from{sys};
  auto to = tree.actor();
  CHECK(from.ask<caf::actor>(to, troupe::start_child_atom_v, "a"s).error
        == errc::child_running);
  CHECK(from.ask_void(to, troupe::delete_child_atom_v, "a"s).error
        == errc::child_running);
  CHECK(from.ask_void(to, troupe::terminate_child_atom_v, "a"s).value);
  CHECK(tree.child("a").state() == worker_state::stopped);
  CHECK(from.ask<caf::actor>(to, troupe::find_child_atom_v, "a"s).error
        == errc::not_found);
  auto again = from.ask<caf::actor>(to, troupe::start_child_atom_v, "a"s);
  REQUIRE(again.value);
  CHECK(*again.value == tree.child("a").actor());
  again = from.ask<caf::actor>(to, troupe::restart_child_atom_v, "a"s);
  REQUIRE(again.value);
  CHECK(*again.value == tree.child("a").actor());
  CHECK(tree.child("a").incarnation() == 3);
  CHECK(from.ask_void(to, troupe::terminate_child_atom_v, "a"s).value);
  CHECK(from.ask_void(to, troupe::delete_child_atom_v, "a"s).value);
  CHECK_FALSE(tree.child("a"));
  for (auto call : {from.ask_void(to, troupe::terminate_child_atom_v, "a"s),
                    from.ask_void(to, troupe::delete_child_atom_v, "a"s)})
    CHECK(call.error == errc::not_found);
  tree.shutdown();
}

TEST_CASE("S11 retry_child_atom ends a backoff") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {.backoff = {.initial = 1h, .max = 1h}}, std::ref(log),
                 failing_after(1s));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  client from{sys};
  auto early = from.ask<bool>(tree.actor(), troupe::retry_child_atom_v, "a"s);
  REQUIRE(early.value);
  CHECK_FALSE(*early.value);
  sys.advance(2s);
  auto now = from.ask<bool>(tree.actor(), troupe::retry_child_atom_v, "a"s);
  REQUIRE(now.value);
  CHECK(*now.value);
  sys.run();
  CHECK(tree.child("a").incarnation() == 2);
  tree.shutdown();
}

TEST_CASE("S22 S30 who the children are, and how many, by messages") {
  journal log;
  testing_system sys;
  auto tree = troupe::spawn(sys, tree_of_two(log));
  tree.startup();
  client from{sys};
  auto list = from.ask<child_list>(tree.actor(), troupe::which_children_atom_v);
  REQUIRE(list.value);
  REQUIRE(list.value->children.size() == 2);
  auto& a = list.value->children[0];
  CHECK(a.name == "a");
  CHECK(a.path == "/tree/a");
  CHECK(caf::actor_cast<caf::actor>(a.actor) == tree.child("a").actor());
  CHECK(a.state == worker_state::running);
  CHECK(a.phase == worker_phase::ready);
  CHECK(a.kind == troupe::child_kind::worker);
  auto totals = from.ask<child_totals>(tree.actor(),
                                       troupe::count_children_atom_v);
  REQUIRE(totals.value);
  CHECK(totals.value->specs == 2);
  CHECK(totals.value->active == 2);
  CHECK(totals.value->workers == 2);
  auto found = from.ask<caf::actor>(tree.actor(), troupe::find_child_atom_v,
                                    "b"s);
  REQUIRE(found.value);
  CHECK(*found.value == tree.child("b").actor());
  tree.shutdown();
}

TEST_CASE("S16 a supervisor answers while its thread is stuck") {
  journal log;
  support::trap trap;
  support::real_system sys{1};
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log));
  spec.add<part>("stuck", {}, std::ref(log),
                 part::body{[&trap](part&) -> troupe::task<> {
                   trap.sit();
                   co_return;
                 }});
  auto tree = troupe::spawn(sys, spec);
  tree.start();
  trap.await(); // the only thread there is
  caf::scoped_actor self{sys};
  auto response = support::request(self, tree.actor(), troupe::infinite,
                                   troupe::count_children_atom_v);
  auto specs = std::uint64_t{0};
  std::move(response).receive([&](child_totals& x) { specs = x.specs; },
                              [](caf::error& x) { FAIL(to_string(x)); });
  CHECK(specs == 2);
  trap.open();
  tree.shutdown();
}

TEST_CASE("S16 a child that calls its own supervisor in on_startup() gets an "
          "answer") {
  journal log;
  testing_system sys;
  caf::error answer;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log), part::body{},
                 part::body{[&](part& self) -> troupe::task<> {
                   auto tree = troupe::lookup(sys, "/tree");
                   REQUIRE(tree);
                   auto asking = self.ask<caf::actor>(
                     *tree, 1h, troupe::start_child_atom_v,
                     troupe::child<part>("b", {}, std::ref(log)));
                   auto got = co_await std::move(asking);
                   if (!got)
                     answer = got.error();
                 }});
  auto tree = troupe::spawn(sys, spec);
  CHECK_FALSE(tree.startup());
  CHECK(answer == errc::busy);
  tree.shutdown();
}

TEST_CASE("S25 a message that means nothing is refused, and that is all") {
  journal log;
  testing_system sys;
  auto tree = troupe::spawn(sys, tree_of_two(log));
  client from{sys};
  // Before the start there is nobody to be called.
  CHECK(from.ask_void(tree.actor(), troupe::terminate_child_atom_v, "a"s).error
        == errc::not_started);
  tree.startup();
  auto to = tree.actor();
  auto half = from.ask_void(to, troupe::start_child_atom_v);
  CHECK(half.error == caf::sec::unexpected_message);
  CHECK_THAT(troupe::text_of(half.error),
             ContainsSubstring("/tree") && ContainsSubstring("protocol.hpp"));
  CHECK(from.ask_void(to, troupe::terminate_child_atom_v, int32_t{7}).error
        == caf::sec::unexpected_message);
  CHECK(from.ask_void(to, int32_t{1}).error == caf::sec::unexpected_message);
  CHECK(from.ask_void(to, "what"s, 1.5).error == caf::sec::unexpected_message);
  support::tell(to, "one way"s);
  support::tell(to, troupe::restart_child_atom_v, "nobody"s);
  sys.run();
  CHECK(tree.state() == worker_state::running);
  // A worker is no supervisor.
  CHECK(
    from.ask_void(tree.child("a").actor(), troupe::which_children_atom_v).error
    == caf::sec::unexpected_message);
  CHECK(tree.shutdown()->ok());
}

TEST_CASE("S16 who asks and goes away is no harm") {
  journal log;
  testing_system sys;
  auto tree = troupe::spawn(sys, tree_of_two(log));
  tree.startup();
  {
    caf::scoped_actor self{sys.sys()};
    auto response = support::request(self, tree.actor(), troupe::infinite,
                                     troupe::terminate_child_atom_v, "a"s);
    static_cast<void>(response);
  }
  sys.run();
  CHECK(tree.child("a").state() == worker_state::stopped);
  tree.shutdown();
}
