// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A supervisor at work: starts, restarts and stops of real children. What it
// decides is tested with the rules, in supervision_test.

#include "troupe/detail/access.hpp"
#include "troupe/supervisor_ref.hpp"

#include "supervisor/supervisor_core.hpp"
#include "support/part.hpp"
#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"
#include "support/trap.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker_pool.hpp"
#include "worker/family.hpp"
#include "worker/worker_core.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/result.hpp>
#include <caf/system_messages.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <barrier>
#include <functional>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace std::string_literals;

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using support::failing_after;
using support::journal;
using support::lines;
using support::part;
using support::unstoppable;
using support::without_destructions;
using troupe::errc;
using troupe::outcome_kind;
using troupe::restart;
using troupe::strategy;
using troupe::supervisor_spec;
using troupe::worker_handle;
using troupe::worker_phase;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

/// One of a pool.
class taker : public troupe::queue_consumer<std::string> {
public:
  troupe::task<> run() override {
    co_await stop_requested();
  }
};

/// Ends at once.
class brief : public troupe::worker {
public:
  troupe::task<> run() override {
    co_return;
  }
};

} // namespace

TEST_CASE("S2 S14 children start in order, each ready before the next, and "
          "stop in reverse") {
  journal log;
  testing_system sys;
  auto slow = [](part& self) -> troupe::task<> {
    static_cast<void>(co_await self.sleep_for(1s));
    self.note("ready ");
  };
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log), part::body{}, part::body{slow});
  spec.add<part>("b", {}, std::ref(log), part::body{}, part::body{slow});
  spec.add<part>("c", {}, std::ref(log), part::body{}, part::body{slow});
  auto tree = troupe::spawn(sys, spec);
  auto begin = sys.now();
  CHECK_FALSE(tree.startup());
  CHECK(sys.now() - begin == 3s);
  CHECK(tree.state() == worker_state::running);
  CHECK(tree.child("b").path() == "/tree/b");
  auto how = tree.shutdown();
  REQUIRE(how);
  CHECK(how->ok());
  CHECK(without_destructions(log)
        == lines{"+a", "ready a", "+b", "ready b", "+c", "ready c", ".c", ".b",
                 ".a"});
  CHECK(log.count("-a") == 1);
}

TEST_CASE("S3 a child that fails to start takes the start with it") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log));
  spec.add<part>("b", {}, std::ref(log), part::body{},
                 part::body{[](part&) -> troupe::task<> {
                   throw std::runtime_error{"no b today"};
                   co_return;
                 }});
  spec.add<part>("c", {}, std::ref(log));
  auto tree = troupe::spawn(sys, spec);
  auto err = tree.startup();
  CHECK(err == errc::start_failed);
  CHECK_THAT(troupe::text_of(err), ContainsSubstring("no b today"));
  CHECK_THAT(troupe::text_of(err), ContainsSubstring("/tree/b"));
  auto how = tree.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::failed);
  CHECK(without_destructions(log) == lines{"+a", "+b", "!b", ".a"});
}

TEST_CASE("S1 a spec is checked before anything starts") {
  testing_system sys;
  journal log;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log));
  std::string expected;
  SECTION("duplicate name") {
    spec.add<part>("a", {}, std::ref(log));
    expected = "two children are called \"a\"";
  }
  SECTION("empty name") {
    spec.add<part>("", {}, std::ref(log));
    expected = "no name";
  }
  SECTION("no name of its own") {
    spec.name = "";
    expected = "supervisor has no name";
  }
  SECTION("a wrong limit") {
    spec.intensity.max_restarts = -1;
    expected = "max_restarts";
  }
  SECTION("a wrong option of a worker") {
    spec.add<part>("b", {.worker = {.stopping_grace_period = -1s}},
                   std::ref(log));
    expected = "stopping_grace_period is negative";
  }
  SECTION("an option that a nested supervisor has no use for") {
    spec.add(supervisor_spec{.name = "inner"},
             {.worker = {.stopping_grace_period = 1s}});
    expected = "supervisor \"tree\": child \"inner\": "
               "worker.stopping_grace_period means nothing for a supervisor";
  }
  SECTION("an option that a plain actor has no use for") {
    spec.add_actor("plain",
                   {.worker = {.queue = {.on_stop = troupe::on_stop::drain}}},
                   [](caf::actor_system&) { return caf::actor{}; });
    expected = "supervisor \"tree\": child \"plain\": worker.queue means "
               "nothing for a plain CAF actor";
  }
  SECTION("nobody whose end could be the end") {
    spec.auto_shutdown = troupe::auto_shutdown::any_significant;
    expected = "none of its children is significant";
  }
  SECTION("somewhere in the tree") {
    supervisor_spec inner{.name = "inner"};
    inner.intensity.within = 0s;
    spec.add(inner);
    expected = "within";
  }
  try {
    static_cast<void>(troupe::spawn(sys, spec));
    FAIL("it was taken");
  } catch (const std::invalid_argument& x) {
    CHECK_THAT(x.what(), ContainsSubstring(expected));
  }
  CHECK(log.lines().empty());
}

TEST_CASE("S1 L2 whatever is called by a name is refused a wrong one, "
          "everywhere") {
  testing_system sys;
  journal log;
  const auto name = GENERATE(""s, "a/b"s, "a\0b"s, "a\nb"s, "\x7f"s);
  auto refused = [&sys](const supervisor_spec& spec) {
    // Whatever `spawn` refuses, `check` does, in the same words.
    const auto wrong = troupe::check(spec);
    CHECK_FALSE(wrong.empty());
    CHECK_THROWS_WITH(troupe::spawn(sys, spec), wrong);
    CHECK(wrong.find('\n') == std::string::npos);
  };
  INFO(name);
  SECTION("a supervisor at the top") {
    refused({.name = name});
  }
  SECTION("a nested one") {
    supervisor_spec spec{.name = "tree"};
    spec.add(supervisor_spec{.name = name});
    refused(spec);
  }
  SECTION("a child") {
    supervisor_spec spec{.name = "tree"};
    spec.add<part>(name, {}, std::ref(log));
    refused(spec);
  }
  SECTION("a plain actor") {
    supervisor_spec spec{.name = "tree"};
    spec.add_actor(name, [](caf::actor_system&) { return caf::actor{}; });
    refused(spec);
  }
  SECTION("a pool") {
    if (name.empty())
      return; // It gets the name of its class.
    troupe::worker_pool<taker> pool{{.name = name, .size = 0}};
    supervisor_spec spec{.name = "tree"};
    spec.add(pool);
    refused(spec);
    CHECK_THROWS_AS(troupe::spawn(sys, pool), std::invalid_argument);
  }
  SECTION("who comes at run time") {
    for (auto how : {strategy::one_for_one, strategy::dynamic}) {
      auto tree = troupe::spawn(sys, {.name = "tree", .strategy = how});
      tree.startup();
      auto late
        = tree.start_child(troupe::child<part>(name, {}, std::ref(log)));
      CHECK(late.get().error == errc::invalid_argument);
      CHECK(tree.count_children().specs == 0);
      tree.shutdown();
    }
  }
  SECTION("a worker of its own") {
    if (name.empty())
      return; // It gets the name of its class.
    CHECK_THROWS_AS(troupe::spawn<part>(sys, {.name = name}, std::ref(log)),
                    std::invalid_argument);
  }
}

TEST_CASE("S4 S6 a child that fails is restarted in the same actor, and its "
          "handles go on") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log), failing_after(10s));
  spec.add<part>("b", {}, std::ref(log));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  auto a = tree.child("a");
  auto actor = a.actor();
  CHECK(a.incarnation() == 1);
  sys.advance(11s);
  CHECK(a.state() == worker_state::running);
  CHECK(a.incarnation() == 2);
  CHECK(a.actor() == actor);
  REQUIRE(a.outcome());
  CHECK(a.outcome()->kind() == outcome_kind::failed);
  sys.advance(10s);
  CHECK(a.incarnation() == 3);
  CHECK(tree.which_children()[0].restarts == 2);
  auto how = tree.shutdown();
  REQUIRE(how);
  CHECK(how->ok());
  CHECK(a.state() == worker_state::stopped);
  CHECK(a.actor() == nullptr);
  CHECK(without_destructions(log)
        == lines{"+a", "+b", "!a", "+a", "!a", "+a", ".b", ".a"});
  CHECK(log.count("-a") == 2); // the last one is there as long as its handle
}

TEST_CASE("S5 too many restarts, and the supervisor gives up") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree",
                       .intensity = {.max_restarts = 2, .within = 5s}};
  spec.add<part>("b", {}, std::ref(log));
  spec.add<part>("a", {}, std::ref(log), failing_after(1s));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  auto how = tree.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::failed);
  CHECK(how->reason() == errc::max_restarts_exceeded);
  CHECK_THAT(to_string(*how), ContainsSubstring("a broke"));
  CHECK_THROWS_WITH(how->rethrow(), "a broke"); // the child's own exception
  CHECK(without_destructions(log)
        == lines{"+b", "+a", "!a", "+a", "!a", "+a", "!a", ".b"});
}

TEST_CASE("S5 who ends normally again and again is named") {
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<brief>("short");
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  auto how = tree.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->reason() == errc::max_restarts_exceeded);
  CHECK_THAT(to_string(*how),
             ContainsSubstring(
               "worker \"short\" (/tree/short) ended normally"));
}

TEST_CASE("S16 a supervisor in the backoff of a group says how long that is") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree", .strategy = strategy::one_for_all};
  spec.add<part>("a", {.backoff = {.initial = 20s, .jitter = 0.0}},
                 std::ref(log), [](part& self) -> troupe::task<> {
                   static_cast<void>(co_await self.sleep_for(1s));
                   throw std::runtime_error{"a broke"};
                 });
  auto tree = troupe::spawn(sys, spec);
  REQUIRE(!tree.startup());
  sys.advance(6s);
  const auto early = troupe::child<part>("b", {}, std::ref(log));
  const auto answer = tree.start_child(early).get();
  CHECK(answer.error == errc::busy);
  CHECK(troupe::text_of(answer.error)
        == "worker \"tree\" (/tree) refused start_child(\"b\"): it restarts "
           "a group, in 15s; ask again then");
  CHECK(tree.shutdown()->ok());
}

TEST_CASE("S16 a supervisor that has not begun on its own thread is busy") {
  journal log;
  testing_system sys;
  auto tree = troupe::spawn(sys,
                            {.name = "tree", .strategy = strategy::dynamic});
  auto spec = troupe::child<part>("a", {}, std::ref(log));
  CHECK(tree.start_child(spec).get().error == errc::not_started);
  tree.start();
  CHECK(tree.start_child(spec).get().error == errc::busy);
  CHECK(tree.terminate_child("a").get().error == errc::busy);
  sys.run();
  CHECK(tree.start_child(spec).get());
  troupe::supervisor_ref none{tree.child("a")};
  CHECK(none.start_child(spec).get().error == errc::invalid_argument);
  tree.shutdown();
  CHECK(tree.start_child(spec).get().error == errc::supervisor_stopping);
  CHECK(tree.terminate_child("a").get().error == errc::supervisor_stopping);
}

TEST_CASE("L31 get() of a call is refused in an actor, also when it is done") {
  journal log;
  testing_system sys;
  auto tree = troupe::spawn(sys, {.name = "tree"});
  tree.startup();
  const auto done = tree.terminate_child("nobody");
  const auto none = troupe::supervisor_ref{}.terminate_child("nobody");
  CHECK(done.get().error == errc::not_found);
  CHECK(none.get().error == errc::invalid_argument);
  auto asks = [&](part&) -> troupe::task<> {
    CHECK(done.get().error == errc::would_block);
    CHECK(done.get(1s).error == errc::would_block);
    CHECK(none.get().error == errc::would_block);
    log.note("asked");
    co_return;
  };
  auto asker = troupe::spawn<part>(sys, {.name = "asker"}, std::ref(log),
                                   part::body{asks});
  asker.startup();
  CHECK(asker.wait_for_shutdown()->ok());
  CHECK(log.has("asked"));
  tree.shutdown();
}

TEST_CASE("S22 S29 a supervisor shows its last children after its end") {
  journal log;
  testing_system sys;
  supervisor_spec inner{.name = "inner"};
  inner.add<part>("leaf", {}, std::ref(log));
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log), failing_after(1s));
  spec.add<brief>("done", {.restart = restart::transient});
  spec.add<brief>("gone", {.restart = restart::temporary});
  spec.add(inner);
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  sys.advance(1500ms);
  tree.shutdown();
  const auto all = tree.which_children();
  REQUIRE(all.size() == 3);
  CHECK(all[0].name == "a");
  CHECK(all[0].state == worker_state::stopped);
  CHECK(all[0].phase == worker_phase::done);
  CHECK(all[0].restarts == 1);
  CHECK_FALSE(all[0].child);
  CHECK(all[1].name == "done");
  CHECK(all[2].name == "inner");
  CHECK(all[2].kind == troupe::child_kind::supervisor);
  const auto totals = tree.count_children();
  CHECK(totals.specs == 3);
  CHECK(totals.active == 0);
  CHECK(totals.supervisors == 1);
  CHECK(totals.workers == 2);
  const auto status = tree.status_tree();
  CHECK(status.max_restarts == 3);
  REQUIRE(status.children.size() == 3);
  CHECK(status.children[0].self.path == "/tree/a");
  CHECK(status.children[0].self.incarnation == 2);
  REQUIRE(status.children[2].children.size() == 1);
  CHECK(status.children[2].children[0].self.path == "/tree/inner/leaf");
  CHECK(status.children[2].children[0].self.state == worker_state::stopped);
  // They are values: nobody is there to be found, or stopped.
  CHECK_FALSE(tree.child("a"));
  CHECK(log.count("-a") == 2);
}

TEST_CASE("S5 however many levels give up, the first cause is named once") {
  journal log;
  testing_system sys;
  constexpr int levels = 100;
  supervisor_spec spec{.name = "s", .intensity = {.max_restarts = 0}};
  spec.add<part>("bad", {}, std::ref(log), failing_after(1s));
  std::string path = "/s/bad";
  for (int i = 1; i < levels; ++i) {
    supervisor_spec above{.name = "s",
                          .intensity = {.max_restarts = i == 50 ? 1 : 0}};
    above.add(std::exchange(spec, {}));
    spec = std::move(above);
    path = "/s" + path;
  }
  auto tree = troupe::spawn(sys, spec);
  REQUIRE_FALSE(tree.startup());
  auto how = tree.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->reason() == errc::max_restarts_exceeded);
  const auto text = troupe::text_of(how->reason());
  INFO(text);
  CHECK_THAT(text, EndsWith("worker \"bad\" (" + path + ") failed: bad broke"));
  CHECK_THAT(text, StartsWith("worker \"s\" (/s) gave up"));
  CHECK(text.size() < path.size() + 150);
  CHECK_THROWS_WITH(how->rethrow(), "bad broke");
}

TEST_CASE("S3 however many levels do not start, the first cause is named "
          "once") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "c"};
  spec.add(troupe::child_made_by<part>("bad", {},
                                       [] { return std::unique_ptr<part>{}; }));
  supervisor_spec b{.name = "b"};
  b.add(spec);
  supervisor_spec a{.name = "a"};
  a.add(b);
  auto tree = troupe::spawn(sys, a);
  CHECK(troupe::text_of(tree.startup())
        == "worker \"a\" (/a) failed to start: worker \"bad\" (/a/b/c/bad) "
           "failed to start: its factory returned null");
}

TEST_CASE("S5 S29 who gave up shows whom it gave up on") {
  journal log;
  testing_system sys;
  supervisor_spec inner{.name = "inner", .intensity = {.max_restarts = 0}};
  inner.add<part>("bad", {}, std::ref(log), failing_after(1s));
  inner.add<part>("good", {}, std::ref(log));
  supervisor_spec spec{.name = "tree"};
  spec.add(inner, {.backoff = {.initial = 20s, .jitter = 0.0}});
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  sys.advance(2s);
  auto inner_ref = troupe::supervisor_ref{tree.child("inner")};
  REQUIRE(inner_ref.phase() == worker_phase::backing_off);
  CHECK(inner_ref.which_children().empty()); // it has none to be called upon
  auto shown = tree.status_tree().children[0].children;
  REQUIRE(shown.size() == 2);
  REQUIRE(shown[0].last_end);
  CHECK(shown[0].last_end->kind() == outcome_kind::failed);
  // Its next life has children of its own.
  sys.advance(19500ms);
  REQUIRE(inner_ref.which_children().size() == 2);
  CHECK(inner_ref.which_children()[0].state == worker_state::running);
  tree.shutdown();
}

TEST_CASE("a child is found with its class, and no other") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  CHECK(tree.child<part>("a") == tree.child("a"));
  CHECK_FALSE(tree.child<brief>("a"));
  CHECK_FALSE(tree.child<part>("b"));
  tree.shutdown();
}

TEST_CASE("S8 S9 one_for_all stops and starts them all") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree", .strategy = strategy::one_for_all};
  spec.add<part>("a", {}, std::ref(log));
  spec.add<part>("b", {}, std::ref(log), failing_after(10s));
  spec.add<part>("c", {.restart = restart::temporary}, std::ref(log));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  sys.advance(11s);
  CHECK(without_destructions(log)
        == lines{"+a", "+b", "+c", "!b", ".c", ".a", "+a", "+b"});
  CHECK(tree.count_children().specs == 2);
  CHECK_FALSE(tree.child("c"));
  tree.shutdown();
}

TEST_CASE("S7 rest_for_one leaves those before alone") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree", .strategy = strategy::rest_for_one};
  spec.add<part>("a", {}, std::ref(log));
  spec.add<part>("b", {}, std::ref(log), failing_after(10s));
  spec.add<part>("c", {}, std::ref(log));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  sys.advance(11s);
  CHECK(without_destructions(log)
        == lines{"+a", "+b", "+c", "!b", ".c", "+b", "+c"});
  tree.shutdown();
}

TEST_CASE("stop_all: the failure of one is the end of the group") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree", .strategy = strategy::stop_all};
  spec.add<part>("a", {}, std::ref(log));
  spec.add<part>("b", {}, std::ref(log), failing_after(10s));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  auto how = tree.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::failed);
  CHECK_THAT(to_string(*how), ContainsSubstring("b broke"));
  CHECK(without_destructions(log) == lines{"+a", "+b", "!b", ".a"});
}

TEST_CASE("S11 a backoff is visible, and ends with a restart") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a",
                 {.backoff = {.initial = 10s, .factor = 2.0, .jitter = 0.0}},
                 std::ref(log), failing_after(1s));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  auto a = tree.child("a");
  sys.advance(2s);
  CHECK(a.phase() == worker_phase::backing_off);
  CHECK(a.state() == worker_state::stopped);
  CHECK(a.incarnation() == 1);
  SECTION("when its time has come") {
    sys.advance(8900ms);
    CHECK(a.incarnation() == 1);
    sys.advance(100ms);
    CHECK(a.incarnation() == 2);
    CHECK(a.phase() == worker_phase::ready);
    sys.advance(1s);
    CHECK(a.phase() == worker_phase::backing_off);
    sys.advance(19s);
    CHECK(a.incarnation() == 2);
    sys.advance(1s);
    CHECK(a.incarnation() == 3);
  }
  SECTION("when somebody asks for it") {
    CHECK(tree.retry_now("a"));
    sys.run();
    CHECK(a.incarnation() == 2);
    CHECK_FALSE(tree.retry_now("a"));
  }
  SECTION("or not at all") {
    CHECK(tree.terminate_child("a").get());
    sys.advance(1h);
    CHECK(a.incarnation() == 1);
    CHECK(a.phase() == worker_phase::done);
  }
  CHECK(tree.shutdown()->ok());
}

TEST_CASE("S11 a child that says it is healthy begins its backoff anew") {
  journal log;
  testing_system sys;
  auto healthy = false;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a",
                 {.backoff = {.initial = 10s, .factor = 2.0, .jitter = 0.0}},
                 std::ref(log), part::body{[&](part& self) -> troupe::task<> {
                   static_cast<void>(co_await self.sleep_for(1s));
                   if (healthy)
                     self.mark_healthy();
                   throw std::runtime_error{"it broke"};
                 }});
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  auto a = tree.child("a");
  sys.advance(12s); // 1 s, 10 s, 1 s
  CHECK(a.incarnation() == 2);
  CHECK(a.status_tree().self.phase == worker_phase::backing_off);
  CHECK(tree.status_tree().children[0].next_retry == 20s);
  healthy = true;
  sys.advance(21s);
  CHECK(a.incarnation() == 3);
  CHECK(tree.status_tree().children[0].next_retry == 10s);
  tree.shutdown();
}

TEST_CASE("S18 S19 S20 S21 children come and go at run time") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  auto started
    = tree.start_child(troupe::child<part>("b", {}, std::ref(log))).get();
  REQUIRE(started);
  CHECK(started.child == tree.child("b"));
  CHECK(started.child.state() == worker_state::running);
  auto again
    = tree.start_child(troupe::child<part>("b", {}, std::ref(log))).get();
  CHECK(again.error == errc::already_started);
  CHECK(again.child == started.child);
  CHECK(tree.start_child("b").get().error == errc::child_running);
  CHECK(tree.delete_child("b").get().error == errc::child_running);
  CHECK(tree.terminate_child("b").get());
  CHECK(started.child.state() == worker_state::stopped);
  CHECK(tree.terminate_child("b").get());
  auto present
    = tree.start_child(troupe::child<part>("b", {}, std::ref(log))).get();
  CHECK(present.error == errc::already_present);
  auto restarted = tree.start_child("b").get();
  REQUIRE(restarted);
  CHECK(restarted.child == started.child);
  CHECK(started.child.state() == worker_state::running);
  CHECK(started.child.incarnation() == 2);
  CHECK(tree.terminate_child("b").get());
  CHECK(tree.delete_child("b").get());
  CHECK_FALSE(tree.child("b"));
  for (auto call : {tree.terminate_child("x"), tree.start_child("x"),
                    tree.restart_child("x"), tree.delete_child("x")}) {
    CHECK(call.get().error == errc::not_found);
    CHECK_THAT(troupe::text_of(call.get().error), ContainsSubstring("\"x\""));
  }
  auto broken = tree
                  .start_child(troupe::child<part>(
                    "c", {}, std::ref(log), part::body{},
                    part::body{[](part&) -> troupe::task<> {
                      throw std::runtime_error{"no c today"};
                      co_return;
                    }}))
                  .get();
  CHECK(broken.error == errc::start_failed);
  CHECK_FALSE(tree.child("c"));
  auto counts = tree.count_children();
  CHECK(counts.specs == 1);
  CHECK(counts.active == 1);
  CHECK(tree.shutdown()->ok());
  CHECK(
    tree.start_child(troupe::child<part>("d", {}, std::ref(log))).get().error
    == errc::supervisor_stopping);
}

TEST_CASE("L15 a shutdown through a child's handle is for good") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  auto a = tree.child("a");
  auto how = a.shutdown();
  REQUIRE(how);
  CHECK(how->ok());
  sys.advance(1h);
  CHECK(a.state() == worker_state::stopped);
  CHECK(a.startup() == errc::already_started);
  CHECK(tree.restart_child("a").get());
  CHECK(a.state() == worker_state::running);
  a.force_stop();
  CHECK(a.wait_for_shutdown());
  tree.shutdown();
  CHECK(without_destructions(log) == lines{"+a", ".a", "+a", "!a"});
}

TEST_CASE("trees nest: who gives up is restarted by the one above") {
  journal log;
  testing_system sys;
  supervisor_spec inner{.name = "inner",
                        .intensity = {.max_restarts = 0, .within = 1s}};
  inner.add<part>("a", {}, std::ref(log));
  inner.add<part>("b", {}, std::ref(log), failing_after(10s));
  supervisor_spec spec{.name = "tree"};
  spec.add(inner);
  spec.add<part>("c", {}, std::ref(log));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  CHECK(tree.count_children().supervisors == 1);
  sys.advance(11s);
  CHECK(tree.child("inner").incarnation() == 2);
  CHECK(tree.shutdown()->ok());
  CHECK(without_destructions(log)
        == lines{"+a", "+b", "+c", "!b", ".a", "+a", "+b", ".c", ".b", ".a"});
}

TEST_CASE("S15 one hung child takes no other child's time") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  for (int i = 0; i < 20; ++i)
    spec.add<part>("healthy" + std::to_string(i), {}, std::ref(log),
                   part::body{[](part& self) -> troupe::task<> {
                     co_await self.stop_requested();
                     static_cast<void>(co_await self.sleep_for(10ms));
                   }});
  spec.add<part>("hung",
                 {.worker = {.stopping_grace_period = troupe::infinite}},
                 std::ref(log), part::body{unstoppable});
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  std::vector<troupe::worker_handle> all;
  for (auto& x : tree.which_children())
    all.push_back(x.child);
  auto begin = sys.now();
  auto report = tree.shutdown(8s);
  CHECK(sys.now() - begin <= 8s);
  REQUIRE(report.size() == 1);
  CHECK(report[0].path == "/tree/hung");
  REQUIRE(tree.outcome());
  CHECK(to_string(*tree.outcome()) == "normal; in the way: /tree/hung");
  for (auto& x : all) {
    REQUIRE(x.outcome());
    CHECK((x.outcome()->kind() == outcome_kind::forced)
          == (x.name() == "hung"));
  }
}

TEST_CASE("S15 the outcome of a tree names who was in the way, however deep") {
  journal log;
  testing_system sys;
  supervisor_spec inner{.name = "inner"};
  inner.add<part>("mule", {.worker = {.stopping_grace_period = 2s}},
                  std::ref(log), part::body{unstoppable});
  inner.add<part>("sheep", {}, std::ref(log));
  supervisor_spec spec{.name = "tree"};
  spec.add(inner);
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  auto how = tree.shutdown();
  REQUIRE(how);
  CHECK(how->ok());
  REQUIRE(how->blockers().size() == 1);
  auto& mule = how->blockers()[0];
  CHECK(mule.path == "/tree/inner/mule");
  CHECK(mule.state == worker_state::force_stopped);
  CHECK(mule.elapsed == 2s);
}

TEST_CASE("S15 who was forced in a restart was in nobody's way") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree", .strategy = strategy::one_for_all};
  spec.add<part>("mule", {.worker = {.stopping_grace_period = 2s}},
                 std::ref(log), part::body{unstoppable});
  spec.add<part>("breaks", {.restart = restart::transient}, std::ref(log),
                 failing_after(1h));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  sys.advance(1h + 3s);
  CHECK(tree.child("mule").incarnation() == 2);
  CHECK(tree.child("mule").outcome()->kind() == outcome_kind::forced);
  CHECK(tree.terminate_child("mule").get());
  CHECK(tree.shutdown()->blockers().empty());
}

TEST_CASE("S31 two trees of one name would mean each other") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log));
  auto first = troupe::spawn(sys, spec);
  first.startup();
  auto second = troupe::spawn(sys, spec);
  auto err = second.startup();
  CHECK(err == errc::start_failed);
  CHECK_THAT(troupe::text_of(err), ContainsSubstring("another supervisor")
                                     && ContainsSubstring("/tree"));
  CHECK(*troupe::lookup(sys, "/tree/a") == first.child("a"));
  first.shutdown();
  auto third = troupe::spawn(sys, spec);
  CHECK_FALSE(third.startup());
  third.shutdown();
}

TEST_CASE("S31 a tree has its name from its start to its final end") {
  struct row {
    const char* the_first;
    bool has_the_name;
  };
  const auto [the_first, has_the_name]
    = GENERATE(row{"was not started", false}, row{"starts", true},
               row{"failed to start", false}, row{"runs", true},
               row{"stops", true}, row{"has stopped", false},
               row{"was forced", false}, row{"was killed", false});
  CAPTURE(the_first);
  const auto is = [what = std::string_view{the_first}](const char* x) {
    return what == x;
  };
  journal log;
  support::script body;
  body.run = support::stubborn();
  if (is("starts"))
    body.on_startup = support::sleeping(1s);
  if (is("failed to start"))
    body.on_startup = support::throwing(std::runtime_error{"no luck today"});
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<support::scripted>("a", {}, std::ref(log), body);
  auto first = troupe::spawn(sys, spec);
  if (is("was not started")) {
    // nop
  } else if (is("starts")) {
    REQUIRE_FALSE(first.start());
    sys.run();
  } else {
    REQUIRE(static_cast<bool>(first.startup()) == is("failed to start"));
  }
  if (is("stops")) {
    first.gracefully_stop();
    sys.run();
  } else if (is("has stopped")) {
    REQUIRE(first.shutdown());
  } else if (is("was forced")) {
    first.force_stop();
    sys.run();
  } else if (is("was killed")) {
    support::tell(first.actor(), caf::exit_msg{first.actor().address(),
                                               caf::exit_reason::kill});
    sys.advance(1min);
  }
  auto second = troupe::spawn(sys, supervisor_spec{.name = "tree"});
  CHECK(static_cast<bool>(second.startup()) == has_the_name);
  first.force_stop();
  second.force_stop();
  sys.run();
  auto third = troupe::spawn(sys, supervisor_spec{.name = "tree"});
  CHECK_FALSE(third.startup());
  CHECK(third.shutdown());
}

TEST_CASE("S16 a destructor that does not return holds up no other call") {
  class clinging : public troupe::worker {
  public:
    explicit clinging(support::trap& where) : where_(where) {
      // nop
    }

    ~clinging() override {
      where_.sit();
    }

    troupe::task<> run() override {
      co_await stop_requested();
    }

  private:
    support::trap& where_;
  };
  support::trap there;
  support::real_system sys{4};
  journal log;
  supervisor_spec spec{.name = "tree"};
  spec.add<clinging>("a", {.restart = troupe::restart::temporary},
                     std::ref(there));
  auto tree = troupe::spawn(sys, spec);
  REQUIRE_FALSE(tree.startup());
  auto ending = std::jthread{[&] { tree.child("a").gracefully_stop(); }};
  there.await();
  auto next = troupe::child<support::scripted>("b", {}, std::ref(log),
                                               support::script{});
  CHECK_FALSE(tree.start_child(next).get().error);
  CHECK(tree.shutdown(1h).empty());
  there.open();
}

TEST_CASE("S31 a tree whose outcome is known has given up its name") {
  support::real_system sys;
  for (int i = 0; i < 300; ++i) {
    auto tree = troupe::spawn(sys, supervisor_spec{.name = "tree"});
    REQUIRE_FALSE(tree.startup());
    tree.gracefully_stop();
    while (!tree.outcome())
      std::this_thread::yield();
  }
}

TEST_CASE("S31 of trees of one name that start at once exactly one runs") {
  constexpr std::size_t num_threads = 4;
  constexpr std::size_t rounds = 200;
  support::real_system sys;
  supervisor_spec spec{.name = "tree"};
  std::atomic<std::size_t> winners = 0;
  std::atomic<std::size_t> wrong = 0;
  std::barrier started{num_threads, [&]() noexcept {
                         if (winners.exchange(0) != 1)
                           ++wrong;
                       }};
  std::barrier over{num_threads};
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < num_threads; ++i)
      threads.emplace_back([&] {
        for (std::size_t j = 0; j < rounds; ++j) {
          auto tree = troupe::spawn(sys, spec);
          if (!tree.startup())
            ++winners;
          started.arrive_and_wait();
          static_cast<void>(tree.shutdown());
          over.arrive_and_wait();
        }
      });
  }
  CHECK(wrong == 0);
}

TEST_CASE("S31 the supervisor at the top has a path like all others") {
  journal log;
  testing_system sys;
  CHECK_FALSE(troupe::lookup(sys, "/tree"));
  {
    supervisor_spec spec{.name = "tree"};
    spec.add<part>("a", {}, std::ref(log));
    auto tree = troupe::spawn(sys, spec);
    auto found = troupe::lookup(sys, "/tree");
    REQUIRE(found);
    CHECK(*found == tree);
    tree.startup();
    CHECK(troupe::supervisor_ref{*found}.child("a").path() == "/tree/a");
    tree.shutdown();
    // Handles keep what can be read, not what can be found.
    auto ended = troupe::lookup(sys, "/tree");
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == errc::not_found);
    CHECK_FALSE(troupe::lookup(sys, "/tree/a"));
    auto next = troupe::spawn(sys, spec);
    CHECK(*troupe::lookup(sys, "/tree") == next);
  }
  // The path keeps nobody.
  CHECK_FALSE(troupe::lookup(sys, "/tree"));
}

TEST_CASE("S31 a path as an argument is a handle to the sibling") {
  class speaker : public troupe::worker {
  public:
    speaker(troupe::worker_ref<part> whom, journal& log)
      : whom_(std::move(whom)), log_(log) {
      // nop
    }

    troupe::task<> run() override {
      log_.note("sees " + whom_.path());
      log_.note(lookup<part>("/tree/a") == whom_ ? "finds it" : "does not");
      co_await stop_requested();
    }

  private:
    troupe::worker_ref<part> whom_;
    journal& log_;
  };
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log));
  SECTION("which must be there") {
    spec.add<speaker>("b", {}, troupe::by_path<part>("/tree/a"), std::ref(log));
    auto tree = troupe::spawn(sys, spec);
    CHECK_FALSE(tree.startup());
    sys.run();
    CHECK(without_destructions(log) == lines{"+a", "sees /tree/a", "finds it"});
    CHECK(troupe::lookup<part>(sys, "/tree/a"));
    CHECK(troupe::worker_at<part>(sys, "/tree/a") == tree.child("a"));
    CHECK_THROWS_MATCHES(troupe::worker_at<part>(sys, "/tree/x"),
                         std::out_of_range,
                         Catch::Matchers::MessageMatches(
                           ContainsSubstring("no worker at /tree/x")));
    CHECK_FALSE(troupe::lookup<speaker>(sys, "/tree/a"));
    auto no_part = troupe::lookup<part>(sys, "/tree");
    REQUIRE_FALSE(no_part);
    CHECK(troupe::text_of(no_part.error())
          == "the worker at /tree is a supervisor, not a support::part");
    CHECK(tree.shutdown()->ok());
  }
  SECTION("or the start fails and names it") {
    spec.add<speaker>("b", {}, troupe::by_path<part>("/tree/x"), std::ref(log));
    auto tree = troupe::spawn(sys, spec);
    auto err = tree.startup();
    CHECK_THAT(troupe::text_of(err), ContainsSubstring("/tree/x"));
    tree.wait_for_shutdown();
  }
}

TEST_CASE("S23 a plain actor is a child like others") {
  testing_system sys;
  int made = 0;
  caf::actor latest;
  supervisor_spec spec{.name = "tree"};
  spec.add_actor("legacy", {}, [&](caf::actor_system& there) {
    ++made;
    latest = there.spawn([](caf::event_based_actor* self) {
      return caf::behavior{[self](int32_t x) {
        if (x < 0)
          self->quit(caf::sec::runtime_error);
      }};
    });
    return latest;
  });
  auto tree = troupe::spawn(sys, spec);
  CHECK_FALSE(tree.startup());
  CHECK(made == 1);
  CHECK(tree.which_children()[0].kind == troupe::child_kind::actor);
  CHECK(tree.child("legacy").actor() == latest);
  support::tell(latest, int32_t{-1});
  sys.run();
  CHECK(made == 2);
  CHECK(tree.child("legacy").incarnation() == 2);
  CHECK(tree.child("legacy").actor() == latest);
  CHECK(troupe::lookup(sys, "/tree/legacy")->actor() == latest);
  CHECK(tree.shutdown()->ok());
  latest = nullptr;
}

namespace {

caf::behavior listener(caf::event_based_actor* self) {
  return {[self](int32_t x) {
    if (x < 0)
      self->quit(caf::sec::runtime_error);
  }};
}

} // namespace

TEST_CASE("S23 a plain actor that backs off, or is stopped, is nobody") {
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add_actor("plain", {.backoff = {.initial = 20s, .jitter = 0.0}},
                 [&sys] { return sys.sys().spawn(listener); });
  auto tree = troupe::spawn(sys, spec);
  CHECK_FALSE(tree.startup());
  auto plain = tree.child("plain");
  auto first = plain.actor();
  REQUIRE(first);
  support::tell(first, int32_t{-1});
  sys.run();
  CHECK(plain.phase() == worker_phase::backing_off);
  CHECK_FALSE(plain.actor());
  CHECK_FALSE(tree.child(first));
  auto found = troupe::lookup<caf::actor>(sys, "/tree/plain");
  REQUIRE_FALSE(found);
  CHECK(found.error() == errc::not_found);
  CHECK_THAT(troupe::text_of(found.error()),
             ContainsSubstring("/tree/plain at present: it is stopped, "
                               "backing_off"));
  sys.advance(20s);
  CHECK(plain.actor());
  CHECK(plain.actor() != first);
  tree.terminate_child("plain").get();
  CHECK_FALSE(plain.actor());
  tree.shutdown();
  CHECK_FALSE(plain.actor());
}

TEST_CASE("S23 S31 a plain actor is found by its path") {
  using typed = caf::typed_actor<caf::result<int32_t>(int32_t)>;
  class caller : public troupe::worker {
  public:
    caller(caf::actor whom, typed who, int32_t& answer)
      : whom_(std::move(whom)), who_(std::move(who)), answer_(answer) {
      // nop
    }

    troupe::task<> run() override {
      auto same = lookup<caf::actor>("/tree/plain");
      auto handle = lookup("/tree/plain");
      CHECK((same && *same == whom_));
      CHECK((handle && handle->actor() == whom_));
      auto asking = ask<int32_t>(who_, 1s, int32_t{20});
      if (auto answer = co_await std::move(asking))
        answer_ = *answer;
      co_await stop_requested();
    }

  private:
    caf::actor whom_;
    typed who_;
    int32_t& answer_;
  };
  testing_system sys;
  auto answer = int32_t{0};
  supervisor_spec spec{.name = "tree"};
  spec.add_actor("plain",
                 [](caf::actor_system& s) { return s.spawn(listener); });
  spec.add_actor("typed", [](caf::actor_system& s) {
    return s.spawn([]() -> typed::behavior_type {
      return {[](int32_t x) -> caf::result<int32_t> { return x + 1; }};
    });
  });
  spec.add<caller>("caller", troupe::by_path<caf::actor>("/tree/plain"),
                   troupe::by_path<typed>("/tree/typed"), std::ref(answer));
  auto tree = troupe::spawn(sys, spec);
  CHECK_FALSE(tree.startup());
  sys.run();
  CHECK(answer == 21);
  CHECK_FALSE(troupe::lookup<caf::actor>(sys, "/tree/nobody"));
  CHECK(troupe::lookup<caf::actor>(sys, "/tree/caller"));
  tree.shutdown();
}

TEST_CASE("S2 the options of a child may be left out") {
  class named : public troupe::worker {
  public:
    named() = default;

    explicit named(std::string text) : text_(std::move(text)) {
      // nop
    }

    troupe::task<> run() override {
      co_await stop_requested();
    }

    std::string text_;
  };
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  const troupe::child_options transient{.restart = restart::transient};
  spec.add<named>("a");
  spec.add<named>("b", {}, "with");
  spec.add<named>("c", "without");
  spec.add<named>("d", transient, "some");
  spec.add<named>("e", {.restart = restart::temporary});
  spec.add(troupe::child<named>("f", std::string{"without"}));
  spec.add_actor("g", [&sys] { return sys.sys().spawn(listener); });
  spec.add_actor("h", {}, [&sys] {
    return caf::actor_cast<caf::strong_actor_ptr>(sys.sys().spawn(listener));
  });
  CHECK(spec.children[2].options.restart == restart::permanent);
  CHECK(spec.children[3].options.restart == restart::transient);
  CHECK(spec.children[4].options.restart == restart::temporary);
  auto tree = troupe::spawn(sys, spec);
  CHECK_FALSE(tree.startup());
  CHECK(tree.count_children().active == 8);
  auto ref = *troupe::lookup<named>(sys, "/tree/c");
  tree.shutdown();
  REQUIRE(ref.worker() != nullptr);
  CHECK(ref.worker()->text_ == "without");
}

TEST_CASE("S15 a deadline of zero forces, and abandons nobody who comes back") {
  // An offloaded call takes real time to notice, and none in the test's.
  class busy : public troupe::worker {
  public:
    troupe::task<> run() override {
      auto call = offload([](const std::stop_token& stop) {
        std::binary_semaphore told{0};
        const std::stop_callback tell{stop, [&told] { told.release(); }};
        told.acquire();
      });
      co_await std::move(call);
    }
  };
  testing_system sys;
  supervisor_spec inner{.name = "inner"};
  inner.add<busy>("busy");
  supervisor_spec spec{.name = "tree"};
  spec.add(inner);
  auto tree = troupe::spawn(sys, spec);
  CHECK_FALSE(tree.startup());
  auto nested = troupe::supervisor_ref{tree.child("inner")};
  auto leaf = nested.child("busy");
  auto begin = sys.now();
  CHECK_FALSE(tree.shutdown(0s).empty());
  CHECK(sys.now() == begin);
  for (auto& who : {worker_handle{tree}, worker_handle{nested}, leaf}) {
    CAPTURE(who.path());
    REQUIRE(who.outcome());
    CHECK(who.outcome()->kind() == outcome_kind::forced);
    CHECK_FALSE(who.outcome()->abandoned());
  }
}

TEST_CASE("S15 a deadline bounds a clean-up that is under way") {
  class slow : public troupe::worker {
  public:
    troupe::task<> run() override {
      co_await stop_requested();
    }

    troupe::task<> on_shutdown() override {
      static_cast<void>(co_await sleep_for(1h));
    }
  };
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<slow>("slow", {.worker = {.cleanup_period = 1h}});
  auto tree = troupe::spawn(sys, spec);
  CHECK_FALSE(tree.startup());
  auto child = tree.child("slow");
  child.force_stop();
  sys.advance(1s);
  CHECK(child.phase() == worker_phase::cleaning_up);
  auto begin = sys.now();
  auto report = tree.shutdown(16s);
  CHECK(sys.now() - begin == 15s); // which is what a clean-up has
  CHECK(report.size() == 1);
  REQUIRE(child.outcome());
  CHECK_FALSE(child.outcome()->abandoned());
  CHECK(tree.outcome());
}

TEST_CASE("S18 a spec without anything to be made of is refused") {
  testing_system sys;
  auto kind = GENERATE(strategy::one_for_one, strategy::dynamic);
  supervisor_spec spec{.name = "tree", .strategy = kind};
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  for (auto name : {"", "nothing"}) {
    auto how = tree.start_child({.name = name}).get();
    CHECK(how.error == errc::invalid_argument);
    CHECK_FALSE(how.child);
  }
  CHECK(tree.count_children().specs == 0);
  tree.shutdown();
}

TEST_CASE("S14 a message for who backs off is refused when the tree stops") {
  class eater : public troupe::queue_consumer<int32_t> {
  public:
    troupe::task<> run() override {
      static_cast<void>(co_await get_message());
      throw std::runtime_error{"not that"};
    }
  };
  class sender : public troupe::worker {
  public:
    explicit sender(caf::error& answer) : answer_(answer) {
      // nop
    }

    troupe::task<> run() override {
      auto to = *lookup<eater>("/tree/eater");
      for (int32_t i = 0; !answer_; ++i) {
        auto sending = send_to(to, i);
        answer_ = co_await std::move(sending);
      }
      co_await stop_requested();
    }

  private:
    caf::error& answer_;
  };
  testing_system sys;
  caf::error answer;
  supervisor_spec spec{.name = "tree"};
  spec.add<eater>("eater", {.backoff = {.initial = 1h, .max = 1h},
                            .worker = {.queue = {.capacity = 1}}});
  spec.add<sender>("sender", {}, std::ref(answer));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  sys.run();
  auto begin = sys.now();
  CHECK_FALSE(answer);
  CHECK(tree.shutdown()->ok());
  CHECK(answer == errc::queue_closed);
  CHECK(sys.now() - begin < 1s);
}

TEST_CASE("S15 what a child was given goes with the tree, whoever keeps it") {
  auto token = std::make_shared<troupe::worker_handle>();
  std::weak_ptr<troupe::worker_handle> alive{token};
  class keeper : public troupe::worker {
  public:
    explicit keeper(std::shared_ptr<troupe::worker_handle> x) : x_(x) {
      // nop
    }

    troupe::task<> run() override {
      *x_ = troupe::worker_handle{
        *lookup<keeper>("/tree/keeper")}; // a cycle, while it lives
      co_await stop_requested();
    }

    troupe::task<> on_shutdown() override {
      x_ = nullptr;
      co_return;
    }

  private:
    std::shared_ptr<troupe::worker_handle> x_;
  };
  testing_system sys;
  auto kind = GENERATE(strategy::one_for_one, strategy::dynamic);
  {
    supervisor_spec inner{.name = "tree", .strategy = kind};
    inner.add<keeper>("keeper", {}, std::move(token));
    auto tree = troupe::spawn(sys, std::move(inner));
    tree.startup();
    sys.run();
    CHECK_FALSE(alive.expired());
    tree.shutdown();
    sys.run();
  }
  CHECK(alive.expired());
}

namespace {

/// Copies nothing of what it is given.
class forgetful : public troupe::worker {
public:
  explicit forgetful(const std::shared_ptr<int>&) {
    // nop
  }

  troupe::task<> run() override {
    co_await stop_requested();
  }
};

} // namespace

TEST_CASE("S2 the arguments of an only life go when it has been made") {
  testing_system sys;
  const auto kind = GENERATE(strategy::one_for_one, strategy::one_for_all,
                             strategy::dynamic);
  const auto type = GENERATE(restart::temporary, restart::transient);
  auto token = std::make_shared<int>(0);
  std::weak_ptr<int> alive{token};
  supervisor_spec spec{.name = "tree", .strategy = kind};
  auto one = troupe::child<forgetful>("one", {.restart = type}, token);
  token = nullptr;
  const auto at_start = GENERATE(true, false);
  if (at_start)
    spec.children.push_back(std::move(one));
  auto tree = troupe::spawn(sys, std::move(spec));
  tree.startup();
  if (!at_start)
    REQUIRE(!tree.start_child(std::move(one)).get().error);
  CHECK(alive.expired() == (type == restart::temporary));
  CHECK(tree.which_children().front().kind == troupe::child_kind::worker);
  CHECK(tree.count_children().workers == 1);
  CHECK(tree.status_tree().children.size() == 1);
  tree.shutdown();
}

TEST_CASE("S30 a child is found by its actor") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log));
  spec.add_actor("plain", {}, [](caf::actor_system& s) {
    return s.spawn([]() -> caf::behavior { return {[](int32_t) {}}; });
  });
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  auto a = tree.child("a");
  auto plain = tree.child("plain");
  CHECK(tree.child(a.actor()) == a);
  auto first = plain.actor();
  CHECK(tree.child(first) == plain);
  CHECK_FALSE(tree.child(tree.actor()));
  CHECK_FALSE(tree.child(caf::actor{}));
  support::tell(first, caf::exit_msg{first.address(),
                                     caf::exit_reason::user_shutdown});
  sys.run();
  CHECK(plain.incarnation() == 2);
  CHECK_FALSE(tree.child(first));
  CHECK(tree.child(plain.actor()) == plain);
  tree.shutdown();
  CHECK_FALSE(tree.child(first));
}

TEST_CASE("Q10 a queue outlives a crash") {
  class eater : public troupe::queue_consumer<int32_t> {
  public:
    explicit eater(std::vector<int32_t>& eaten) : eaten_(eaten) {
      // nop
    }

    troupe::task<> run() override {
      while (auto x = co_await get_message()) {
        if (*x < 0)
          throw std::runtime_error{"not that"};
        eaten_.push_back(*x);
      }
    }

  private:
    std::vector<int32_t>& eaten_;
  };
  std::vector<int32_t> eaten;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<eater>("eater", {}, std::ref(eaten));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  auto ref = *troupe::lookup<eater>(sys, "/tree/eater");
  for (int32_t x : {1, 2, -1, 3, 4})
    ref.send(x);
  sys.run();
  CHECK(eaten == std::vector<int32_t>{1, 2, 3, 4});
  auto counts = ref.queue();
  CHECK(counts.lost == 1);
  CHECK(counts.sent == 5);
  CHECK(tree.shutdown()->ok());
}

TEST_CASE("Q10 S20 the queue of a child that is started again takes messages") {
  class eater : public troupe::queue_consumer<int32_t> {
  public:
    troupe::task<> run() override {
      while (auto x = co_await get_message())
        eaten += *x;
    }

    int32_t eaten = 0;
  };
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<eater>("eater");
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  auto ref = *troupe::lookup<eater>(sys, "/tree/eater");
  CHECK(ref.send(1));
  ref.shutdown();
  CHECK_FALSE(ref.send(2));
  CHECK(tree.restart_child("eater").get());
  CHECK(ref.send(3));
  sys.run();
  CHECK(ref.queue().sent == 3);
  CHECK(ref.queue().closed == 1);
  CHECK(ref.queue_size() == 0);
  CHECK(tree.shutdown()->ok());
}

TEST_CASE("S16 a stop comes before the calls that wait for their turn") {
  journal log;
  testing_system sys;
  auto tree = troupe::spawn(
    sys, supervisor_spec{.name = "tree", .strategy = strategy::dynamic});
  CHECK_FALSE(tree.startup());
  auto children = std::dynamic_pointer_cast<troupe::detail::supervisor_core>(
    troupe::detail::family{*troupe::detail::access::core_of(tree)}.group());
  REQUIRE(children);
  std::vector<troupe::child_call> calls;
  // While it is somebody's turn, calls come, and then a stop.
  children->run_serially([&] {
    for (auto i = 0; i < 3; ++i)
      calls.push_back(tree.start_child(
        troupe::child<part>("late" + std::to_string(i), {}, std::ref(log),
                            part::body{}, part::body{})));
    tree.gracefully_stop();
  });
  CHECK(tree.wait_for_shutdown()->ok());
  CHECK_FALSE(log.has("+late0"));
  REQUIRE(calls.size() == 3);
  CHECK(calls[0].get().error == errc::supervisor_stopping);
}

TEST_CASE(
  "S26 the children of a supervisor that is killed stop by themselves") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log));
  spec.add<part>("b", {}, std::ref(log));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  auto a = tree.child("a");
  support::tell(tree.actor(),
                caf::exit_msg{tree.actor().address(), caf::exit_reason::kill});
  CHECK(tree.wait_for_shutdown()->kind() == outcome_kind::cancelled);
  CHECK(a.outcome()->ok());
  CHECK(without_destructions(log) == lines{"+a", "+b", ".b", ".a"});
}
