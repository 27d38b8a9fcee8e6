// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/scoped_supervisor.hpp"

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"
#include "troupe/event.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <caf/exit_reason.hpp>
#include <caf/system_messages.hpp>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::journal;
using support::script;
using support::scripted;
using troupe::errc;
using troupe::outcome_kind;
using troupe::scoped_supervisor;
using troupe::supervisor_spec;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

struct oddity {};

supervisor_spec tree_of(journal& log, script what,
                        troupe::child_options options = {}) {
  supervisor_spec result{.name = "tree"};
  result.add<scripted>("child", std::move(options), std::ref(log),
                       std::move(what));
  return result;
}

} // namespace

TEST_CASE("entering the scope starts the tree, leaving it shuts it down") {
  journal log;
  testing_system sys;
  troupe::worker_handle child;
  {
    scoped_supervisor tree{sys, tree_of(log, {})};
    CHECK(tree.ref().state() == worker_state::running);
    child = tree->child("child");
    CHECK(child.state() == worker_state::running);
  }
  CHECK(child.state() == worker_state::stopped);
  CHECK(log.has("on_shutdown"));
}

TEST_CASE("with real threads as well") {
  journal log;
  support::real_system sys;
  {
    scoped_supervisor tree{sys, tree_of(log, {})};
  }
  CHECK(log.has("on_shutdown"));
}

TEST_CASE("a tree that does not start is a start_error with its cause") {
  journal log;
  testing_system sys;
  script what;
  what.on_startup = support::throwing(std::runtime_error{"no luck"});
  std::optional<troupe::start_error> caught;
  try {
    scoped_supervisor tree{sys, tree_of(log, what)};
  } catch (const troupe::start_error& x) {
    caught = x;
  }
  REQUIRE(caught);
  CHECK(caught->cause() == errc::start_failed);
  CHECK_THAT(caught->what(), ContainsSubstring("no luck"));
}

TEST_CASE("a wrong spec is refused, naming what is wrong") {
  testing_system sys;
  CHECK_THROWS_AS(scoped_supervisor(sys, supervisor_spec{}),
                  std::invalid_argument);
}

TEST_CASE("an exception in the scope shuts the tree down and goes on") {
  journal log;
  testing_system sys;
  auto enter_and_throw = [&] {
    scoped_supervisor tree{sys, tree_of(log, {})};
    throw oddity{};
  };
  CHECK_THROWS_AS(enter_and_throw(), oddity);
  CHECK(log.has("on_shutdown"));
}

TEST_CASE("shutdown returns the outcome, any number of times") {
  journal log;
  testing_system sys;
  script what;
  SECTION("of a clean end") {
    scoped_supervisor tree{sys, tree_of(log, what)};
    CHECK(tree.shutdown().ok());
    CHECK(tree.shutdown().ok());
  }
  SECTION("of a tree that has given up before") {
    what.run = support::throwing(std::runtime_error{"broken"});
    scoped_supervisor tree{sys, tree_of(log, what)};
    tree->wait_for_shutdown();
    auto how = tree.shutdown();
    CHECK(how.kind() == outcome_kind::failed);
    CHECK(how.reason() == errc::max_restarts_exceeded);
  }
}

TEST_CASE("shutdown within a deadline returns who was in the way") {
  journal log;
  testing_system sys;
  script what;
  what.run = support::stubborn();
  scoped_supervisor tree{
    sys, tree_of(log, what,
                 {.worker = {.stopping_grace_period = troupe::infinite}})};
  auto begin = sys.now();
  auto report = tree.shutdown(8s);
  CHECK(sys.now() - begin <= 8s);
  REQUIRE(report.size() == 1);
  CHECK(report[0].path == "/tree/child");
}

TEST_CASE("shutdown where it cannot wait is an exception, and stops nobody") {
  journal log;
  journal other;
  testing_system sys;
  scoped_supervisor tree{sys, tree_of(log, {})};
  std::string text;
  script what;
  what.run = [&](scripted&) -> troupe::task<> {
    try {
      tree.shutdown();
    } catch (const std::runtime_error& x) {
      text = x.what();
    }
    co_return;
  };
  auto worker = support::spawn(sys, other, {}, what);
  worker.startup();
  worker.wait_for_shutdown();
  CHECK_THAT(text, ContainsSubstring("would block"));
  CHECK(tree.ref().state() == worker_state::running);
}

TEST_CASE("a wait that cannot end: the destructor forces, and does not throw") {
  journal log;
  testing_system sys;
  script what;
  what.run = [](scripted&) -> troupe::task<> {
    troupe::event nothing;
    co_await nothing;
  };
  troupe::worker_handle child;
  {
    scoped_supervisor tree{
      sys, tree_of(log, what,
                   {.worker = {.stopping_grace_period = troupe::infinite}})};
    child = tree->child("child");
  }
  sys.run();
  CHECK(child.state() == worker_state::force_stopped);
}

// -- hooks of a supervisor ------------------------------------------------------

namespace {

void kill(const troupe::worker_handle& who) {
  const auto actor = who.actor();
  support::tell(actor, caf::exit_msg{actor.address(), caf::exit_reason::kill});
}

/// A coroutine that notes its name, and waits if it is to.
std::function<troupe::task<>()> noting(journal& log, std::string what,
                                       troupe::event* until = nullptr) {
  return [&log, what = std::move(what), until]() -> troupe::task<> {
    const support::farewell gone{log, what + " gone"};
    log.note(what);
    if (until != nullptr) {
      co_await *until;
      log.note(what + " done");
    }
  };
}

} // namespace

TEST_CASE("S34 S35 hooks of a tree come from below, and go the other way") {
  journal log;
  testing_system sys;
  supervisor_spec inner{.name = "inner",
                        .on_ready = noting(log, "inner ready"),
                        .on_stopped = noting(log, "inner stopped")};
  inner.add<scripted>("child", {}, std::ref(log), script{});
  supervisor_spec outer{.name = "outer",
                        .on_ready = noting(log, "outer ready"),
                        .on_stopped = noting(log, "outer stopped")};
  outer.add(inner);
  {
    scoped_supervisor tree{sys, outer};
    CHECK(log.lines()
          == support::lines{"on_startup", "run", "inner ready",
                            "inner ready gone", "outer ready",
                            "outer ready gone"});
    CHECK(tree.shutdown().ok());
  }
  auto lines = log.lines();
  lines.erase(lines.begin(), lines.begin() + 6);
  std::erase(lines, "destroyed");
  CHECK(lines
        == support::lines{"on_shutdown", "after_shutdown", "inner stopped",
                          "inner stopped gone", "outer stopped",
                          "outer stopped gone"});
}

TEST_CASE("S34 a supervisor is ready when its on_ready has ended") {
  journal log;
  testing_system sys;
  troupe::event go_on;
  auto spec = tree_of(log, {});
  spec.on_ready = noting(log, "hook", &go_on);
  auto tree = troupe::spawn(sys, spec);
  tree.start();
  sys.advance(1h);
  CHECK(tree.phase() == troupe::worker_phase::starting);
  CHECK(tree.child("child").phase() == troupe::worker_phase::ready);
  // Meanwhile it looks after its children, and takes calls.
  CHECK(tree.restart_child("child").get());
  go_on.set();
  sys.run();
  CHECK(tree.phase() == troupe::worker_phase::ready);
  CHECK(log.count("hook") == 1);
  CHECK(tree.shutdown()->ok());
}

TEST_CASE("S34 an on_ready that throws is a failed start") {
  journal log;
  testing_system sys;
  auto spec = tree_of(log, {});
  spec.on_ready = []() -> troupe::task<> {
    throw std::runtime_error{"no luck"};
    co_return;
  };
  spec.on_stopped = noting(log, "stopped");
  try {
    scoped_supervisor tree{sys, spec};
    FAIL("it has started");
  } catch (const troupe::start_error& e) {
    CHECK_THAT(e.what(),
               ContainsSubstring("worker \"tree\" (/tree) failed to start: "
                                 "its on_ready: no luck"));
    CHECK(e.cause() == errc::start_failed);
  }
  CHECK(log.count("on_shutdown") == 1);
  CHECK(log.count("stopped gone") == 1);
}

TEST_CASE("S34 S35 each life of a supervisor has both hooks") {
  journal log;
  testing_system sys;
  int lives = 0;
  auto inner = tree_of(log, {});
  inner.name = "inner";
  inner.on_ready = [&]() -> troupe::task<> {
    if (++lives == 2)
      throw std::runtime_error{"not the second time"};
    co_return;
  };
  inner.on_stopped = noting(log, "stopped");
  supervisor_spec outer{.name = "outer"};
  outer.add(inner);
  scoped_supervisor tree{sys, outer};
  CHECK(tree.ref().restart_child("inner").get());
  CHECK(lives == 3); // the second one counts as a failed restart
  CHECK(log.count("stopped") == 2);
  CHECK(tree.shutdown().ok());
  CHECK(log.count("stopped") == 3);
}

TEST_CASE("S34 a stop, or the end of its time, destroys an on_ready") {
  journal log;
  testing_system sys;
  troupe::event never;
  auto spec = tree_of(log, {});
  spec.on_ready = noting(log, "hook", &never);
  spec.on_stopped = noting(log, "stopped");
  SECTION("a stop") {
    auto tree = troupe::spawn(sys, spec);
    tree.start();
    sys.run();
    CHECK(tree.shutdown()->ok());
  }
  SECTION("a child that gives up") {
    auto tree = troupe::spawn(sys, spec);
    tree.start();
    sys.run();
    for (int i = 0; i < 4; ++i) {
      kill(tree.child("child"));
      sys.run();
    }
    CHECK(tree.outcome()->reason() == errc::max_restarts_exceeded);
  }
  SECTION("the end of its time") {
    supervisor_spec outer{.name = "outer"};
    outer.add(spec, {.worker = {.start_timeout = 5s}});
    CHECK_THROWS_AS(scoped_supervisor(sys, outer), troupe::start_error);
  }
  CHECK(log.count("hook") == 1);
  CHECK(log.count("hook gone") == 1);
  CHECK(log.count("hook done") == 0);
}

TEST_CASE("S35 an on_stopped that throws makes the stop a failed one") {
  journal log;
  testing_system sys;
  auto spec = tree_of(log, {});
  spec.on_stopped = []() -> troupe::task<> {
    throw std::runtime_error{"it hangs on the wall"};
    co_return;
  };
  scoped_supervisor tree{sys, spec};
  const auto how = tree.shutdown();
  CHECK(how.kind() == outcome_kind::failed);
  CHECK_THAT(troupe::text_of(how.reason()),
             ContainsSubstring("it hangs on the wall"));
}

TEST_CASE("S35 the deadline of a stop bounds an on_stopped") {
  journal log;
  testing_system sys;
  troupe::event never;
  auto spec = tree_of(log, {});
  spec.on_stopped = noting(log, "stopped", &never);
  scoped_supervisor tree{sys, spec};
  const auto begin = sys.now();
  const auto late = tree.shutdown(4s);
  CHECK(sys.now() - begin <= 4s);
  REQUIRE(late.size() == 1);
  CHECK(late[0].path == "/tree");
  CHECK(log.has("stopped gone"));
  CHECK_FALSE(log.has("stopped done"));
}

TEST_CASE("S35 a forced supervisor calls on_stopped, a killed one does not") {
  journal log;
  testing_system sys;
  auto spec = tree_of(log, {});
  spec.on_stopped = noting(log, "stopped");
  scoped_supervisor tree{sys, spec};
  SECTION("forced") {
    tree.ref().force_stop();
    sys.run();
    CHECK(log.count("stopped") == 1);
  }
  SECTION("killed") {
    kill(tree.ref());
    CHECK(tree.ref().wait_for_shutdown()->kind() == outcome_kind::cancelled);
    CHECK_FALSE(log.has("stopped"));
  }
}

TEST_CASE("S13 a significant child that is stopped on purpose ends the tree") {
  journal log;
  testing_system sys;
  auto spec = tree_of(log, {}, {.significant = true});
  spec.auto_shutdown = troupe::auto_shutdown::any_significant_over;
  scoped_supervisor tree{sys, spec};
  CHECK(tree.ref().restart_child("child").get());
  sys.run();
  CHECK(tree.ref().state() == worker_state::running);
  CHECK(tree.child("child").shutdown()->ok());
  CHECK(tree.ref().wait_for_shutdown()->ok());
}
