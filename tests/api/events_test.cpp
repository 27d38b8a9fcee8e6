// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The stream of what happens to workers, and those who listen to it.

#include "troupe/events.hpp"

#include "support/part.hpp"
#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"
#include "support/stuck.hpp"
#include "support/trap.hpp"
#include "troupe/event_log.hpp"
#include "troupe/spawn.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/testing.hpp"

#include "system/runtime.hpp"
#include "system/stream.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::failing_after;
using support::journal;
using support::lines;
using support::part;
using support::unstoppable;
using troupe::errc;
using troupe::event_kind;
using troupe::event_log;
using troupe::lifecycle_event;
using troupe::supervisor_spec;
using testing_system = troupe::testing::system;

namespace {

/// What happened, as `path [life] kind`.
lines told(const event_log& log) {
  lines result;
  for (auto& x : log.events())
    result.push_back(x.path + " [" + std::to_string(x.incarnation) + "] "
                     + to_string(x.kind));
  return result;
}

/// What happened to one of them, as its kinds.
lines told_of(const event_log& log, const std::string& path) {
  lines result;
  for (auto& x : log.events())
    if (x.path == path)
      result.push_back(to_string(x.kind));
  return result;
}

/// Calls a function for each event, where and when it is published: before
/// anybody else can act on it.
class eavesdropper final
  : public troupe::detail::stream<lifecycle_event>::sink {
public:
  explicit eavesdropper(std::function<void(const lifecycle_event&)> f)
    : f_(std::move(f)) {
    // nop
  }

  [[nodiscard]] bool wants(const lifecycle_event&) const noexcept override {
    return true;
  }

  void put(const std::shared_ptr<const lifecycle_event>& x) noexcept override {
    f_(*x);
  }

  void end(bool) noexcept override {
    leave();
  }

  [[nodiscard]] std::uint64_t missed() const noexcept override {
    return 0;
  }

private:
  std::function<void(const lifecycle_event&)> f_;
};

lifecycle_event last_of(const event_log& log, event_kind kind) {
  auto found = lifecycle_event{};
  found.path = "nobody";
  for (auto& x : log.events())
    if (x.kind == kind)
      found = x;
  return found;
}

} // namespace

TEST_CASE("S28 the life of a worker without a tree is told as well") {
  journal log;
  testing_system sys;
  auto ref = troupe::spawn<part>(sys, {.name = "a"}, std::ref(log));
  event_log events{sys};
  CHECK(events.events().empty());
  ref.startup();
  sys.advance(3s);
  ref.shutdown();
  CHECK(told(events)
        == lines{"/a [1] started", "/a [1] ready", "/a [1] stopping",
                 "/a [1] stopped"});
  CHECK(last_of(events, event_kind::stopped).span == 3s);
  CHECK_FALSE(last_of(events, event_kind::stopped).reason);
  CHECK(last_of(events, event_kind::stopped).at == sys.now());
}

TEST_CASE("S28 a tree tells of starts, failures, restarts and its stop") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log), failing_after(10s));
  spec.add<part>("b", {}, std::ref(log));
  auto tree = troupe::spawn(sys, spec);
  event_log events{tree};
  tree.startup();
  sys.advance(11s);
  tree.shutdown();
  CHECK(told_of(events, "/tree")
        == lines{"started", "ready", "stopping", "stopped"});
  CHECK(told_of(events, "/tree/a")
        == lines{"started", "ready", "failed", "restarted", "ready", "stopping",
                 "stopped"});
  CHECK(told_of(events, "/tree/b")
        == lines{"started", "ready", "stopping", "stopped"});
  auto crash = last_of(events, event_kind::failed);
  CHECK(crash.path == "/tree/a");
  CHECK(crash.incarnation == 1);
  CHECK(crash.span == 10s);
  CHECK_THAT(troupe::text_of(crash.reason), ContainsSubstring("a broke"));
  CHECK(last_of(events, event_kind::restarted).incarnation == 2);
}

TEST_CASE("S28 S11 a backoff tells how long it is") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a",
                 {.backoff = {.initial = 10s, .factor = 2.0, .jitter = 0.0}},
                 std::ref(log), failing_after(1s));
  auto tree = troupe::spawn(sys, spec);
  event_log events{tree};
  tree.startup();
  sys.advance(12s);
  auto first = last_of(events, event_kind::backing_off);
  CHECK(first.path == "/tree/a");
  CHECK(first.span == 20s); // the second one: the first was over after 11 s
  CHECK(first.incarnation == 2);
  CHECK_THAT(to_string(first), ContainsSubstring("backing_off for 20s"));
  CHECK_THAT(to_string(first), ContainsSubstring("a broke"));
  CHECK(told_of(events, "/tree/a")
        == lines{"started", "ready", "failed", "backing_off", "restarted",
                 "ready", "failed", "backing_off"});
  tree.shutdown();
}

TEST_CASE("S28 S11 in a group restart those that wait are told of") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree",
                       .strategy = troupe::strategy::one_for_all};
  spec.add<part>("a", {}, std::ref(log));
  spec.add<part>("b", {.backoff = {.initial = 10s, .jitter = 0.0}},
                 std::ref(log), failing_after(1s));
  auto tree = troupe::spawn(sys, spec);
  event_log events{tree};
  tree.startup();
  sys.advance(2s);
  auto waits = last_of(events, event_kind::backing_off);
  CHECK(waits.path == "/tree/b");
  CHECK(waits.span == 10s);
  CHECK(told_of(events, "/tree/a")
        == lines{"started", "ready", "stopping", "stopped"});
  tree.shutdown();
}

TEST_CASE("S28 S5 who gives up says so, and why") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree", .intensity = {.max_restarts = 0}};
  spec.add<part>("a", {}, std::ref(log), failing_after(1s));
  auto tree = troupe::spawn(sys, spec);
  event_log events{tree};
  tree.startup();
  tree.wait_for_shutdown();
  auto end = last_of(events, event_kind::gave_up);
  CHECK(end.path == "/tree");
  CHECK(end.reason == errc::max_restarts_exceeded);
  CHECK_THAT(troupe::text_of(end.reason), ContainsSubstring("a broke"));
  CHECK(told_of(events, "/tree")
        == lines{"started", "ready", "gave_up", "stopping", "failed"});
}

TEST_CASE("S28 S12 a child that is left stopped has given up") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a",
                 {.give_up_after = {.failures = 1, .within = 1min},
                  .on_give_up = troupe::on_give_up::leave_stopped},
                 std::ref(log), failing_after(1s));
  auto tree = troupe::spawn(sys, spec);
  event_log events{tree};
  tree.startup();
  sys.advance(10s);
  CHECK(told_of(events, "/tree/a")
        == lines{"started", "ready", "failed", "restarted", "ready", "failed",
                 "gave_up"});
  CHECK_THAT(troupe::text_of(last_of(events, event_kind::gave_up).reason),
             ContainsSubstring("a broke"));
  tree.shutdown();
}

TEST_CASE("S28 a force is told with its reason") {
  journal log;
  testing_system sys;
  auto ref = troupe::spawn<part>(sys,
                                 {.name = "a", .stopping_grace_period = 2s},
                                 std::ref(log), part::body{unstoppable});
  event_log events{ref};
  ref.startup();
  ref.shutdown();
  CHECK(told_of(events, "/a")
        == lines{"started", "ready", "stopping", "forced"});
  CHECK(last_of(events, event_kind::forced).reason == errc::forced);
}

TEST_CASE("S28 a kill is told") {
  journal log;
  testing_system sys;
  auto ref = troupe::spawn<part>(sys, {.name = "a"}, std::ref(log));
  event_log events{ref};
  ref.startup();
  support::tell(ref.actor(),
                caf::exit_msg{ref.actor().address(), caf::exit_reason::kill});
  ref.wait_for_shutdown();
  CHECK(told_of(events, "/a") == lines{"started", "ready", "cancelled"});
}

TEST_CASE("S28 L8 a start that fails is told") {
  journal log;
  testing_system sys;
  auto ref = troupe::spawn<part>(sys, {.name = "a"}, std::ref(log),
                                 part::body{},
                                 part::body{[](part&) -> troupe::task<> {
                                   throw std::runtime_error{"no a today"};
                                   co_return;
                                 }});
  event_log events{ref};
  ref.startup();
  CHECK(told_of(events, "/a") == lines{"started", "failed"});
}

TEST_CASE("S28 L17 who is abandoned is told of, and so is that it comes back") {
  support::trap trap;
  support::real_system sys{1};
  event_log events{sys};
  auto ref = troupe::spawn<support::stuck>(
    sys, {.stopping_grace_period = 1ms, .force_period = 1ms}, trap);
  ref.start();
  trap.await();
  ref.shutdown();
  auto lost = events.wait_for(event_kind::abandoned, "/stuck");
  REQUIRE(lost);
  CHECK(lost->reason == errc::abandoned);
  trap.open();
  CHECK(events.wait_for(event_kind::came_back, "/stuck"));
}

// -- event_log -------------------------------------------------------------------

TEST_CASE("S28 a log of one tree has nothing of its neighbours") {
  journal log;
  testing_system sys;
  auto one = troupe::spawn<part>(sys, {.name = "one"}, std::ref(log));
  auto two = troupe::spawn<part>(sys, {.name = "one_more"}, std::ref(log));
  event_log events{one};
  two.startup();
  two.shutdown();
  CHECK(events.events().empty());
  one.startup();
  CHECK(told(events) == lines{"/one [1] started", "/one [1] ready"});
  one.shutdown();
}

TEST_CASE("S28 a log keeps the last ones and counts the others") {
  journal log;
  testing_system sys;
  auto ref = troupe::spawn<part>(sys, {.name = "a"}, std::ref(log));
  event_log events{ref, 2};
  ref.startup();
  ref.shutdown();
  CHECK(told_of(events, "/a") == lines{"stopping", "stopped"});
  CHECK(events.forgotten() == 2);
  events.clear();
  CHECK(events.events().empty());
  CHECK(events.forgotten() == 4);
}

TEST_CASE("S28 to wait for an event moves virtual time as far as needed") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log), failing_after(600s));
  auto tree = troupe::spawn(sys, spec);
  event_log events{tree};
  tree.startup();
  auto begin = sys.now();
  CHECK_FALSE(events.wait_for(event_kind::failed, "/tree/a", 599s));
  CHECK(sys.now() - begin == 599s);
  auto crash = events.wait_for(event_kind::failed, "/tree/a");
  REQUIRE(crash);
  CHECK(crash->at - begin == 600s);
  // It is kept, so that it need not be waited for.
  CHECK(events.wait_for(event_kind::failed, "/tree/a", 0s));
  events.clear();
  CHECK_FALSE(events.wait_for(event_kind::failed, "/tree/a", 0s));
  tree.shutdown();
}

TEST_CASE("S28 threads wait for an event of a real system") {
  journal log;
  support::real_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log));
  auto tree = troupe::spawn(sys, spec);
  event_log events{tree};
  std::jthread other{[&] { tree.startup(); }};
  CHECK(events.wait_for(event_kind::ready, "/tree"));
  CHECK_FALSE(events.wait_for(event_kind::failed, "/tree", 1ms));
  tree.shutdown();
  CHECK(told_of(events, "/tree/a")
        == lines{"started", "ready", "stopping", "stopped"});
}

TEST_CASE("L31 an actor does not wait for an event") {
  journal log;
  testing_system sys;
  auto refused = false;
  auto body = [&](part&) -> troupe::task<> {
    event_log events{sys.sys()};
    try {
      events.wait_for(event_kind::ready, "/a");
    } catch (const std::logic_error&) {
      refused = true;
    }
    co_return;
  };
  auto ref = troupe::spawn<part>(sys, {.name = "a"}, std::ref(log),
                                 part::body{body});
  ref.startup();
  ref.wait_for_shutdown();
  CHECK(refused);
}

// -- on_event --------------------------------------------------------------------

TEST_CASE("S28 a function gets each event, in order") {
  journal log;
  testing_system sys;
  auto ref = troupe::spawn<part>(sys, {.name = "a"}, std::ref(log));
  lines got;
  auto sub = troupe::on_event(ref, [&](const lifecycle_event& x) {
    got.push_back(to_string(x.kind));
  });
  ref.startup();
  ref.shutdown();
  sys.run();
  CHECK(got == lines{"started", "ready", "stopping", "stopped"});
  CHECK(sub.missed() == 0);
}

TEST_CASE("S28 a slow function slows nobody, and what it misses is counted") {
  journal log;
  std::atomic<int> calls{0};
  support::real_system sys;
  auto ref = troupe::spawn<part>(sys, {.name = "a"}, std::ref(log));
  support::trap trap;
  auto sub = troupe::on_event(
    sys,
    [&](const lifecycle_event&) {
      if (calls.fetch_add(1) == 0)
        trap.sit();
    },
    1);
  ref.startup();
  trap.await(); // it is at the first one, and one waits for it
  ref.shutdown();
  CHECK(sub.missed() == 2);
  trap.open();
  sub.cancel();
  CHECK(calls.load() <= 2);
}

TEST_CASE("S28 a subscription that is finished has got everything") {
  journal log;
  support::real_system sys;
  auto ref = troupe::spawn<part>(sys, {.name = "a"}, std::ref(log));
  support::trap trap;
  lines got;
  auto sub = troupe::on_event(ref, [&](const lifecycle_event& x) {
    if (got.empty())
      trap.sit();
    got.push_back(to_string(x.kind));
  });
  ref.startup();
  trap.await();
  ref.shutdown();
  trap.open();
  sub.finish();
  CHECK(got == lines{"started", "ready", "stopping", "stopped"});
}

TEST_CASE("S28 when a subscription has ended, its function is gone") {
  journal log;
  std::binary_semaphore called{0};
  support::real_system sys;
  auto ref = troupe::spawn<part>(sys, {.name = "a"}, std::ref(log));
  auto token = std::make_shared<int>(0);
  std::weak_ptr<int> alive{token};
  auto sub = troupe::on_event(ref, [token = std::move(token),
                                    &called](const lifecycle_event& x) {
    if (x.kind == event_kind::ready)
      called.release();
  });
  CHECK_FALSE(alive.expired());
  ref.startup();
  called.acquire();
  sub.cancel();
  CHECK(alive.expired());
  ref.shutdown();
}

TEST_CASE("S28 a function may end its own subscription") {
  journal log;
  testing_system sys;
  auto ref = troupe::spawn<part>(sys, {.name = "a"}, std::ref(log));
  troupe::subscription sub;
  auto calls = 0;
  sub = troupe::on_event(ref, [&](const lifecycle_event&) {
    ++calls;
    sub.cancel();
  });
  ref.startup();
  sys.run();
  ref.shutdown();
  sys.run();
  CHECK(calls == 1);
}

TEST_CASE("S28 what a function throws takes nobody with it") {
  journal log;
  testing_system sys;
  auto ref = troupe::spawn<part>(sys, {.name = "a"}, std::ref(log));
  auto calls = 0;
  auto sub = troupe::on_event(ref, [&](const lifecycle_event&) {
    ++calls;
    throw std::runtime_error{"I do not like it"};
  });
  ref.startup();
  CHECK(ref.shutdown()->ok());
  sys.run();
  CHECK(calls == 4);
}

TEST_CASE("S28 a subscription may outlive its system") {
  journal log;
  troupe::subscription sub;
  std::atomic<int> calls{0};
  {
    support::real_system sys;
    auto ref = troupe::spawn<part>(sys, {.name = "a"}, std::ref(log));
    sub = troupe::on_event(sys, [&](const lifecycle_event&) { ++calls; });
    ref.startup();
    ref.shutdown();
  }
  auto before = calls.load();
  sub.cancel();
  CHECK(calls.load() == before);
}

TEST_CASE("S28 many listen, come and go, while many workers live") {
  journal log;
  std::atomic<std::uint64_t> got{0};
  std::atomic<bool> done{false};
  std::binary_semaphore end{0};
  support::real_system sys{4};
  auto keeps
    = troupe::on_event(sys, [&](const lifecycle_event&) { ++got; }, 1'000'000);
  std::vector<std::jthread> listeners;
  for (auto i = 0; i < 2; ++i)
    listeners.emplace_back([&] {
      while (!done.load()) {
        std::atomic<int> mine{0};
        auto sub = troupe::on_event(sys,
                                    [&](const lifecycle_event&) { ++mine; });
        event_log events{sys, 4};
        static_cast<void>(events.events());
      }
    });
  {
    std::vector<std::jthread> users;
    for (auto i = 0; i < 3; ++i)
      users.emplace_back([&] {
        for (auto n = 0; n < 100; ++n) {
          auto ref = troupe::spawn<part>(sys, {}, std::ref(log));
          ref.startup();
          ref.shutdown();
        }
      });
  }
  done = true;
  listeners.clear();
  // 300 lives with four events each, and none of them is lost.
  event_log events{sys};
  auto last = troupe::spawn<part>(sys, {.name = "last"}, std::ref(log));
  auto sub = troupe::on_event(last, [&](const lifecycle_event& x) {
    if (x.kind == event_kind::stopped)
      end.release();
  });
  last.startup();
  last.shutdown();
  end.acquire();
  keeps.cancel();
  CHECK(keeps.missed() == 0);
}

TEST_CASE("S28 bad arguments are named") {
  journal log;
  testing_system sys;
  auto expect = [](auto f, const std::string& text) {
    try {
      f();
      FAIL("it was taken");
    } catch (const std::invalid_argument& x) {
      CHECK_THAT(x.what(), ContainsSubstring(text));
    }
  };
  auto ignore = [](const lifecycle_event&) {};
  expect([&] { static_cast<void>(troupe::on_event(sys, nullptr)); },
         "empty function");
  expect([&] { static_cast<void>(troupe::on_event(sys, ignore, 0)); },
         "capacity of 0");
  expect(
    [&] {
      static_cast<void>(troupe::on_event(troupe::worker_handle{}, ignore));
    },
    "points to no worker");
  expect([&] { event_log nothing{sys.sys(), 0}; }, "capacity of 0");
}

TEST_CASE("S28 who waits for an event is told when the actor system goes") {
  std::optional<troupe::event_log> log;
  std::optional<troupe::lifecycle_event> got;
  std::thread waiting;
  {
    support::real_system sys;
    log.emplace(sys.sys());
    waiting = std::thread{
      [&] { got = log->wait_for(troupe::event_kind::failed, "/nobody"); }};
  }
  waiting.join();
  CHECK_FALSE(got);
  CHECK_FALSE(log->wait_for(troupe::event_kind::failed, "/nobody"));
}

TEST_CASE("S28 S16 who hears that a group is ready finds it so") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree",
                       .strategy = troupe::strategy::one_for_all};
  spec.add<part>("first", {}, std::ref(log), failing_after(1s));
  spec.add<part>("last", {}, std::ref(log));
  auto tree = troupe::spawn(sys, spec);
  REQUIRE_FALSE(tree.startup());
  std::optional<troupe::child_call> call;
  auto ear = std::make_shared<eavesdropper>([&](const lifecycle_event& x) {
    if (x.kind == event_kind::ready && x.path == "/tree/last") {
      call
        = tree.start_child(troupe::child<part>("another", {}, std::ref(log)));
    }
  });
  troupe::detail::runtime::of(sys)->events().subscribe(ear);
  sys.advance(1500ms);
  REQUIRE(call);
  auto how = call->get();
  CHECK(how.error == caf::error{});
  CHECK(how.child);
  ear->end(false);
  CHECK(tree.shutdown()->ok());
}

TEST_CASE("S28 S20 who hears of an end finds the child stopped") {
  enum class end { normal, forced, failed };
  auto what = GENERATE(end::normal, end::forced, end::failed);
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("child", {.restart = troupe::restart::transient},
                 std::ref(log),
                 what == end::failed
                   ? part::body{[](part& self) -> troupe::task<> {
                       co_await self.stop_requested();
                       throw std::runtime_error{"no"};
                     }}
                   : part::body{});
  auto tree = troupe::spawn(sys, spec);
  REQUIRE_FALSE(tree.startup());
  auto child = tree.child("child");
  std::optional<troupe::child_call> call;
  auto ear = std::make_shared<eavesdropper>([&](const lifecycle_event& x) {
    if (x.path == "/tree/child"
        && (x.kind == event_kind::stopped || x.kind == event_kind::forced
            || x.kind == event_kind::failed))
      call = tree.restart_child("child");
  });
  troupe::detail::runtime::of(sys)->events().subscribe(ear);
  if (what == end::forced)
    child.force_stop();
  else
    child.gracefully_stop();
  sys.run();
  REQUIRE(call);
  CHECK(call->get().error == caf::error{});
  CHECK(child.incarnation() == 2);
  ear->end(false);
  static_cast<void>(tree.shutdown());
}

TEST_CASE("S28 S16 threads that wait for an event and then call are served") {
  journal log;
  support::real_system sys;
  supervisor_spec spec{.name = "tree",
                       .strategy = troupe::strategy::one_for_all,
                       .intensity = {.max_restarts = 1000}};
  spec.add<part>("first", {}, std::ref(log));
  spec.add<part>("last", {}, std::ref(log));
  auto tree = troupe::spawn(sys, spec);
  troupe::event_log events{tree};
  REQUIRE_FALSE(tree.startup());
  auto refused = 0;
  for (std::uint64_t life = 2; life < 100; life += 2) {
    caf::anon_send_exit(tree.child("first").actor(), caf::exit_reason::kill);
    REQUIRE(events.wait_for(event_kind::ready, "/tree/last", life));
    if (tree.terminate_child("nobody").get().error != errc::not_found)
      ++refused;
    if (tree.delete_child("last").get().error != errc::child_running)
      ++refused;
    tree.child("last").gracefully_stop();
    REQUIRE(events.wait_for(event_kind::stopped, "/tree/last", life));
    if (!tree.restart_child("last").get())
      ++refused;
    REQUIRE(events.wait_for(event_kind::ready, "/tree/last", life + 1));
  }
  CHECK(refused == 0);
  CHECK(tree.shutdown(1h).empty());
}
