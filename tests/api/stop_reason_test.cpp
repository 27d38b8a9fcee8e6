// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Why a worker was told to stop, for those who learn of the stop.

#include "support/log_file.hpp"
#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"
#include "troupe/config.hpp"
#include "troupe/event_log.hpp"
#include "troupe/run.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/testing.hpp"

#include <caf/exit_reason.hpp>
#include <caf/system_messages.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <csignal>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::journal;
using support::script;
using support::scripted;
using troupe::event_kind;
using troupe::event_log;
using troupe::supervisor_spec;
using testing_system = troupe::testing::system;

namespace {

supervisor_spec tree_of(journal& log, script what = {}) {
  supervisor_spec result{.name = "tree"};
  result.add<scripted>("child", {}, std::ref(log), std::move(what));
  return result;
}

caf::error because(const char* why) {
  return caf::make_error(caf::exit_reason::user_shutdown, std::string{why});
}

/// The reasons of the stops of one worker.
support::lines reasons_of(const event_log& log, const std::string& path) {
  support::lines result;
  for (const auto& x : log.events())
    if (x.kind == event_kind::stopping && x.path == path)
      result.push_back(troupe::text_of(x.reason));
  return result;
}

} // namespace

TEST_CASE("S19 S28 the event of a stop has the reason of terminate_child") {
  journal log;
  testing_system sys;
  auto tree = troupe::spawn(sys, tree_of(log));
  event_log events{tree};
  REQUIRE_FALSE(tree.startup());
  REQUIRE(tree.terminate_child("child", because("for repair")).get());
  CHECK(reasons_of(events, "/tree/child") == support::lines{"for repair"});
  // The reason of one life is not that of the next one.
  REQUIRE(tree.restart_child("child").get());
  REQUIRE(tree.terminate_child("child").get());
  CHECK(reasons_of(events, "/tree/child") == support::lines{"for repair", ""});
  REQUIRE(tree.restart_child("child").get());
  tree.shutdown();
  CHECK(reasons_of(events, "/tree/child")
        == support::lines{"for repair", "", ""});
  CHECK(reasons_of(events, "/tree") == support::lines{""});
}

TEST_CASE("S19 S28 of several reasons to stop the first one is told") {
  journal log;
  testing_system sys;
  script what;
  what.run = [](scripted& self) -> troupe::task<> {
    co_await self.stop_requested();
    std::ignore = co_await self.sleep_for(1s);
  };
  auto tree = troupe::spawn(sys, tree_of(log, what));
  event_log events{tree};
  REQUIRE_FALSE(tree.startup());
  auto first = tree.terminate_child("child", because("first"));
  auto second = tree.terminate_child("child", because("second"));
  REQUIRE(first.get());
  REQUIRE(second.get());
  // It is stopped, so this one concerns nobody.
  REQUIRE(tree.terminate_child("child", because("late")).get());
  REQUIRE(tree.restart_child("child").get());
  tree.shutdown();
  CHECK(reasons_of(events, "/tree/child") == support::lines{"first", ""});
}

TEST_CASE("S19 the reason to stop a child that backs off goes with that stop") {
  journal log;
  testing_system sys;
  script what;
  what.run
    = [lives = std::make_shared<int>(0)](scripted& self) -> troupe::task<> {
    if (++*lives == 1)
      throw std::runtime_error{"broken"};
    co_await self.stop_requested();
  };
  supervisor_spec spec{.name = "tree"};
  spec.add<scripted>("child", {.backoff = {.initial = 1h, .max = 1h}},
                     std::ref(log), std::move(what));
  auto tree = troupe::spawn(sys, spec);
  event_log events{tree};
  REQUIRE_FALSE(tree.startup());
  REQUIRE(events.wait_for(event_kind::backing_off, "/tree/child"));
  REQUIRE(tree.terminate_child("child", because("for good")).get());
  REQUIRE(tree.restart_child("child").get());
  tree.shutdown();
  CHECK(reasons_of(events, "/tree/child") == support::lines{""});
}

TEST_CASE("L27 the log has the reason of a stop") {
  support::log_file file;
  {
    journal log;
    troupe::config config;
    file.attach_to(config);
    testing_system sys{config};
    auto tree = troupe::spawn(sys, tree_of(log));
    REQUIRE_FALSE(tree.startup());
    REQUIRE(tree.terminate_child("child", because("a\nb")).get());
    tree.shutdown();
  }
  const auto found = file.lines("/tree/child [1] stopping");
  REQUIRE(found.size() == 1);
  CHECK_THAT(found[0], ContainsSubstring("stopping: a\\x0ab"));
}

TEST_CASE("L23 S28 the event of a stop has the reason of an exit_msg") {
  journal log;
  testing_system sys;
  auto who = troupe::spawn<scripted>(sys, {.name = "lone"}, log, script{});
  event_log events{sys};
  REQUIRE_FALSE(who.startup());
  support::tell(who.actor(), caf::exit_msg{{}, because("its partner went")});
  who.wait_for_shutdown();
  CHECK(reasons_of(events, "/lone") == support::lines{"its partner went"});
}

TEST_CASE("S28 the event of a stop says that a signal came") {
  journal log;
  support::real_system sys;
  event_log events{sys};
  troupe::run_options options;
  options.on_ready = [](const auto&) { ::raise(SIGTERM); };
  CHECK(troupe::run(sys, tree_of(log), options) == 0);
  CHECK(reasons_of(events, "/tree") == support::lines{"a signal came"});
  CHECK(reasons_of(events, "/tree/child") == support::lines{""});
}
