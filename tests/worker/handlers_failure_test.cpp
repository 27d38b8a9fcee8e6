// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// How handlers end their worker, and how they end with it.

#include "support/clerk.hpp"
#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/sec.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using support::clerk;
using support::client;
using support::long_text;
using support::tell;
using troupe::errc;
using troupe::outcome_kind;
using troupe::task;
using troupe::worker_state;
using lines = std::vector<std::string>;
using testing_system = troupe::testing::system;

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

TEST_CASE("L28 no handler begins once a kill has taken the coroutines") {
  // A kill that comes while finish() destroys run(): a message behind the
  // handler in hand, which CAF passes on in the same go, must find nobody.
  static std::atomic<int> frames;
  frames = 0;
  struct frame {
    frame() {
      ++frames;
    }
    ~frame() {
      --frames;
    }
  };
  class killed : public troupe::worker {
  public:
    explicit killed(std::shared_future<void> all_sent)
      : all_sent_(std::move(all_sent)) {
      // nop
    }

    task<> run() override {
      struct last_act {
        killed* self;
        ~last_act() {
          const caf::actor own{self->self()};
          tell(own, caf::exit_msg{own.address(), caf::exit_reason::kill});
        }
      };
      const last_act at_end{this};
      co_await sleep_for(1h);
    }

    troupe::message_handlers handlers() override {
      return {
        [this](float) { all_sent_.wait(); },
        [this](caf::put_atom) { finish(); },
        [this](caf::get_atom) -> task<int32_t> {
          const frame here;
          co_await sleep_for(1h);
          co_return 1;
        },
      };
    }

  private:
    std::shared_future<void> all_sent_;
  };
  const auto messages_before = GENERATE(1, 2, 3, 4);
  std::promise<void> all_sent;
  support::real_system sys;
  caf::scoped_actor client{sys.sys()};
  auto ref = troupe::spawn<killed>(sys, {}, all_sent.get_future().share());
  REQUIRE(!ref.startup());
  for (int i = 0; i < messages_before; ++i)
    tell(ref.actor(), 1.0f);
  tell(ref.actor(), caf::put_atom_v);
  auto response = support::request(client, ref.actor(), caf::infinite,
                                   caf::get_atom_v);
  all_sent.set_value();
  const auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::cancelled);
  caf::error got;
  std::move(response).receive([](int32_t) {}, [&](caf::error& x) { got = x; });
  CHECK(got == caf::sec::request_receiver_down);
  CHECK(frames == 0);
}

TEST_CASE("L28 how a worker was ended is what its outcome says") {
  support::journal log;
  testing_system sys;
  support::script what;
  std::string expected;
  auto kind = outcome_kind::failed;
  SECTION("fail() with an empty error") {
    what.run = [](support::scripted& self) -> task<> {
      self.fail(caf::error{});
      co_await self.sleep_for(1h);
    };
    expected = "fail() was given an empty error";
  }
  SECTION("finish() in on_startup()") {
    what.on_startup = [](support::scripted& self) -> task<> {
      self.finish();
      co_await self.sleep_for(1h);
    };
    expected = "finish() was called in on_startup()";
  }
  SECTION("fail() in on_startup()") {
    what.on_startup = [](support::scripted& self) -> task<> {
      self.fail(caf::make_error(caf::sec::runtime_error, "not today"));
      co_await self.sleep_for(1h);
    };
    expected = "not today";
  }
  SECTION("fail() in on_shutdown()") {
    what.run = [](support::scripted&) -> task<> { co_return; };
    what.on_shutdown = [](support::scripted& self) -> task<> {
      self.fail(caf::make_error(caf::sec::runtime_error, "not clean"));
      co_await self.sleep_for(1h);
    };
    expected = "not clean";
  }
  auto ref = support::spawn(sys, log, {}, what);
  auto begin = sys.now();
  ref.startup();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == kind);
  CHECK_THAT(to_string(*how), ContainsSubstring(expected));
  CHECK(sys.now() == begin);
}
