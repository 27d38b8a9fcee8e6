// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/scoped_supervisor.hpp"

#include "support/real_system.hpp"
#include "support/scripted.hpp"
#include "troupe/event.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <optional>
#include <stdexcept>
#include <string>

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
