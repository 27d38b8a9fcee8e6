// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// What CAF's logger hears of the life of a worker.

#include "troupe/worker.hpp"

#include "support/log_file.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"

#include "troupe/config.hpp"
#include "troupe/testing.hpp"

#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <functional>
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
