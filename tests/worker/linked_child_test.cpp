// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Linked children and the ends of their parents. What `co_await start<W>()`
// itself gives: start_test.cpp.

#include "troupe/detail/access.hpp"
#include "troupe/detail/start.hpp"

#include "support/real_system.hpp"
#include "support/scripted.hpp"

#include "troupe/event_log.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/testing.hpp"
#include "worker/worker_core.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <latch>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::journal;
using support::lines;
using support::script;
using support::scripted;
using troupe::errc;
using troupe::outcome_kind;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

/// Starts a child with that script and gives its handle to `to`.
troupe::task<> adopt(scripted& parent, journal& log, script what,
                     troupe::worker_options options,
                     support::scripted_ref& to) {
  auto starting = parent.start<scripted>(std::move(options), log,
                                         std::move(what));
  auto child = co_await std::move(starting);
  if (child)
    to = *child;
}

/// Where `what` stands in `log`, or -1.
std::ptrdiff_t place(const journal& log, const std::string& what) {
  auto all = log.lines();
  auto i = std::find(all.begin(), all.end(), what);
  return i == all.end() ? -1 : i - all.begin();
}

/// Notes down the end of its worker in a journal that it shares.
script child_script(journal& shared) {
  script result;
  result.on_shutdown = [&shared](scripted& self) -> troupe::task<> {
    static_cast<void>(co_await self.sleep_for(500ms));
    shared.note("child cleaned up");
  };
  result.after_shutdown = [&shared](scripted&, const troupe::outcome& how) {
    shared.note("child ended: " + to_string(how.kind()));
  };
  return result;
}

} // namespace

TEST_CASE("L29 however a parent ends, its child is stopped, and joined before "
          "on_shutdown") {
  enum class end { by_itself, by_failure, by_stop, by_force };
  auto how = GENERATE(end::by_itself, end::by_failure, end::by_stop,
                      end::by_force);
  CAPTURE(static_cast<int>(how));
  journal log;
  journal child_log;
  testing_system sys;
  support::scripted_ref child;
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    auto started = adopt(self, child_log, child_script(log), {}, child);
    co_await std::move(started);
    if (how == end::by_failure)
      throw 42;
    if (how != end::by_itself)
      for (;;)
        if (!co_await self.sleep_for(1h) && how == end::by_stop)
          co_return;
  };
  auto parent = support::spawn(sys, log, {.name = "parent"}, what);
  parent.startup();
  if (how == end::by_stop || how == end::by_force)
    parent.gracefully_stop();
  auto begin = sys.now();
  REQUIRE(parent.wait_for_shutdown());
  REQUIRE(child.outcome());
  CHECK(child.path() == "/parent/scripted");
  CHECK(place(log, "child ended: " + to_string(child.outcome()->kind())) >= 0);
  CHECK(place(log, "child ended: " + to_string(child.outcome()->kind()))
        < place(log, "on_shutdown"));
  CHECK(place(log, "child cleaned up") >= 0);
  CHECK(child_log.count("after_shutdown") == 1);
  if (how == end::by_force)
    CHECK(child.outcome()->kind() == outcome_kind::forced);
  else
    CHECK(child.outcome()->ok());
  CHECK(sys.now() - begin <= 12s);
}

TEST_CASE("L29 the child of a parent that is killed is forced before it ends") {
  journal log;
  journal child_log;
  testing_system sys;
  support::scripted_ref child;
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    auto started = adopt(self, child_log, child_script(log), {}, child);
    co_await std::move(started);
    co_await self.stop_requested();
  };
  auto parent = support::spawn(sys, log, {}, what);
  parent.startup();
  sys.run();
  caf::anon_send_exit(parent.actor(), caf::exit_reason::kill);
  CHECK(parent.wait_for_shutdown()->kind() == outcome_kind::cancelled);
  REQUIRE(child.outcome());
  CHECK(child.outcome()->kind() == outcome_kind::forced);
  CHECK(log.has("child cleaned up"));
}

TEST_CASE("L29 many children share the one deadline of their parent") {
  constexpr int count = 20;
  journal log;
  journal child_log;
  testing_system sys;
  std::vector<support::scripted_ref> children(count);
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    for (auto& child : children) {
      script mule;
      mule.run = support::stubborn();
      troupe::worker_options options;
      options.stopping_grace_period = 1h;
      auto started = adopt(self, child_log, mule, options, child);
      co_await std::move(started);
    }
    co_await self.stop_requested();
  };
  auto parent = support::spawn(sys, log, {}, what);
  parent.startup();
  sys.run();
  auto begin = sys.now();
  CHECK(parent.shutdown()->ok());
  CHECK(sys.now() - begin == 10s);
  for (auto& child : children)
    CHECK(child.outcome()->kind() == outcome_kind::forced);
  CHECK(log.count("on_shutdown") == 1);
}

TEST_CASE("L29 a child that fails in the parent's on_startup fails the start") {
  journal log;
  journal child_log;
  testing_system sys;
  support::scripted_ref child;
  script fails;
  fails.run = [](scripted& self) -> troupe::task<> {
    static_cast<void>(co_await self.sleep_for(1s));
    throw std::runtime_error("boom");
  };
  script what;
  what.on_startup = [&](scripted& self) -> troupe::task<> {
    auto started = adopt(self, child_log, fails, {}, child);
    co_await std::move(started);
    static_cast<void>(co_await self.sleep_for(1h));
  };
  auto parent = support::spawn(sys, log, {}, what);
  auto begin = sys.now();
  caf::error err = parent.startup();
  CHECK(sys.now() - begin == 1s);
  CHECK(err == errc::child_failed);
  CHECK_THAT(troupe::text_of(err), ContainsSubstring("boom"));
  CHECK(parent.wait_for_shutdown()->kind() == outcome_kind::failed);
  CHECK(log.lines() == lines{"on_startup", "after_shutdown"});
}

TEST_CASE("L29 a child that is forced, or ends by itself, does not fail its "
          "parent") {
  journal log;
  journal child_log;
  testing_system sys;
  support::scripted_ref child;
  script ends;
  auto force = false;
  SECTION("forced") {
    force = true;
    ends.run = support::stubborn();
  }
  SECTION("by itself") {
    ends.run = support::sleeping(1s);
  }
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    auto started = adopt(self, child_log, ends, {}, child);
    co_await std::move(started);
    co_await self.stop_requested();
  };
  auto parent = support::spawn(sys, log, {}, what);
  parent.startup();
  sys.run();
  if (force)
    child.force_stop();
  sys.advance(1h);
  CHECK(is_final(child.state()));
  CHECK(parent.state() == worker_state::running);
  CHECK(parent.shutdown()->ok());
}

TEST_CASE(
  "L29 a child that does not return keeps its parent no longer than the "
  "force period") {
  journal log;
  journal child_log;
  std::binary_semaphore sits{0};
  std::binary_semaphore go_on{0};
  support::real_system sys;
  support::scripted_ref child;
  script stuck;
  stuck.run = [&](scripted&) -> troupe::task<> {
    sits.release();
    go_on.acquire();
    co_return;
  };
  troupe::worker_options impatient{.stopping_grace_period = 10ms,
                                   .force_period = 10ms};
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    auto started = adopt(self, child_log, stuck, impatient, child);
    co_await std::move(started);
    co_await self.stop_requested();
  };
  auto parent = support::spawn(sys, log, {}, what);
  parent.startup();
  sits.acquire();
  CHECK(parent.shutdown()->ok());
  CHECK(child.outcome()->abandoned());
  CHECK(log.count("on_shutdown") == 1);
  CHECK_FALSE(child_log.has("after_shutdown"));
  go_on.release();
}

TEST_CASE("L29 the child of an abandoned parent is stopped") {
  journal log;
  journal child_log;
  std::binary_semaphore sits{0};
  std::binary_semaphore go_on{0};
  support::real_system sys;
  support::scripted_ref child;
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    auto started = adopt(self, child_log, {}, {}, child);
    co_await std::move(started);
    sits.release();
    go_on.acquire();
  };
  auto parent = support::spawn(
    sys, log, {.stopping_grace_period = 10ms, .force_period = 10ms}, what);
  parent.startup();
  sits.acquire();
  CHECK(parent.shutdown()->abandoned());
  // The deadline that they share is over, so it may have been forced.
  auto how = child.wait_for_shutdown();
  REQUIRE(how);
  CHECK_FALSE(how->abandoned());
  CHECK(child_log.count("on_shutdown") == 1);
  go_on.release();
}

TEST_CASE(
  "L18 a stop while children are joined leaves on_shutdown its time, and "
  "no more") {
  journal log;
  journal child_log;
  testing_system sys;
  support::scripted_ref child;
  script slow;
  slow.on_shutdown = support::sleeping(3s);
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    auto started = adopt(self, child_log, slow, {}, child);
    co_await std::move(started);
  };
  what.on_shutdown = support::stubborn();
  auto parent = support::spawn(sys, log, {}, what);
  parent.startup();
  sys.advance(1s); // run() is over, the child goes
  parent.gracefully_stop();
  auto begin = sys.now();
  REQUIRE(parent.wait_for_shutdown(1h));
  CHECK(parent.outcome()->kind() == outcome_kind::forced);
  CHECK(sys.now() - begin <= 10s);
}

TEST_CASE("L19 a child that was never started goes without a word") {
  // Made, and not awaited, when its parent is forced.
  journal log;
  journal child_log;
  testing_system sys;
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    auto never = self.start<scripted>({}, child_log, script{});
    co_await self.stop_requested();
    for (;;)
      static_cast<void>(co_await self.sleep_for(1h));
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  ref.force_stop();
  REQUIRE(ref.wait_for_shutdown());
  ref = {};
  sys.run();
  CHECK(child_log.lines() == lines{"destroyed"});
}

TEST_CASE("L29 no child begins below a worker that is forced") {
  journal scripts;
  testing_system sys;
  troupe::event_log log{sys};
  support::scripted_ref top;
  // Each one starts another; the tenth ends them all and goes on with that.
  std::function<script(int)> level = [&](int depth) {
    script what;
    what.run = [&, depth](scripted& self) -> troupe::task<> {
      if (depth == 10)
        top.force_stop();
      auto starting = self.start<scripted>({.name = std::to_string(depth)},
                                           scripts, level(depth + 1));
      auto child = co_await std::move(starting);
      co_await self.stop_requested();
    };
    return what;
  };
  top = support::spawn(sys, scripts, {.name = "0"}, level(1));
  top.startup();
  auto how = top.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  auto all = log.events();
  CHECK(std::count_if(all.begin(), all.end(),
                      [](const auto& x) {
                        return x.kind == troupe::event_kind::started;
                      })
        == 10);
}

TEST_CASE(
  "L29 a family that grows while it is forced is over with its parent") {
  // They hand on a counter to their children; it counts those that live.
  class nested : public troupe::worker {
  public:
    nested(std::atomic<int>& living, std::latch& deep, int depth)
      : living_(living), deep_(deep), depth_(depth) {
      // nop
    }

    troupe::task<> on_startup() override {
      began_ = true;
      ++living_;
      co_return;
    }

    troupe::task<> run() override {
      if (depth_ == 100)
        deep_.count_down();
      if (depth_ == 3'000)
        co_return;
      auto starting = start<nested>({.name = "n"}, std::ref(living_),
                                    std::ref(deep_), depth_ + 1);
      auto child = co_await std::move(starting);
      co_await stop_requested();
    }

    void after_shutdown(const troupe::outcome&) override {
      if (began_) // A force may have been quicker.
        --living_;
    }

  private:
    std::atomic<int>& living_;
    std::latch& deep_;
    const int depth_;
    bool began_ = false;
  };
  std::atomic<int> living = 0;
  std::latch deep{1};
  support::real_system sys;
  auto top = troupe::spawn<nested>(sys, {.force_period = troupe::infinite},
                                   std::ref(living), std::ref(deep), 0);
  top.start();
  deep.wait();
  top.force_stop();
  CHECK(top.wait_for_shutdown()->kind() == outcome_kind::forced);
  CHECK(living == 0);
}

TEST_CASE("L18 on_shutdown may start a child after a force as well") {
  journal log;
  journal child_log;
  testing_system sys;
  support::scripted_ref child;
  script what;
  what.run = support::stubborn();
  what.on_shutdown = [&](scripted& self) -> troupe::task<> {
    auto started = adopt(self, child_log, {}, {}, child);
    co_await std::move(started);
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  ref.force_stop();
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::forced);
  CHECK(child_log.has("run"));
  REQUIRE(child);
  CHECK(child.outcome());
}

namespace {

/// Takes its time to go, unless it is forced.
script slow_to_go() {
  script what;
  what.run = [](scripted& self) -> troupe::task<> {
    support::farewell gone{self.log(), "child gone"};
    co_await self.stop_requested();
    static_cast<void>(co_await self.sleep_for(5s));
    static_cast<void>(co_await self.sleep_for(5s));
  };
  return what;
}

/// A tree of one worker, which starts a child in each of its lives.
troupe::supervisor_ref spawn_tree(caf::actor_system& sys, journal& log,
                                  const script& parent) {
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<scripted>("parent", {}, std::ref(log), parent);
  return troupe::spawn(sys, spec);
}

/// A parent that starts a child which takes a while to end.
script with_slow_child(journal& seen) {
  script what;
  what.run = [&seen](scripted& self) -> troupe::task<> {
    seen.note("parent runs");
    auto starting = self.start<scripted>({.name = "child"}, seen, slow_to_go());
    auto child = co_await std::move(starting);
    co_await self.stop_requested();
  };
  return what;
}

/// The child of one life is over before the next life begins.
const lines one_after_another{"parent runs", "on_startup",  "run",
                              "child gone",  "on_shutdown", "after_shutdown",
                              "destroyed",   "parent runs", "on_startup",
                              "run"};

} // namespace

TEST_CASE("L29 a kill joins linked children before the next life") {
  journal log;
  journal seen;
  testing_system sys;
  auto tree = spawn_tree(sys, log, with_slow_child(seen));
  CHECK_FALSE(tree.startup());
  sys.run();
  auto parent = tree.child("parent");
  caf::anon_send_exit(parent.actor(), caf::exit_reason::kill);
  sys.run();
  CHECK(parent.incarnation() == 2);
  CHECK(seen.lines() == one_after_another);
  tree.force_stop();
  CHECK(tree.wait_for_shutdown());
}

TEST_CASE("L29 so does a kill that comes between two steps of a force") {
  journal log;
  journal seen;
  testing_system sys;
  auto tree = spawn_tree(sys, log, with_slow_child(seen));
  CHECK_FALSE(tree.startup());
  sys.run();
  auto parent = tree.child("parent");
  auto& core = *troupe::detail::access::core_of(parent);
  core.force();
  core.kill(caf::make_error(caf::exit_reason::kill));
  // Its actor has looked before the kill, and says so after it.
  core.feed(troupe::rules::event::destroyed);
  REQUIRE(core.stage() == troupe::rules::stage::killing);
  sys.run();
  CHECK(parent.incarnation() == 2);
  CHECK(seen.lines() == one_after_another);
  tree.force_stop();
  CHECK(tree.wait_for_shutdown());
}

TEST_CASE("L29 so does a clean-up that takes too long") {
  journal log;
  journal seen;
  testing_system sys;
  script what;
  what.run = [&](scripted&) -> troupe::task<> {
    seen.note("parent runs");
    throw std::runtime_error{"boom"};
    co_return;
  };
  what.on_shutdown = [&](scripted& self) -> troupe::task<> {
    auto starting = self.start<scripted>({.name = "child"}, seen, slow_to_go());
    auto child = co_await std::move(starting);
    for (;;)
      static_cast<void>(co_await self.sleep_for(1h));
  };
  auto tree = spawn_tree(sys, log, what);
  tree.start();
  sys.run();
  auto parent = tree.child("parent");
  REQUIRE(parent.incarnation() == 1);
  // The grace period of a clean-up, in which the child was not asked to stop.
  while (parent.incarnation() == 1)
    sys.advance(1s);
  CHECK(seen.lines() == one_after_another);
  tree.force_stop();
  CHECK(tree.wait_for_shutdown());
}
