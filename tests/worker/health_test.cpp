// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/health.hpp"

#include "support/log_file.hpp"
#include "support/real_system.hpp"

#include "troupe/ask.hpp"
#include "troupe/blocking_worker.hpp"
#include "troupe/event_log.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"
#include "troupe/tree_status.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <latch>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using troupe::event_kind;
using troupe::health;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

/// Says about itself what it is told to say.
class patient : public troupe::worker {
public:
  troupe::message_handlers handlers() override {
    return {
      [this](const std::string& reason) {
        if (reason.empty())
          healthy();
        else
          degraded(reason);
      },
      [](bool) { throw std::runtime_error{"too much"}; },
    };
  }

  task<> run() override {
    co_await stop_requested();
  }
};

void say(const troupe::worker_handle& to, const std::string& what) {
  static_cast<void>(troupe::ask<void>(to, troupe::infinite, what));
}

std::vector<event_kind> kinds(const troupe::event_log& log) {
  std::vector<event_kind> result;
  for (const auto& x : log.events())
    result.push_back(x.kind);
  return result;
}

} // namespace

TEST_CASE("L34 a worker is healthy until it says otherwise") {
  testing_system sys;
  auto ref = troupe::spawn<patient>(sys, {.name = "p"});
  CHECK(ref.health() == health::healthy);
  ref.startup();
  CHECK(ref.health() == health::healthy);
  say(ref, "the disk is slow");
  CHECK(ref.health() == health::degraded);
  auto status = ref.status();
  CHECK(status.health == health::degraded);
  CHECK(status.health_reason == "the disk is slow");
  CHECK_THAT(to_string(status),
             ContainsSubstring("degraded: the disk is slow"));
  say(ref, "");
  CHECK(ref.health() == health::healthy);
  CHECK(ref.status().health_reason.empty());
  ref.shutdown();
}

TEST_CASE("L34 a change is an event, and saying it again is none") {
  testing_system sys;
  auto ref = troupe::spawn<patient>(sys, {.name = "p"});
  ref.startup();
  troupe::event_log log{sys};
  say(ref, "");
  CHECK(log.events().empty());
  say(ref, "slow");
  say(ref, "slow");
  say(ref, "slower");
  say(ref, "");
  say(ref, "");
  CHECK(kinds(log)
        == std::vector{event_kind::degraded, event_kind::degraded,
                       event_kind::recovered});
  auto events = log.events();
  CHECK(events[0].path == "/p");
  CHECK(events[0].reason == troupe::errc::degraded);
  CHECK_THAT(troupe::text_of(events[1].reason), ContainsSubstring("slower"));
  CHECK_FALSE(events[2].reason);
  ref.shutdown();
}

TEST_CASE("L34 what a life has said about itself ends with it") {
  testing_system sys;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<patient>("p");
  troupe::scoped_supervisor tree{sys, std::move(spec)};
  auto ref = *troupe::lookup<patient>(sys, "/tree/p");
  say(ref, "slow");
  CHECK(ref.health() == health::degraded);
  static_cast<void>(troupe::ask<void>(ref, troupe::infinite, true));
  sys.run();
  CHECK(ref.incarnation() == 2);
  CHECK(ref.health() == health::healthy);
  CHECK(ref.status().health_reason.empty());
  say(ref, "slow");
  ref.shutdown();
  CHECK(ref.health() == health::healthy);
  CHECK(ref.status().health == health::healthy);
}

TEST_CASE("L34 a tree is as healthy as the worst of it") {
  testing_system sys;
  troupe::supervisor_spec inner{.name = "inner"};
  inner.add<patient>("a");
  inner.add<patient>("b");
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add(std::move(inner));
  spec.add<patient>("c");
  troupe::scoped_supervisor tree{sys, std::move(spec)};
  auto root = tree.ref();
  CHECK(root.status_tree().health == health::healthy);
  auto b = *troupe::lookup<patient>(sys, "/tree/inner/b");
  say(b, "slow");
  auto all = root.status_tree();
  CHECK(all.health == health::degraded);
  CHECK(all.self.health == health::healthy);
  REQUIRE(all.children.size() == 2);
  CHECK(all.children[0].health == health::degraded);
  REQUIRE(all.children[0].children.size() == 2);
  CHECK(all.children[0].children[0].health == health::healthy);
  CHECK(all.children[0].children[1].health == health::degraded);
  CHECK(all.children[1].health == health::healthy);
  CHECK_THAT(to_string(all), ContainsSubstring("degraded: slow"));
  say(b, "");
  CHECK(root.status_tree().health == health::healthy);
  tree.shutdown();
}

TEST_CASE("L34 a status with a report can be asked for by message") {
  testing_system sys;
  auto ref = troupe::spawn<patient>(sys, {.name = "p"});
  ref.startup();
  say(ref, "slow");
  auto got = troupe::ask<troupe::worker_status>(ref, troupe::infinite,
                                                troupe::status_atom_v);
  REQUIRE(got);
  CHECK(got->health == health::degraded);
  CHECK(got->health_reason == "slow");
  ref.shutdown();
}

TEST_CASE("L34 a blocking worker reports from its own thread") {
  class device : public troupe::blocking_worker {
  public:
    explicit device(std::latch& said) : said_(said) {
      // nop
    }

    void run(std::stop_token stop) override {
      degraded("no signal");
      said_.count_down();
      static_cast<void>(sleep_for(stop, troupe::infinite));
    }

  private:
    std::latch& said_;
  };
  std::latch said{1};
  support::real_system sys;
  auto ref = troupe::spawn<device>(sys, {}, said);
  ref.startup();
  said.wait();
  CHECK(ref.health() == health::degraded);
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("L34 reports go into the log") {
  support::log_file file;
  {
    support::real_system sys{
      [&file](auto& config) { file.attach_to(config, "info"); }};
    auto ref = troupe::spawn<patient>(sys, {.name = "p"});
    ref.startup();
    say(ref, "slow");
    say(ref, "");
    ref.shutdown();
  }
  auto degraded = file.lines("/p [1] is degraded: slow");
  REQUIRE(degraded.size() == 1);
  CHECK_THAT(degraded[0], ContainsSubstring("WARN"));
  CHECK(file.lines("/p [1] is healthy again").size() == 1);
}
