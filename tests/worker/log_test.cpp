// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// What CAF's logger hears of the life of a worker, and standard error of its
// failures.

#include "troupe/worker.hpp"

#include "support/captured_stderr.hpp"
#include "support/log_file.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"
#include "support/trap.hpp"

#include "troupe/call_later.hpp"
#include "troupe/config.hpp"
#include "troupe/scoped_worker.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/supervisor_spec.hpp"
#include "troupe/testing.hpp"

#include <caf/actor_system.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <functional>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using support::journal;
using support::lines;
using support::log_file;
using support::script;
using support::scripted;
using testing_system = troupe::testing::system;

namespace {

/// Runs `scene` in an actor system that logs into `file`.
void play(log_file& file, const std::function<void(testing_system&)>& scene) {
  troupe::config config;
  file.attach_to(config);
  testing_system sys{config};
  scene(sys);
}

} // namespace

TEST_CASE("L27 one line a transition, with path, incarnation and duration") {
  log_file file;
  journal log;
  play(file, [&](testing_system& sys) {
    script what;
    what.on_startup = support::sleeping(1s);
    auto ref = support::spawn(sys, log, {.name = "clean"}, what);
    ref.startup();
    sys.advance(4s);
    ref.shutdown();
  });
  auto text = file.lines("/clean");
  REQUIRE(text.size() == 4);
  CHECK_THAT(text[0], StartsWith("INFO /clean [1] running"));
  CHECK_THAT(text[1], StartsWith("INFO /clean [1] ready"));
  CHECK_THAT(text[2], StartsWith("INFO /clean [1] stopping"));
  CHECK_THAT(text[3], StartsWith("INFO /clean [1] stopped")
                        && ContainsSubstring("5s")
                        && ContainsSubstring("normal"));
}

TEST_CASE("L27 a forced end is a warning, a failed one an error, each with its "
          "reason") {
  log_file file;
  journal log;
  play(file, [&](testing_system& sys) {
    script what;
    what.run = support::stubborn();
    auto forced = support::spawn(sys, log, {.name = "mule"}, what);
    forced.startup();
    forced.shutdown();
    what.run = support::throwing(std::runtime_error{"boom"});
    auto failed = support::spawn(sys, log, {.name = "bomb"}, what);
    failed.startup();
    failed.wait_for_shutdown();
    auto killed = support::spawn(sys, log, {.name = "prey"}, {});
    killed.startup();
    caf::anon_send_exit(killed.actor(), caf::exit_reason::kill);
    killed.wait_for_shutdown();
  });
  auto last = [&](const char* path) {
    auto all = file.lines(path);
    REQUIRE_FALSE(all.empty());
    return all.back();
  };
  CHECK_THAT(last("/mule [1]"), StartsWith("WARN")
                                  && ContainsSubstring("force_stopped")
                                  && ContainsSubstring("grace period"));
  CHECK_THAT(last("/bomb [1]"),
             StartsWith("ERROR") && ContainsSubstring("boom"));
  CHECK_THAT(last("/prey [1]"),
             StartsWith("ERROR") && ContainsSubstring("cancelled"));
}

TEST_CASE("L24 a worker that was never started leaves no line") {
  log_file file;
  journal log;
  play(file, [&](testing_system& sys) {
    auto dropped = support::spawn(sys, log, {.name = "ghost"}, {});
    dropped = {};
    auto kept = support::spawn(sys, log, {.name = "ghost"}, {});
    sys.run();
  });
  CHECK(file.lines("ghost").empty());
  CHECK(log.count("destroyed") == 2);
}

TEST_CASE("L19 what after_shutdown throws is logged") {
  log_file file;
  journal log;
  play(file, [&](testing_system& sys) {
    script what;
    what.after_shutdown = [](scripted&, const troupe::outcome&) {
      throw std::runtime_error("too late");
    };
    auto ref = support::spawn(sys, log, {.name = "w"}, what);
    ref.startup();
    CHECK(ref.shutdown()->ok());
  });
  auto text = file.lines("too late");
  REQUIRE(text.size() == 1);
  CHECK_THAT(text[0], StartsWith("ERROR") && ContainsSubstring("\"w\""));
}

TEST_CASE("L17 a late return of abandoned code is recorded once") {
  log_file file;
  journal log;
  {
    std::binary_semaphore sits{0};
    std::binary_semaphore go_on{0};
    support::real_system sys{
      [&](support::real_config& config) { file.attach_to(config); }};
    script what;
    what.run = [&](scripted&) -> troupe::task<> {
      sits.release();
      go_on.acquire();
      co_return;
    };
    auto ref = support::spawn(
      sys, log,
      {.name = "stuck", .stopping_grace_period = 1ms, .force_period = 1ms},
      what);
    ref.start();
    sits.acquire();
    CHECK(ref.shutdown()->abandoned());
    auto done = ref.actor();
    go_on.release();
    caf::scoped_actor self{sys.sys()};
    self->wait_for(done);
  }
  auto ends = file.lines("/stuck [1] force_stopped");
  REQUIRE(ends.size() == 1);
  CHECK_THAT(ends[0], StartsWith("WARN") && ContainsSubstring("abandoned"));
  CHECK(file.lines("returned after").size() == 1);
}

TEST_CASE("L30 a running worker that keeps its system waiting is named in the "
          "log") {
  log_file file;
  journal log;
  play(file, [&](testing_system& sys) {
    script what;
    what.run = support::sleeping(1h);
    auto ref = support::spawn(sys, log, {.name = "last"}, what);
    ref.startup();
    ref = {};
    sys.advance(2h);
  });
  auto text = file.lines("goes on without a handle");
  REQUIRE(text.size() == 1);
  CHECK_THAT(text[0], ContainsSubstring("/last"));
  CHECK(log.lines().back() == "destroyed");
}

// -- standard error ------------------------------------------------------------

namespace {

/// A program that has said nothing about its log, in virtual time.
class plain_program {
public:
  explicit plain_program(const std::string& complain = "stderr") {
    caf::put(config_.content, "troupe.complain", complain);
    sys_.emplace(config_);
  }

  testing_system& sys() {
    return *sys_;
  }

  /// A worker that fails when a stop is asked for or after a second.
  troupe::worker_ref<scripted> bomb() {
    script what;
    what.run = [](scripted& self) -> troupe::task<> {
      co_await self.sleep_for(1s);
      throw std::runtime_error("bo\nom");
    };
    return support::spawn(*sys_, log_, {.name = "bomb"}, what);
  }

  /// The end of the actor system.
  void end() {
    sys_.reset();
  }

private:
  journal log_;
  troupe::config config_;
  std::optional<testing_system> sys_;
};

const auto unread = std::string{
  "troupe: worker \"bomb\" (/bomb) failed: bo\\x0aom; nobody has "
  "looked at how it ended: see what outcome() or "
  "wait_for_shutdown() returns, or put it under a supervisor"};

} // namespace

TEST_CASE("L40 a failure that nobody has read is one line on standard error") {
  support::captured_stderr out;
  plain_program program;
  auto ref = program.bomb();
  ref.startup();
  SECTION("when the last handle goes") {
    program.sys().advance(2s);
    CHECK(out.lines().empty());
    auto other = ref;
    ref = {};
    CHECK(out.lines().empty());
    other = {};
  }
  SECTION("at once if there is no handle") {
    ref = {};
    program.sys().advance(1s);
  }
  SECTION("five seconds later, whoever has one") {
    program.sys().advance(5999ms);
    CHECK(out.lines().empty());
    program.sys().advance(1ms);
  }
  SECTION("when the actor system goes") {
    program.sys().advance(2s);
    program.end();
  }
  SECTION("also if somebody has thrown away what he was given") {
    ref.shutdown();
    ref.wait_for_shutdown();
    ref = {};
  }
  SECTION("also if somebody was told that it had not ended yet") {
    CHECK_FALSE(ref.wait_for_shutdown(500ms));
    CHECK_FALSE(ref.outcome());
    CHECK_FALSE(ref.status().ended);
    program.sys().advance(1s);
    ref = {};
  }
  CHECK(out.lines() == lines{unread});
  ref = {};
  program.end();
  CHECK(out.lines().empty());
}

TEST_CASE("L40 a failure that somebody has read is no line") {
  support::captured_stderr out;
  journal log;
  plain_program program;
  auto ref = program.bomb();
  SECTION("a thread that waits for the end") {
    ref.startup();
    CHECK(ref.wait_for_shutdown().has_value());
  }
  SECTION("a thread that stops it") {
    ref.startup();
    CHECK(ref.shutdown()->kind() == troupe::outcome_kind::failed);
  }
  SECTION("a thread that looks") {
    ref.startup();
    program.sys().advance(1s);
    CHECK(ref.outcome());
  }
  SECTION("another worker") {
    ref.startup();
    script what;
    what.run = [&](scripted&) -> troupe::task<> { co_await ref.stopped(); };
    auto other = support::spawn(program.sys(), log, {.name = "other"}, what);
    other.startup();
    CHECK(other.wait_for_shutdown()->ok());
  }
  SECTION("a plain actor that is linked to it") {
    ref.startup();
    program.sys().sys().spawn([&ref](caf::event_based_actor* self) {
      self->link_to(ref.actor());
      return caf::behavior{[](int) {}};
    });
    program.sys().advance(1s);
  }
  SECTION("its supervisor") {
    ref = {};
    script what;
    what.run = support::throwing(std::runtime_error("boom"));
    troupe::supervisor_spec spec{.name = "tree"};
    spec.add<scripted>("child", {.restart = troupe::restart::temporary},
                       std::ref(log), what);
    auto tree = troupe::spawn(program.sys(), spec);
    tree.startup();
    program.sys().advance(1s);
    CHECK(tree.shutdown()->ok());
  }
  ref = {};
  program.end();
  CHECK(out.lines().empty());
}

TEST_CASE("L40 a start that fails is one line unless somebody looks at why") {
  support::captured_stderr out;
  journal log;
  plain_program program;
  script what;
  what.on_startup = support::throwing(std::runtime_error("no luck"));
  auto ref = support::spawn(program.sys(), log, {.name = "bomb"}, what);
  SECTION("the error is thrown away") {
    ref.startup();
    ref = {};
    const auto said = out.lines();
    REQUIRE(said.size() == 1);
    CHECK_THAT(said[0], StartsWith("troupe: worker \"bomb\" (/bomb) failed to "
                                   "start: no luck; nobody"));
  }
  SECTION("it is looked at") {
    if (auto why = ref.startup())
      log.note(text_of(why));
    ref = {};
    CHECK(out.lines().empty());
  }
}

TEST_CASE("L40 a failure inside of a scope that is left is one line") {
  support::captured_stderr out;
  journal log;
  plain_program program;
  script what;
  what.run = support::throwing(std::runtime_error("boom"));
  auto run = [&](bool throws) {
    troupe::scoped_worker<scripted> worker{
      program.sys(), {.name = "bomb"}, log, what};
    if (throws)
      throw std::runtime_error("out of the scope");
  };
  SECTION("at its end") {
    run(false);
  }
  SECTION("by an exception") {
    CHECK_THROWS(run(true));
  }
  const auto said = out.lines();
  REQUIRE(said.size() == 1);
  CHECK_THAT(said[0], ContainsSubstring("/bomb") && ContainsSubstring("boom"));
}

TEST_CASE("L40 functions of the user's that throw where nobody is told") {
  support::captured_stderr out;
  journal log;
  plain_program program;
  SECTION("after_shutdown") {
    script what;
    what.after_shutdown = [](scripted&, const troupe::outcome&) {
      throw std::runtime_error("boom");
    };
    auto ref = support::spawn(program.sys(), log, {.name = "w"}, what);
    ref.startup();
    CHECK(ref.shutdown()->ok());
  }
  SECTION("call_later") {
    auto call = troupe::call_later(program.sys(), 1s,
                                   [] { throw std::runtime_error("boom"); });
    program.sys().advance(1s);
  }
  program.end();
  const auto said = out.lines();
  REQUIRE(said.size() == 1);
  CHECK_THAT(said[0], StartsWith("troupe: ") && ContainsSubstring("boom"));
}

TEST_CASE("L40 code that hangs is one line, whoever is above it") {
  support::captured_stderr out;
  journal log;
  support::real_system sys{[](support::real_config& config) {
    config.set("troupe.complain", "stderr");
  }};
  support::trap there;
  auto hang = [&](scripted&) -> troupe::task<> {
    there.sit();
    co_return;
  };
  SECTION("past its watchdog") {
    script what;
    what.run = hang;
    auto ref = support::spawn(
      sys, log,
      {.name = "stuck", .watchdog = 5ms, .on_hang = troupe::on_hang::restart},
      what);
    ref.startup();
    CHECK(ref.wait_for_shutdown()->abandoned());
    const auto said = out.lines();
    REQUIRE(said.size() == 1);
    CHECK_THAT(said[0], StartsWith("troupe: /stuck [1] stalled: its code has "
                                   "not returned for ")
                          && ContainsSubstring(", and it is abandoned; code "
                                               "that blocks"));
  }
  SECTION("past its force period") {
    script what;
    what.run = hang;
    auto ref = support::spawn(
      sys, log,
      {.name = "stuck", .stopping_grace_period = 1ms, .force_period = 1ms},
      what);
    ref.startup();
    there.await();
    CHECK(ref.shutdown()->abandoned());
    const auto said = out.lines();
    REQUIRE(said.size() == 1);
    CHECK_THAT(said[0],
               StartsWith("troupe: worker \"stuck\" (/stuck) was abandoned: it "
                          "sits in code that did not return within"));
  }
  SECTION("but not if a report says so") {
    troupe::supervisor_spec spec{.name = "tree"};
    script what;
    what.run = hang;
    spec.add<scripted>("stuck", {}, std::ref(log), what);
    auto tree = troupe::spawn(sys, spec);
    tree.startup();
    there.await();
    CHECK(tree.shutdown(100ms).size() == 1);
    CHECK(out.lines().empty());
  }
}

TEST_CASE("L40 nothing is said where a log shows it, or the setting is none") {
  support::captured_stderr out;
  SECTION("the setting") {
    plain_program program{"none"};
    auto ref = program.bomb();
    ref.startup();
    program.sys().advance(1s);
    ref = {};
  }
  SECTION("virtual time without a setting") {
    journal log;
    testing_system sys;
    script what;
    what.run = support::throwing(std::runtime_error("boom"));
    support::spawn(sys, log, {}, what).startup();
  }
  SECTION("a log") {
    log_file file;
    journal log;
    {
      troupe::config config;
      caf::put(config.content, "troupe.complain", std::string{"stderr"});
      file.attach_to(config, "error");
      testing_system sys{config};
      script what;
      what.run = support::throwing(std::runtime_error("boom"));
      support::spawn(sys, log, {}, what).startup();
    }
    CHECK(file.lines("boom").size() == 1);
  }
  CHECK(out.lines().empty());
}

TEST_CASE("L40 a pipe that is full, or that nobody reads, holds up nobody") {
  support::captured_stderr out;
  plain_program program;
  auto ref = program.bomb();
  ref.startup();
  SECTION("full") {
    out.clog();
  }
  SECTION("unread") {
    out.stop_reading();
  }
  ref = {};
  program.sys().advance(1s);
  SUCCEED("it has come back");
}
