// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How message handlers hand something to run(); event_test.cpp and
// channel_test.cpp have the rest.

#include "troupe/channel.hpp"
#include "troupe/event.hpp"

#include "support/plain_caf.hpp"
#include "support/scenes.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using support::tell;
using troupe::outcome_kind;
using troupe::task;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

class loader : public troupe::worker {
public:
  troupe::message_handlers handlers() override {
    return {
      [this](bool) { loaded_.set(); },
    };
  }

  task<> run() override {
    co_await loaded_;
    log.push_back("loaded");
    co_await loaded_; // is still set
    log.push_back("again");
  }

  std::vector<std::string> log;

private:
  troupe::event loaded_;
};

class mill : public troupe::worker {
public:
  troupe::message_handlers handlers() override {
    return {
      [this](const std::string& x) { jobs_.push(x); },
      [this](bool) { jobs_.close(); },
    };
  }

  task<> run() override {
    while (auto x = co_await jobs_) {
      log.push_back(*x);
      if (pause > 0s)
        co_await sleep_for(pause);
    }
    log.push_back("closed");
  }

  std::vector<std::string> log;
  troupe::timespan pause{0};

private:
  troupe::channel<std::string> jobs_;
};

class impatient : public troupe::worker {
public:
  task<> run() override {
    auto race = when_any(never_set_, stop_requested());
    auto first = co_await std::move(race);
    winner = first.index;
  }

  std::size_t winner = 99;

private:
  troupe::event never_set_;
};

const std::string long_text = "a text that does not fit into the string object";

} // namespace

TEST_CASE("A4 a message handler sets the event that run() waits for") {
  testing_system sys;
  auto ref = troupe::spawn<loader>(sys);
  ref.startup();
  sys.advance(1h);
  CHECK(ref.state() == worker_state::running);
  tell(ref.actor(), true);
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.worker()->log == std::vector<std::string>{"loaded", "again"});
}

TEST_CASE("A4 a message handler hands values to run() through a channel") {
  testing_system sys;
  auto ref = troupe::spawn<mill>(sys);
  ref.startup();
  for (int i = 0; i < 3; ++i)
    tell(ref.actor(), long_text + std::to_string(i));
  tell(ref.actor(), true);
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.worker()->log
        == std::vector<std::string>{long_text + "0", long_text + "1",
                                    long_text + "2", "closed"});
}

TEST_CASE("A4 a stop does not wake who waits for an event or a channel") {
  testing_system sys;
  auto waiting = troupe::spawn<loader>(sys, {.stopping_grace_period = 10s});
  auto receiving = troupe::spawn<mill>(sys, {.stopping_grace_period = 10s});
  waiting.startup();
  receiving.startup();
  waiting.gracefully_stop();
  receiving.gracefully_stop();
  sys.advance(9s);
  CHECK(waiting.state() == worker_state::stopping);
  CHECK(receiving.state() == worker_state::stopping);
  SECTION("a handler still can") {
    tell(waiting.actor(), true);
    tell(receiving.actor(), true);
    CHECK(waiting.wait_for_shutdown()->ok());
    CHECK(receiving.wait_for_shutdown()->ok());
  }
  SECTION("the grace period ends it") {
    CHECK(waiting.wait_for_shutdown()->kind() == outcome_kind::forced);
    CHECK(receiving.wait_for_shutdown()->kind() == outcome_kind::forced);
    CHECK(waiting.worker()->log.empty());
    CHECK(receiving.worker()->log.empty());
  }
}

TEST_CASE("A4 with stop_requested() in when_any, the stop does wake it") {
  testing_system sys;
  auto ref = troupe::spawn<impatient>(sys);
  ref.startup();
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.worker()->winner == 1);
}
