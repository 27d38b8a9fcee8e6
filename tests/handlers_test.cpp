// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/handlers.hpp"

#include "support/plain_caf.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker.hpp"

#include <caf/actor_system.hpp>
#include <caf/expected.hpp>
#include <caf/response_promise.hpp>
#include <caf/result.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/sec.hpp>
#include <caf/timespan.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using support::tell;
using troupe::errc;
using troupe::outcome_kind;
using troupe::task;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

/// The answer to a request, or the error.
template <class T>
struct answer {
  std::optional<T> value;
  caf::error error;
};

/// Requests that a plain CAF actor has sent and not yet looked at.
class client {
public:
  explicit client(testing_system& sys) : sys_(sys), self_(sys.sys()) {
    // nop
  }

  template <class T, class... Ts>
  answer<T> ask(const caf::actor& target, Ts... xs) {
    answer<T> result;
    auto response = support::request(self_, target, troupe::infinite,
                                     std::move(xs)...);
    sys_.await_mail(self_);
    std::move(response).receive([&](T& x) { result.value = std::move(x); },
                                [&](caf::error& x) { result.error = x; });
    return result;
  }

  template <class... Ts>
  answer<bool> ask_void(const caf::actor& target, Ts... xs) {
    answer<bool> result;
    auto response = support::request(self_, target, troupe::infinite,
                                     std::move(xs)...);
    sys_.await_mail(self_);
    std::move(response).receive([&] { result.value = true; },
                                [&](caf::error& x) { result.error = x; });
    return result;
  }

  caf::scoped_actor& self() noexcept {
    return self_;
  }

private:
  testing_system& sys_;
  caf::scoped_actor self_;
};

/// Longer than what a std::string keeps inside of itself.
const std::string long_text = "a text that does not fit into the string object";

/// Answers in all ways in which a handler can.
class clerk : public troupe::worker {
public:
  troupe::message_handlers handlers() override {
    return {
      // plain
      [this](const std::string& x) {
        log.push_back(x);
        return x + "!";
      },
      [this](bool) { log.push_back("bool"); },
      [](int8_t x) -> caf::result<int8_t> {
        if (x < 0)
          return caf::make_error(caf::sec::invalid_argument, "below zero");
        return x;
      },
      [](int16_t x) -> caf::expected<int16_t> {
        if (x < 0)
          return caf::make_error(caf::sec::invalid_argument, "below zero");
        return x;
      },
      // coroutines
      [this](int32_t x) -> task<int32_t> {
        co_await sleep_for(1s);
        co_return x * 2;
      },
      [this](std::string who, int32_t n) -> task<std::string> {
        // The message is gone while this waits; the copy is not.
        for (int32_t i = 0; i < n; ++i)
          co_await sleep_for(1s);
        log.push_back(who);
        co_return who + long_text;
      },
      [this](int64_t x) -> task<> {
        co_await sleep_for(1s);
        log.push_back(std::to_string(x));
      },
      [this](double) -> task<int32_t> {
        co_await sleep_for(1s);
        throw std::runtime_error("later");
      },
      [](float) -> int32_t { throw std::runtime_error("at once"); },
      [](uint8_t) { throw 42; },
      [this](uint16_t) { finish(); },
      [this](uint32_t) {
        fail(caf::make_error(caf::sec::runtime_error, "no more of this"));
      },
      [this](uint64_t) -> task<int32_t> {
        co_await sleep_for(1s);
        fail(caf::make_error(caf::sec::runtime_error, "no more of this"));
        co_return 1;
      },
      [this](int32_t, int32_t) -> task<int32_t> {
        co_await sleep_for(1s);
        finish();
        co_return 1;
      },
    };
  }

  task<> run() override {
    log.push_back("run");
    struct note {
      std::vector<std::string>& log;
      ~note() {
        log.push_back("run gone");
      }
    };
    note on_end{log};
    co_await stop_requested();
    log.push_back("run returns");
  }

  task<> on_shutdown() override {
    log.push_back("on_shutdown");
    co_return;
  }

  std::vector<std::string> log;
};

using lines = std::vector<std::string>;

} // namespace

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

// -- failures ------------------------------------------------------------------

TEST_CASE("L28 a handler that throws fails the worker, and the requester is "
          "told") {
  testing_system sys;
  client c{sys};
  auto ref = troupe::spawn<clerk>(sys, {.name = "clerk"});
  ref.startup();
  auto actor = ref.actor();
  caf::error got;
  std::string text;
  SECTION("a plain one") {
    got = c.ask<int32_t>(actor, 1.0f).error;
    text = "at once";
  }
  SECTION("with something that is no standard exception") {
    got = c.ask_void(actor, uint8_t{1}).error;
    text = "unknown type";
  }
  SECTION("a coroutine") {
    got = c.ask<int32_t>(actor, 1.0).error;
    text = "later";
  }
  SECTION("while another one waits, which is destroyed") {
    tell(actor, std::string{"never"}, int32_t{1000});
    got = c.ask<int32_t>(actor, 1.0).error;
    text = "later";
  }
  CHECK(got == errc::worker_failed);
  CHECK_THAT(troupe::text_of(got),
             ContainsSubstring("\"clerk\"") && ContainsSubstring(text));
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::failed);
  CHECK_THAT(troupe::text_of(how->reason()), ContainsSubstring(text));
  CHECK(how->thrown() != nullptr);
  CHECK(ref.state() == worker_state::stopped);
  CHECK(ref.worker()->log == lines{"run", "run gone", "on_shutdown"});
}

TEST_CASE(
  "L28 a one-way message whose handler throws fails the worker as well") {
  testing_system sys;
  auto ref = troupe::spawn<clerk>(sys);
  ref.startup();
  tell(ref.actor(), 1.0f);
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::failed);
  CHECK_THROWS_AS(how->rethrow(), std::runtime_error);
}

TEST_CASE("L28 fail() in a handler fails the worker with that very error, and "
          "the requester gets it") {
  testing_system sys;
  client c{sys};
  auto ref = troupe::spawn<clerk>(sys);
  ref.startup();
  auto actor = ref.actor();
  caf::error got;
  SECTION("a plain one") {
    got = c.ask_void(actor, uint32_t{1}).error;
  }
  SECTION("a coroutine") {
    got = c.ask<int32_t>(actor, uint64_t{1}).error;
  }
  CHECK(got == caf::sec::runtime_error);
  CHECK_THAT(caf::to_string(got), ContainsSubstring("no more of this"));
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::failed);
  CHECK(how->reason() == caf::sec::runtime_error);
  CHECK(ref.worker()->log == lines{"run", "run gone", "on_shutdown"});
}

TEST_CASE("L28 finish() in a handler is as if run() had returned") {
  testing_system sys;
  client c{sys};
  auto ref = troupe::spawn<clerk>(sys);
  ref.startup();
  auto actor = ref.actor();
  SECTION("a plain one") {
    CHECK(c.ask_void(actor, uint16_t{1}).value == true);
  }
  SECTION("a coroutine, which answers nevertheless") {
    CHECK(c.ask<int32_t>(actor, int32_t{1}, int32_t{1}).value == 1);
  }
  SECTION("another one may go on to its end first") {
    tell(actor, std::string{"slow"}, int32_t{3});
    tell(actor, uint16_t{1});
    sys.advance(10s);
    CHECK(ref.wait_for_shutdown()->ok());
    CHECK(ref.worker()->log == lines{"run", "run gone", "slow", "on_shutdown"});
    return;
  }
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->ok());
  CHECK(ref.state() == worker_state::stopped);
  CHECK(ref.worker()->log == lines{"run", "run gone", "on_shutdown"});
}

TEST_CASE(
  "L28 finish() and fail() in run() itself end it where it waits next") {
  class ending : public troupe::worker {
  public:
    explicit ending(bool well) : well_(well) {
      // nop
    }

    task<> run() override {
      if (well_)
        finish();
      else
        fail(caf::make_error(caf::sec::runtime_error));
      co_await sleep_for(1h);
      went_on = true;
    }

    bool went_on = false;

  private:
    bool well_;
  };
  testing_system sys;
  auto begin = sys.now();
  auto good = troupe::spawn<ending>(sys, {}, true);
  good.startup();
  CHECK(good.wait_for_shutdown()->ok());
  auto bad = troupe::spawn<ending>(sys, {}, false);
  bad.startup();
  CHECK(bad.wait_for_shutdown()->reason() == caf::sec::runtime_error);
  CHECK_FALSE(good.worker()->went_on);
  CHECK_FALSE(bad.worker()->went_on);
  CHECK(sys.now() == begin);
}

TEST_CASE("L28 a stop wakes handlers that sleep, and lets them answer") {
  testing_system sys;
  client c{sys};
  auto ref = troupe::spawn<clerk>(sys);
  ref.startup();
  auto actor = ref.actor();
  auto response = support::request(c.self(), actor, troupe::infinite,
                                   std::string{"slow"}, int32_t{2});
  sys.run();
  auto begin = sys.now();
  ref.gracefully_stop();
  std::optional<std::string> got;
  sys.await_mail(c.self());
  std::move(response).receive([&](std::string& x) { got = x; },
                              [](caf::error&) {});
  CHECK(got == "slow" + long_text);
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(sys.now() - begin == 1s);
}

TEST_CASE("L28 a force destroys handlers, and their requesters get an error") {
  testing_system sys;
  client c{sys};
  auto ref = troupe::spawn<clerk>(sys);
  ref.startup();
  auto response = support::request(c.self(), ref.actor(), troupe::infinite,
                                   long_text, int32_t{2});
  sys.run();
  ref.force_stop();
  caf::error got;
  sys.await_mail(c.self());
  std::move(response).receive([](std::string&) {},
                              [&](caf::error& x) { got = x; });
  CHECK(got);
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::forced);
  CHECK(ref.worker()->log == lines{"run", "run gone", "on_shutdown"});
}
