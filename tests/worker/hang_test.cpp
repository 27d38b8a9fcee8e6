// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Workers whose code does not return within their watchdog. Real threads and
// real time, since virtual time stands still while code runs; each test waits
// for the event itself. Where more than one report would be wrong, the watchdog
// is patient enough for a busy machine.

#include "troupe/options.hpp"

#include "support/log_file.hpp"
#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"
#include "support/trap.hpp"
#include "system/runtime.hpp"

#include "troupe/ask.hpp"
#include "troupe/event_log.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <string>
#include <utility>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::journal;
using support::script;
using support::scripted;
using support::trap;
using troupe::errc;
using troupe::event_kind;
using troupe::lifecycle_event;
using troupe::outcome_kind;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

std::size_t count(const troupe::event_log& log, event_kind kind) {
  std::size_t result = 0;
  for (const auto& x : log.events())
    if (x.kind == kind)
      ++result;
  return result;
}

} // namespace

TEST_CASE("L32 a worker whose code does not return is reported by its path") {
  journal log;
  trap there;
  support::real_system sys;
  troupe::event_log events{sys};
  script what;
  SECTION("in on_startup") {
    what.on_startup = [&](scripted&) -> troupe::task<> {
      there.sit();
      co_return;
    };
  }
  SECTION("in run") {
    what.run = [&](scripted&) -> troupe::task<> {
      there.sit();
      co_return;
    };
  }
  SECTION("in run, after a wait") {
    what.run = [&](scripted& self) -> troupe::task<> {
      co_await self.yield();
      there.sit();
    };
  }
  SECTION("in a handler") {
    what.handlers = [&](scripted&) -> troupe::message_handlers {
      return {[&](int32_t) { there.sit(); }};
    };
  }
  SECTION("in a handler that is a coroutine") {
    what.handlers = [&](scripted& self) -> troupe::message_handlers {
      return {[&](int32_t) -> troupe::task<> {
        co_await self.yield();
        there.sit();
      }};
    };
  }
  SECTION("in on_shutdown") {
    what.run = [](scripted&) -> troupe::task<> { co_return; };
    what.on_shutdown = [&](scripted&) -> troupe::task<> {
      there.sit();
      co_return;
    };
  }
  SECTION("in after_shutdown") {
    what.run = [](scripted&) -> troupe::task<> { co_return; };
    what.after_shutdown = [&](scripted&, const troupe::outcome&) {
      there.sit();
    };
  }
  auto ref = support::spawn(sys, log, {.name = "stuck", .watchdog = 5ms}, what);
  ref.start();
  if (what.handlers)
    support::tell(ref.actor(), int32_t{1});
  there.await();
  auto report = events.wait_for(event_kind::stalled, "/stuck");
  REQUIRE(report);
  CHECK(report->span >= 5ms);
  CHECK(report->incarnation == 1);
  CHECK_THAT(to_string(*report), ContainsSubstring("/stuck [1] stalled for"));
  // It goes on as if nothing had happened.
  there.open();
  ref.shutdown();
  CHECK(ref.outcome()->ok());
  CHECK_FALSE(ref.outcome()->abandoned());
}

TEST_CASE("L32 a stall is a line in the log") {
  support::log_file file;
  journal log;
  trap there;
  {
    support::real_system sys{
      [&file](auto& config) { file.attach_to(config, "warning"); }};
    troupe::event_log events{sys};
    script what;
    what.run = [&](scripted&) -> troupe::task<> {
      there.sit();
      co_return;
    };
    auto ref = support::spawn(sys, log, {.name = "stuck", .watchdog = 1s},
                              what);
    ref.start();
    there.await();
    CHECK(events.wait_for(event_kind::stalled, "/stuck"));
    there.open();
    ref.wait_for_shutdown();
  }
  auto lines = file.lines("/stuck [1] stalled");
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], ContainsSubstring("WARN"));
}

TEST_CASE("L32 each stall is reported once, when every thread is stuck too") {
  journal log;
  trap first;
  trap second;
  support::real_system sys{1};
  troupe::event_log events{sys};
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    first.sit();
    co_await self.yield();
    second.sit();
  };
  auto ref = support::spawn(sys, log, {.name = "stuck", .watchdog = 1s}, what);
  ref.start();
  first.await();
  CHECK(events.wait_for(event_kind::stalled, "/stuck"));
  CHECK(count(events, event_kind::stalled) == 1);
  events.clear();
  first.open();
  second.await();
  CHECK(events.wait_for(event_kind::stalled, "/stuck"));
  CHECK(count(events, event_kind::stalled) == 1);
  second.open();
  CHECK(ref.wait_for_shutdown()->ok());
}

TEST_CASE("L32 an offloaded call may take its time") {
  journal log;
  journal other_log;
  trap there;
  trap here;
  trap elsewhere;
  support::real_system sys;
  troupe::event_log events{sys};
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    auto call = self.offload([&there] { there.sit(); });
    co_await std::move(call);
    here.sit();
  };
  auto ref = support::spawn(sys, log, {.name = "busy", .watchdog = 1s}, what);
  ref.start();
  there.await();
  // Time passes: another one is reported, whose time began later.
  script sits;
  sits.run = [&](scripted&) -> troupe::task<> {
    elsewhere.sit();
    co_return;
  };
  auto other = support::spawn(sys, other_log,
                              {.name = "other", .watchdog = 1500ms}, sits);
  other.start();
  CHECK(events.wait_for(event_kind::stalled, "/other"));
  CHECK(count(events, event_kind::stalled) == 1);
  there.open();
  here.await();
  CHECK(events.wait_for(event_kind::stalled, "/busy"));
  here.open();
  elsewhere.open();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(other.wait_for_shutdown()->ok());
}

TEST_CASE("L32 a worker that waits has no timer armed for it") {
  journal log;
  testing_system sys;
  auto pending = [&sys] {
    return troupe::detail::runtime::of(sys)->time().pending();
  };
  script what;
  what.handlers = [&](scripted&) -> troupe::message_handlers {
    return {[&](int32_t x) {
      CHECK(pending() == 1);
      return x;
    }};
  };
  auto ref = support::spawn(sys, log, {.watchdog = 1s}, what);
  ref.startup();
  sys.run();
  CHECK(pending() == 0);
  CHECK(*troupe::ask<int32_t>(ref, troupe::infinite, int32_t{1}) == 1);
  sys.run();
  CHECK(pending() == 0);
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("L32 everything works with a watchdog as it does without") {
  journal log;
  testing_system sys;
  int32_t sum = 0;
  script what;
  what.handlers = [&](scripted& self) -> troupe::message_handlers {
    return {
      [&](int32_t x) { sum += x; },
      [&](int64_t x) -> troupe::task<int64_t> {
        static_cast<void>(co_await self.sleep_for(1s));
        co_return x + sum;
      },
    };
  };
  what.run = [&](scripted& self) -> troupe::task<> {
    while (self.is_running()) {
      co_await self.yield();
      static_cast<void>(co_await self.sleep_for(1s));
    }
  };
  auto ref = support::spawn(sys, log, {.watchdog = 1s}, what);
  ref.startup();
  for (int32_t i = 1; i <= 200; ++i)
    support::tell(ref.actor(), i);
  auto answer = troupe::ask<int64_t>(ref, troupe::infinite, int64_t{1});
  REQUIRE(answer);
  CHECK(*answer == 20101);
  CHECK(ref.shutdown()->ok());
}

// -- on_hang ---------------------------------------------------------------------

TEST_CASE("L33 with on_hang::restart a supervised worker is replaced") {
  journal log;
  trap there;
  std::atomic<int> lives = 0;
  support::real_system sys{3};
  troupe::event_log events{sys};
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    if (++lives == 1) {
      there.sit();
      self.log().note("returned");
    }
    co_await self.stop_requested();
  };
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<scripted>(
    "child", {.worker = {.watchdog = 1s, .on_hang = troupe::on_hang::restart}},
    std::ref(log), what);
  troupe::scoped_supervisor tree{sys, std::move(spec)};
  there.await();
  CHECK(events.wait_for(event_kind::restarted, "/tree/child"));
  auto stall = events.wait_for(event_kind::stalled, "/tree/child");
  auto end = events.wait_for(event_kind::abandoned, "/tree/child");
  REQUIRE(stall);
  REQUIRE(end);
  CHECK(stall->incarnation == 1);
  CHECK(end->reason == errc::abandoned);
  CHECK_THAT(troupe::text_of(end->reason), ContainsSubstring("watchdog"));
  auto ref = *troupe::lookup<scripted>(sys, "/tree/child");
  CHECK(ref.incarnation() == 2);
  // The first one comes back, and is nobody's any more.
  there.open();
  CHECK(events.wait_for(event_kind::came_back, "/tree/child"));
  CHECK(ref.state() == worker_state::running);
  CHECK(log.has("returned"));
  CHECK(tree.shutdown().ok());
}

TEST_CASE("L33 with on_hang::restart a worker of its own is abandoned") {
  journal log;
  trap there;
  support::real_system sys;
  script what;
  what.run = [&](scripted&) -> troupe::task<> {
    there.sit();
    co_return;
  };
  auto ref = support::spawn(
    sys, log,
    {.name = "stuck", .watchdog = 100ms, .on_hang = troupe::on_hang::restart},
    what);
  ref.start();
  there.await();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK(how->abandoned());
  CHECK_THAT(troupe::text_of(how->reason()), ContainsSubstring("/stuck"));
  CHECK(ref.state() == worker_state::force_stopped);
  there.open();
  while (ref.actor() != nullptr)
    std::this_thread::yield();
  CHECK_FALSE(log.has("on_shutdown"));
}

TEST_CASE("L33 a worker that hangs may be stopped and forced meanwhile") {
  constexpr int rounds = 9;
  journal log;
  trap there[rounds];
  support::real_system sys{3};
  for (int i = 0; i < rounds; ++i) {
    script what;
    what.run = [&here = there[i]](scripted&) -> troupe::task<> {
      here.sit();
      co_return;
    };
    auto ref = support::spawn(sys, log,
                              {.stopping_grace_period = 100ms,
                               .cleanup_period = 0ms,
                               .force_period = 1ms,
                               .watchdog = 100ms,
                               .on_hang = troupe::on_hang::restart},
                              what);
    ref.start();
    there[i].await();
    if (i % 3 == 0)
      ref.gracefully_stop();
    else if (i % 3 == 1)
      ref.force_stop();
    auto how = ref.wait_for_shutdown();
    REQUIRE(how);
    CHECK(how->abandoned());
    there[i].open();
    while (ref.actor() != nullptr)
      std::this_thread::yield();
  }
}
