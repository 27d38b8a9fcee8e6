// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How handlers answer; how they fail: handlers_failure_test.cpp.

#include "troupe/handlers.hpp"

#include "support/clerk.hpp"
#include "support/plain_caf.hpp"
#include "troupe/spawn.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/supervisor_spec.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/sec.hpp>
#include <caf/timespan.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using support::clerk;
using support::client;
using support::long_text;
using support::tell;
using troupe::task;
using troupe::worker_state;
using lines = std::vector<std::string>;
using testing_system = troupe::testing::system;

// -- answers -------------------------------------------------------------------

TEST_CASE("L28 a plain handler answers, with a value, an error or nothing") {
  testing_system sys;
  client c{sys};
  auto ref = troupe::spawn<clerk>(sys);
  ref.startup();
  auto actor = ref.actor();
  CHECK(c.ask<std::string>(actor, long_text).value == long_text + "!");
  CHECK(c.ask_void(actor, true).value == true);
  CHECK(c.ask<int8_t>(actor, int8_t{1}).value == int8_t{1});
  CHECK(c.ask<int8_t>(actor, int8_t{-1}).error == caf::sec::invalid_argument);
  CHECK(c.ask<int16_t>(actor, int16_t{1}).value == int16_t{1});
  CHECK(c.ask<int16_t>(actor, int16_t{-1}).error == caf::sec::invalid_argument);
  // One-way messages are handled as well.
  tell(actor, std::string{"one way"});
  sys.run();
  CHECK(ref.shutdown()->ok());
  CHECK(ref.worker()->log
        == lines{"run", long_text, "bool", "one way", "run returns", "run gone",
                 "on_shutdown"});
}

TEST_CASE(
  "L28 a handler may be a coroutine, and its request is answered when it "
  "returns") {
  testing_system sys;
  client c{sys};
  auto ref = troupe::spawn<clerk>(sys);
  ref.startup();
  auto actor = ref.actor();
  auto begin = sys.now();
  CHECK(c.ask<int32_t>(actor, int32_t{21}).value == 42);
  CHECK(sys.now() - begin == 1s);
  CHECK(c.ask_void(actor, int64_t{7}).value == true);
  CHECK(sys.now() - begin == 2s);
  CHECK(c.ask<std::string>(actor, long_text, int32_t{0}).value
        == long_text + long_text);
  CHECK(c.ask<std::string>(actor, long_text, int32_t{3}).value
        == long_text + long_text);
  CHECK(sys.now() - begin == 5s);
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("L28 coroutine handlers run side by side") {
  testing_system sys;
  auto ref = troupe::spawn<clerk>(sys);
  ref.startup();
  auto actor = ref.actor();
  auto begin = sys.now();
  tell(actor, std::string{"slow"}, int32_t{3});
  tell(actor, std::string{"fast"}, int32_t{1});
  sys.run_until([&] { return false; }, 10s);
  CHECK(sys.now() - begin == 10s);
  CHECK(ref.shutdown()->ok());
  CHECK(
    ref.worker()->log
    == lines{"run", "fast", "slow", "run returns", "run gone", "on_shutdown"});
}

TEST_CASE("L28 requests sent before the start are answered after it") {
  testing_system sys;
  client c{sys};
  auto ref = troupe::spawn<clerk>(sys);
  auto actor = ref.actor();
  auto first = support::request(c.self(), actor, troupe::infinite,
                                std::string{"early"});
  auto second = support::request(c.self(), actor, troupe::infinite, int32_t{4});
  auto third = support::request(c.self(), actor, troupe::infinite,
                                caf::timespan{1});
  sys.advance(1h);
  CHECK(ref.state() == worker_state::init);
  ref.startup();
  std::optional<std::string> text;
  std::optional<int32_t> number;
  caf::error unknown;
  sys.await_mail(c.self());
  std::move(first).receive([&](std::string& x) { text = x; },
                           [](caf::error&) {});
  sys.advance(2s);
  std::move(second).receive([&](int32_t x) { number = x; }, [](caf::error&) {});
  std::move(third).receive([](caf::timespan) {},
                           [&](caf::error& x) { unknown = x; });
  CHECK(text == "early!");
  CHECK(number == 8);
  CHECK(unknown == caf::sec::unexpected_message);
  CHECK(ref.shutdown()->ok());
  CHECK(ref.worker()->log.at(0) == "run");
}

TEST_CASE("L28 requests sent before the start of a worker without handlers are "
          "refused after it") {
  class mute : public troupe::worker {
  public:
    task<> run() override {
      co_await stop_requested();
    }
  };
  testing_system sys;
  client c{sys};
  auto ref = troupe::spawn<mute>(sys);
  auto actor = ref.actor();
  auto early = support::request(c.self(), actor, troupe::infinite,
                                std::string{"early"});
  ref.startup();
  caf::error got;
  sys.await_mail(c.self(), 1min);
  REQUIRE(c.self()->has_next_message());
  std::move(early).receive([](std::string&) {},
                           [&](caf::error& x) { got = x; });
  CHECK(got == caf::sec::unexpected_message);
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("L28 messages that come while on_startup() runs wait for run()") {
  class slow_start : public clerk {
  public:
    task<> on_startup() override {
      co_await sleep_for(5s);
      log.push_back("started");
    }
  };
  testing_system sys;
  client c{sys};
  auto ref = troupe::spawn<slow_start>(sys);
  ref.start();
  sys.advance(1s);
  auto begin = sys.now();
  CHECK(c.ask<std::string>(ref.actor(), std::string{"x"}).value == "x!");
  CHECK(sys.now() - begin == 4s);
  CHECK(ref.shutdown()->ok());
  auto& log = ref.worker()->log;
  REQUIRE(log.size() >= 3);
  CHECK(log[0] == "started");
  CHECK(log[1] == "run");
  CHECK(log[2] == "x");
}

// -- readiness -----------------------------------------------------------------

namespace {

/// A client of something that takes a while to be connected to.
class connected : public troupe::worker {
public:
  task<> run() override {
    static_cast<void>(co_await sleep_for(5s));
    ready();
    is_connected_ = true;
    co_await stop_requested();
  }

  troupe::message_handlers handlers() override {
    return {
      [this](int32_t x) { return is_connected_ ? x : -x; },
      [](caf::put_atom) { throw std::runtime_error{"cut off"}; },
    };
  }

private:
  bool is_connected_ = false;
};

} // namespace

TEST_CASE("L28 with explicit_ready requests wait until the worker is ready") {
  testing_system sys;
  client c{sys};
  auto ref = troupe::spawn<connected>(
    sys, {.readiness = troupe::readiness::explicit_ready});
  const auto begin = sys.now();
  ref.start();
  sys.run();
  CHECK(ref.phase() == troupe::worker_phase::starting);
  CHECK(c.ask<int32_t>(ref.actor(), int32_t{4}).value == 4);
  CHECK(sys.now() - begin == 5s);
  CHECK(c.ask<int32_t>(ref.actor(), int32_t{5}).value == 5);
  CHECK(sys.now() - begin == 5s);
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("L28 with explicit_serving handlers serve as soon as run() begins") {
  testing_system sys;
  client c{sys};
  auto ref = troupe::spawn<connected>(
    sys, {.readiness = troupe::readiness::explicit_serving});
  ref.start();
  CHECK(c.ask<int32_t>(ref.actor(), int32_t{4}).value == -4);
  CHECK(ref.phase() == troupe::worker_phase::starting);
  sys.advance(5s);
  CHECK(ref.phase() == troupe::worker_phase::ready);
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("L28 requests wait for each life to be ready") {
  testing_system sys;
  client c{sys};
  troupe::supervisor_spec tree{.name = "tree"};
  tree.add<connected>(
    "client", {.worker = {.readiness = troupe::readiness::explicit_ready}});
  const auto top = troupe::spawn(sys, tree);
  REQUIRE(!top.startup());
  const auto ref = top.child("client");
  const auto begin = sys.now();
  tell(ref.actor(), caf::put_atom_v);
  CHECK(c.ask<int32_t>(ref.actor(), int32_t{4}).value == 4);
  CHECK(ref.status().incarnation == 2);
  CHECK(sys.now() - begin == 5s);
  CHECK(top.shutdown()->ok());
}

TEST_CASE("L28 a stop before a worker is ready refuses what has waited") {
  testing_system sys;
  client c{sys};
  auto ref = troupe::spawn<connected>(
    sys, {.readiness = troupe::readiness::explicit_ready});
  ref.start();
  auto response = support::request(c.self(), ref.actor(), troupe::infinite,
                                   int32_t{4});
  sys.advance(1s);
  ref.gracefully_stop();
  caf::error got;
  sys.await_mail(c.self());
  std::move(response).receive([](int32_t) {}, [&](caf::error& x) { got = x; });
  CHECK(got == caf::sec::request_receiver_down);
  CHECK(ref.wait_for_shutdown());
}

// -- what a worker does not know ---------------------------------------------------

TEST_CASE(
  "L28 an unknown message gets an error and does not touch the worker") {
  testing_system sys;
  client c{sys};
  auto ref = troupe::spawn<clerk>(sys);
  ref.startup();
  auto actor = ref.actor();
  CHECK(c.ask<caf::timespan>(actor, caf::timespan{1}).error
        == caf::sec::unexpected_message);
  CHECK(
    c.ask<caf::timespan>(actor, caf::timespan{1}, std::string{"y"}, 1.0).error
    == caf::sec::unexpected_message);
  // One way, and things that CAF itself has an opinion about.
  tell(actor, caf::timespan{1});
  tell(actor, caf::make_error(caf::sec::runtime_error, "not yours"));
  tell(actor,
       caf::down_msg{actor.address(), caf::make_error(caf::exit_reason::kill)});
  tell(actor, caf::make_message());
  sys.run();
  CHECK(ref.state() == worker_state::running);
  CHECK(c.ask<std::string>(actor, std::string{"still"}).value == "still!");
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("L28 a request while the worker cleans up, or after its end, gets an "
          "error") {
  class slow_end : public clerk {
  public:
    task<> on_shutdown() override {
      co_await sleep_for(5s);
    }
  };
  testing_system sys;
  client c{sys};
  auto ref = troupe::spawn<slow_end>(sys);
  ref.startup();
  auto actor = ref.actor();
  ref.gracefully_stop();
  sys.advance(1s);
  CHECK(ref.phase() == troupe::worker_phase::cleaning_up);
  CHECK(c.ask<std::string>(actor, std::string{"x"}).error
        == caf::sec::request_receiver_down);
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(c.ask<std::string>(actor, std::string{"x"}).error
        == caf::sec::request_receiver_down);
}
