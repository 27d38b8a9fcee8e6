// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A worker's actor among plain CAF actors: exits, kills, links and monitors.

#include "troupe/worker.hpp"

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"

#include "troupe/queue_consumer.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/testing.hpp"

#include <caf/abstract_actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/after.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/system_messages.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <latch>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::journal;
using support::lines;
using support::script;
using support::scripted;
using troupe::errc;
using troupe::outcome_kind;
using troupe::worker_phase;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

/// When something hits a worker.
enum class moment {
  created,
  to_start,
  on_startup,
  before_ready,
  run,
  draining,
  on_shutdown,
  over,
};

/// A body that waits for `length`, and says so when it is destroyed instead.
script::body steady(std::string name, troupe::timespan length) {
  return [name, length](scripted& self) -> troupe::task<> {
    auto until = troupe::deadline_after(self.now(), length);
    while (self.now() < until)
      static_cast<void>(co_await self.sleep_until(until));
    self.log().note(name + " done");
  };
}

/// A worker that takes a second for each of its steps.
support::scripted_ref spawn_steady(testing_system& sys, journal& log) {
  script what;
  what.on_startup = steady("on_startup", 1s);
  what.run = [](scripted& self) -> troupe::task<> {
    static_cast<void>(co_await self.sleep_for(1s));
    self.ready();
    co_await self.stop_requested();
    static_cast<void>(co_await self.sleep_for(0s));
    static_cast<void>(co_await self.sleep_for(1s));
    self.log().note("run done");
  };
  what.on_shutdown = steady("on_shutdown", 1s);
  return support::spawn(
    sys, log, {.name = "w", .readiness = troupe::readiness::explicit_ready},
    what);
}

/// Brings the worker to a moment in its life.
void go_to(moment when, testing_system& sys, const support::scripted_ref& ref) {
  if (when == moment::created)
    return;
  ref.start();
  if (when == moment::to_start)
    return;
  sys.run();
  if (when == moment::on_startup)
    return;
  sys.advance(1500ms);
  if (when == moment::before_ready)
    return;
  sys.advance(1s);
  if (when == moment::run)
    return;
  ref.gracefully_stop();
  sys.run();
  if (when == moment::draining)
    return;
  sys.advance(1500ms);
  if (when == moment::on_shutdown)
    return;
  sys.advance(10s);
}

/// Monitors a worker's actor as a plain CAF actor does.
class monitor {
public:
  monitor(testing_system& sys, const caf::actor& whom) : self_(sys.sys()) {
    self_->monitor(whom);
  }

  /// The reasons of all the ends seen since the last call.
  std::vector<caf::error> take() {
    std::vector<caf::error> result;
    auto done = false;
    while (!done)
      self_->receive(
        [&](caf::down_msg& x) { result.push_back(std::move(x.reason)); },
        caf::after(0s) >> [&] { done = true; });
    return result;
  }

private:
  caf::scoped_actor self_;
};

} // namespace

// -- L23: exits and kills at every moment ---------------------------------------------

TEST_CASE("L23 an exit from outside is a graceful stop, at every moment") {
  auto user = GENERATE(true, false);
  auto when = GENERATE(moment::to_start, moment::on_startup,
                       moment::before_ready, moment::run, moment::draining,
                       moment::on_shutdown, moment::over);
  CAPTURE(static_cast<int>(when), user);
  journal log;
  testing_system sys;
  auto ref = spawn_steady(sys, log);
  auto hdl = ref.actor();
  go_to(when, sys, ref);
  if (user)
    caf::anon_send_exit(hdl, caf::exit_reason::user_shutdown);
  else
    support::tell(hdl, caf::exit_msg{caf::actor_addr{},
                                     caf::make_error(caf::sec::runtime_error)});
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::normal);
  CHECK_FALSE(how->reason());
  CHECK(ref.state() == worker_state::stopped);
  // A stop before on_startup() is done skips run() (L11).
  auto early = when == moment::to_start || when == moment::on_startup;
  CHECK(log.lines()
        == (early
              ? lines{"on_startup", "on_startup done", "on_shutdown",
                      "on_shutdown done", "after_shutdown"}
              : lines{"on_startup", "on_startup done", "run", "run done",
                      "on_shutdown", "on_shutdown done", "after_shutdown"}));
}

TEST_CASE(
  "L23 a kill destroys the frame at every moment, without on_shutdown") {
  struct hit {
    moment when;
    lines before;
  };
  auto x = GENERATE(
    hit{moment::to_start, {}}, //
    hit{moment::on_startup, {"on_startup"}},
    hit{moment::before_ready, {"on_startup", "on_startup done", "run"}},
    hit{moment::run, {"on_startup", "on_startup done", "run"}},
    hit{moment::draining, {"on_startup", "on_startup done", "run"}},
    hit{moment::on_shutdown,
        {"on_startup", "on_startup done", "run", "run done", "on_shutdown"}});
  CAPTURE(static_cast<int>(x.when));
  journal log;
  testing_system sys;
  auto ref = spawn_steady(sys, log);
  go_to(x.when, sys, ref);
  auto begin = sys.now();
  monitor watch{sys, ref.actor()};
  caf::anon_send_exit(ref.actor(), caf::exit_reason::kill);
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::cancelled);
  CHECK(how->code() == 2);
  CHECK(how->reason() == caf::exit_reason::kill);
  CHECK_FALSE(how->cleanup_error());
  CHECK(ref.state() == worker_state::stopped);
  CHECK(sys.now() == begin);
  sys.run();
  auto ends = watch.take();
  REQUIRE(ends.size() == 1);
  CHECK(ends[0] == caf::exit_reason::kill);
  x.before.push_back("after_shutdown");
  CHECK(log.lines() == x.before);
}

TEST_CASE(
  "L23 a kill while the end destroys what is left, without on_shutdown") {
  // Kills whose handler it is the frame of, when it goes.
  struct sting {
    caf::actor whom;

    ~sting() {
      caf::anon_send_exit(whom, caf::exit_reason::kill);
    }
  };
  journal log;
  testing_system sys;
  script what;
  what.run = [](scripted& self) -> troupe::task<> {
    co_await self.sleep_for(1s);
    throw std::runtime_error{"no more"};
  };
  what.handlers = [](scripted& self) -> troupe::message_handlers {
    return {[&self](int32_t) -> troupe::task<> {
      sting last{caf::actor_cast<caf::actor>(self.self())};
      co_await self.sleep_for(1h);
    }};
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  support::tell(ref.actor(), int32_t{1});
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::failed);
  CHECK_THAT(to_string(*how), ContainsSubstring("no more"));
  ref = {};
  sys.run();
  CHECK(log.lines()
        == lines{"on_startup", "run", "after_shutdown", "destroyed"});
}

TEST_CASE("L23 in init an exit or a kill is the end of the worker") {
  auto reason = GENERATE(caf::exit_reason::user_shutdown,
                         caf::exit_reason::kill);
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  caf::anon_send_exit(ref.actor(), reason);
  sys.run();
  CHECK(ref.state() == worker_state::stopped);
  REQUIRE(ref.outcome());
  CHECK(ref.outcome()->kind() == outcome_kind::cancelled);
  CHECK(ref.startup() == errc::cancelled);
  CHECK(log.lines().empty());
  ref = {};
  CHECK(log.lines() == lines{"destroyed"});
}

TEST_CASE(
  "L23 an exit or a kill of a child that does not live changes nothing") {
  auto reason = GENERATE(caf::exit_reason::user_shutdown,
                         caf::exit_reason::kill);
  // The first child keeps the second one from its life until it is ready.
  class slow : public troupe::worker {
  public:
    troupe::task<> run() override {
      static_cast<void>(co_await sleep_for(1s));
      ready();
      co_await stop_requested();
    }
  };
  class counting : public troupe::queue_consumer<int32_t> {
  public:
    troupe::task<> run() override {
      while (auto x = co_await get_message()) {
        if (*x < 0)
          throw std::runtime_error{"boom"};
      }
    }
  };
  testing_system sys;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<slow>("slow",
                 {.worker = {.readiness = troupe::readiness::explicit_ready}});
  spec.add<counting>("counting", {.backoff = {.initial = 1s}});
  auto tree = troupe::spawn(sys, spec);
  tree.start();
  sys.run();
  auto child = tree.child<counting>("counting");
  REQUIRE(child.state() == worker_state::init);
  child.send(1);
  caf::anon_send_exit(child.actor(), reason);
  sys.run();
  CHECK(child.state() == worker_state::init);
  CHECK(child.queue_size() == 1);
  sys.advance(1s);
  CHECK(child.queue().handled == 1);
  // Between two lives.
  child.send(-1);
  sys.run();
  REQUIRE(child.phase() == troupe::worker_phase::backing_off);
  child.send(2);
  caf::anon_send_exit(child.actor(), reason);
  sys.advance(1s);
  CHECK(child.state() == worker_state::running);
  CHECK(child.incarnation() == 2);
  CHECK(child.queue().handled == 2);
  CHECK(tree.shutdown()->ok());
}

TEST_CASE("L21 the actor of a child that never lived ends with its tree, "
          "whoever holds it") {
  // The first child keeps the second one from its life until it is ready.
  class slow : public troupe::worker {
  public:
    troupe::task<> run() override {
      co_await stop_requested();
    }
  };
  testing_system sys;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<slow>("slow",
                 {.worker = {.readiness = troupe::readiness::explicit_ready}});
  spec.add<slow>("next");
  auto tree = troupe::spawn(sys, spec);
  tree.start();
  sys.run();
  auto held = tree.child("next").actor();
  REQUIRE(held);
  caf::error seen;
  caf::actor_cast<caf::abstract_actor*>(held)->attach_functor(
    [&](const caf::error& why) { seen = why; });
  CHECK(tree.shutdown());
  sys.run();
  CHECK(seen == errc::stopped_before_ready);
}

TEST_CASE("L23 a kill after the end changes nothing") {
  journal log;
  testing_system sys;
  auto ref = spawn_steady(sys, log);
  auto hdl = ref.actor();
  go_to(moment::over, sys, ref);
  caf::anon_send_exit(hdl, caf::exit_reason::kill);
  sys.run();
  CHECK(ref.outcome()->ok());
  CHECK(log.count("after_shutdown") == 1);
}

TEST_CASE("L23 a kill overtakes a backlog") {
  journal log;
  testing_system sys;
  int handled = 0;
  script what;
  what.handlers = [&](scripted&) -> troupe::message_handlers {
    return {[&handled](int32_t) { ++handled; }};
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  for (int32_t i = 0; i < 10'000; ++i)
    support::tell(ref.actor(), i);
  caf::anon_send_exit(ref.actor(), caf::exit_reason::kill);
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::cancelled);
  CHECK(handled < 1'000);
}

TEST_CASE("L23 kill hides no failure") {
  journal log;
  testing_system sys;
  script what;
  what.run = support::throwing(std::runtime_error{"boom"});
  what.on_shutdown = support::stubborn();
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  CHECK(ref.phase() == worker_phase::cleaning_up);
  caf::anon_send_exit(ref.actor(), caf::exit_reason::kill);
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::failed);
  CHECK_THAT(troupe::text_of(how->reason()), ContainsSubstring("boom"));
}

TEST_CASE("L23 a quit of the worker's actor cancels it") {
  journal log;
  std::binary_semaphore go_on{0};
  testing_system sys;
  script what;
  SECTION("in run") {
    what.run = [](scripted& self) -> troupe::task<> {
      support::farewell last{self.log(), "frame destroyed"};
      self.self()->quit(caf::exit_reason::user_shutdown);
      static_cast<void>(co_await self.sleep_for(1s));
      self.log().note("resumed");
    };
  }
  SECTION("in a handler") {
    what.run = support::stubborn();
    what.handlers = [](scripted& self) -> troupe::message_handlers {
      return {[&self](int32_t) {
        self.self()->quit(caf::exit_reason::user_shutdown);
      }};
    };
  }
  SECTION("while a call is offloaded") {
    what.run = [&](scripted& self) -> troupe::task<> {
      support::farewell last{self.log(), "frame destroyed"};
      self.self()->quit(caf::exit_reason::user_shutdown);
      auto call = self.offload([&go_on] { go_on.acquire(); });
      co_await std::move(call);
      self.log().note("resumed");
    };
  }
  auto ref = support::spawn(sys, log, {}, what);
  auto hdl = ref.actor(); // which may have ended when startup() returns
  monitor watch{sys, hdl};
  ref.startup();
  support::tell(hdl, int32_t{1});
  go_on.release();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::cancelled);
  CHECK_FALSE(how->abandoned());
  CHECK(log.lines()
        == lines{"on_startup", "run", "frame destroyed", "after_shutdown"});
  sys.run();
  CHECK(watch.take().size() == 1);
}

TEST_CASE("L23 exits and kills in any instant leave exactly one end") {
  constexpr int rounds = 200;
  journal log;
  std::atomic<int> down = 0;
  auto sys = std::make_unique<support::real_system>();
  script what;
  what.run = [](scripted& self) -> troupe::task<> {
    for (int i = 0; i < 5; ++i)
      co_await self.yield();
  };
  for (int round = 0; round < rounds; ++round) {
    auto ref = support::spawn(*sys, log, {}, what);
    auto hdl = ref.actor();
    caf::actor_cast<caf::abstract_actor*>(hdl)->attach_functor(
      [&down] { ++down; });
    std::latch together{2};
    std::jthread other{[&, hdl] {
      together.arrive_and_wait();
      for (int i = 0; i < round; ++i)
        std::this_thread::yield();
      caf::anon_send_exit(hdl, round % 2 == 0
                                 ? caf::exit_reason::kill
                                 : caf::exit_reason::user_shutdown);
    }};
    together.arrive_and_wait();
    ref.startup();
    auto how = ref.wait_for_shutdown();
    other.join();
    REQUIRE(how);
    auto right = how->ok() || how->kind() == outcome_kind::cancelled;
    CHECK(right);
    CHECK(ref.state() == worker_state::stopped);
  }
  sys.reset(); // all threads are gone, and with them what they held
  CHECK(down == rounds);
  CHECK(log.count("destroyed") == rounds);
  CHECK(log.count("after_shutdown") <= rounds);
  CHECK(log.count("after_shutdown") >= log.count("on_startup"));
  CHECK(log.count("on_shutdown") <= log.count("on_startup"));
}

// -- L21: the end, as links and monitors see it ----------------------------------------

TEST_CASE("L21 a monitor sees the final end, once, and only then") {
  journal log;
  testing_system sys;
  auto ref = spawn_steady(sys, log);
  monitor watch{sys, ref.actor()};
  for (auto when : {moment::to_start, moment::on_startup}) {
    go_to(when, sys, ref);
    CHECK(watch.take().empty());
  }
  sys.advance(5s);
  ref.gracefully_stop();
  sys.advance(1500ms);
  CHECK(ref.phase() == worker_phase::cleaning_up);
  CHECK(watch.take().empty());
  ref.wait_for_shutdown();
  sys.run();
  auto ends = watch.take();
  REQUIRE(ends.size() == 1);
  CHECK(ends[0] == caf::exit_reason::normal);
  sys.advance(1h);
  CHECK(watch.take().empty());
}

TEST_CASE("L21 the reason of the end carries category, code and text") {
  journal log;
  testing_system sys;
  script what;
  auto code = errc::none;
  std::string text;
  SECTION("failed") {
    what.run = support::throwing(std::runtime_error{"boom"});
    code = errc::worker_failed;
    text = "boom";
  }
  SECTION("failed to start") {
    what.on_startup = support::throwing(std::runtime_error{"no disk"});
    code = errc::start_failed;
    text = "no disk";
  }
  SECTION("failed in on_shutdown") {
    what.on_shutdown = support::throwing(std::runtime_error{"no space"});
    code = errc::worker_failed;
    text = "no space";
  }
  SECTION("forced") {
    what.run = support::stubborn();
    code = errc::forced;
    text = "10s";
  }
  auto ref = support::spawn(sys, log, {.name = "w"}, what);
  monitor watch{sys, ref.actor()};
  ref.startup();
  ref.shutdown();
  sys.run();
  auto ends = watch.take();
  REQUIRE(ends.size() == 1);
  CHECK(ends[0] == code);
  CHECK_THAT(troupe::text_of(ends[0]),
             ContainsSubstring("\"w\"") && ContainsSubstring(text));
  CHECK(ends[0] == ref.outcome()->reason());
}

TEST_CASE("L21 the actor is gone after the end, and a late monitor is told") {
  journal log;
  testing_system sys;
  script what;
  what.run = support::throwing(42);
  auto ref = support::spawn(sys, log, {}, what);
  auto hdl = ref.actor();
  ref.startup();
  ref.wait_for_shutdown();
  sys.run();
  CHECK(ref.actor() == nullptr);
  monitor watch{sys, hdl};
  CHECK(watch.take().size() == 1);
}

TEST_CASE("L21 a linked actor goes with a worker that fails") {
  journal log;
  testing_system sys;
  script what;
  what.run = [](scripted& self) -> troupe::task<> {
    co_await self.stop_requested();
    throw std::runtime_error("boom");
  };
  auto ref = support::spawn(sys, log, {}, what);
  std::vector<caf::error> ends;
  auto partner = sys.sys().spawn([ref](caf::event_based_actor* self) {
    self->link_to(ref.actor());
    return caf::behavior{[](int32_t) {}};
  });
  caf::actor_cast<caf::abstract_actor*>(partner)->attach_functor(
    [&ends](const caf::error& why) { ends.push_back(why); });
  ref.startup();
  sys.advance(1h);
  CHECK(ends.empty());
  ref.shutdown();
  sys.run();
  REQUIRE(ends.size() == 1);
  CHECK(ends[0] == errc::worker_failed);
}

TEST_CASE("L23 the end of a linked actor is a graceful stop") {
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  ref.startup();
  auto partner = sys.sys().spawn([ref](caf::event_based_actor* self) {
    self->link_to(ref.actor());
    return caf::behavior{[self](int32_t) {
      self->quit(caf::make_error(caf::sec::runtime_error));
    }};
  });
  sys.run();
  CHECK(ref.state() == worker_state::running);
  support::tell(partner, int32_t{1});
  sys.run();
  auto how = ref.wait_for_shutdown();
  CHECK(how->ok());
  CHECK(log.lines()
        == lines{"on_startup", "run", "on_shutdown", "after_shutdown"});
}

TEST_CASE("L23 an exit in the instant of the start is a stop or the end") {
  journal log;
  support::real_system sys;
  for (int round = 0; round < 200; ++round) {
    auto ref = support::spawn(sys, log, {}, {});
    auto hdl = ref.actor();
    std::latch together{2};
    std::jthread other{[&] {
      together.arrive_and_wait();
      for (int i = 0; i < round % 20; ++i)
        std::this_thread::yield();
      caf::anon_send_exit(hdl, caf::exit_reason::user_shutdown);
    }};
    together.arrive_and_wait();
    auto err = ref.start();
    other.join();
    if (err) {
      CHECK(err == errc::cancelled);
    } else {
      auto how = ref.wait_for_shutdown();
      REQUIRE(how);
      CAPTURE(to_string(*how));
      CHECK(how->ok());
    }
  }
}

TEST_CASE("L19 after_shutdown() is not called for what was never started") {
  journal log;
  {
    support::real_system sys;
    for (int i = 0; i < 1'000; ++i)
      caf::anon_send_exit(support::spawn(sys, log, {}, {}).actor(),
                          caf::exit_reason::user_shutdown);
  }
  CHECK(log.count("destroyed") == 1'000);
  CHECK(log.count("after_shutdown") == 0);
}
