// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/when.hpp"

#include "support/counted.hpp"
#include "support/plain_caf.hpp"
#include "support/scenes.hpp"
#include "troupe/event.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include "system/find_pump.hpp"

#include <caf/actor_system.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/response_promise.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using support::scene;
using troupe::task;
using troupe::testing::counted;
using testing_system = troupe::testing::system;

namespace {

/// Never answers by itself.
struct silent_server {
  std::vector<caf::response_promise> open;
  caf::actor actor;

  explicit silent_server(testing_system& sys) {
    actor = sys.sys().spawn([this](caf::event_based_actor* self) {
      return caf::behavior{
        [this, self](int32_t) {
          open.push_back(self->make_response_promise());
          return open.back();
        },
      };
    });
  }

  ~silent_server() {
    open.clear();
    support::tell(actor, caf::exit_msg{actor.address(),
                                       caf::exit_reason::user_shutdown});
  }
};

std::size_t pending_timers(testing_system& sys) {
  return troupe::testing::find_pump(sys)->clock().pending();
}

/// Blocks a thread until the token is set; a function for `offload`.
auto until_stopped(std::atomic<int>& returned) {
  return [&returned](std::stop_token stop) {
    std::mutex mtx;
    std::condition_variable_any signal;
    std::unique_lock guard{mtx};
    signal.wait(guard, stop, [] { return false; });
    ++returned;
    return std::string{"stopped, and that is too long for a small string"};
  };
}

} // namespace

// -- when_all ------------------------------------------------------------------

TEST_CASE("A7 when_all gives all results, owning ones too") {
  testing_system sys;
  std::optional<std::tuple<bool, std::string>> got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto text = [](std::string x) -> task<std::string> { co_return x + x; };
    auto both = w.when_all(w.sleep_for(1s),
                           text("a text that needs memory of its own"));
    got = co_await std::move(both);
  });
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  REQUIRE(got);
  CHECK(std::get<0>(*got));
  CHECK(std::get<1>(*got)
        == "a text that needs memory of its own"
           "a text that needs memory of its own");
}

TEST_CASE("A7 a stop wakes each part of when_all by the part's own rule") {
  testing_system sys;
  silent_server server{sys};
  std::vector<std::string> log;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto sleeping = [&]() -> task<> {
      auto passed = co_await w.sleep_for(1h);
      log.push_back(passed ? "slept" : "woken");
    };
    auto waiting = [&]() -> task<> {
      co_await w.stop_requested();
      log.push_back("stop");
    };
    auto asking = [&]() -> task<> {
      auto x = co_await w.ask<int32_t>(server.actor, 1h, int32_t{1});
      log.push_back("reply " + std::to_string(*x));
    };
    auto all = w.when_all(sleeping(), waiting(), asking());
    co_await std::move(all);
    log.push_back("all");
  });
  ref.startup();
  sys.advance(1s);
  ref.gracefully_stop();
  sys.advance(1s);
  CHECK(log.size() == 2);
  CHECK(ref.state() == troupe::worker_state::stopping);
  REQUIRE(server.open.size() == 1);
  server.open[0].deliver(int32_t{9});
  CHECK(ref.wait_for_shutdown()->ok());
  std::sort(log.begin(), log.begin() + 2);
  CHECK(log == std::vector<std::string>{"stop", "woken", "reply 9", "all"});
}

TEST_CASE("A7 a force destroys all parts of when_all, and nothing resumes") {
  counted::reset();
  testing_system sys;
  auto timers = pending_timers(sys);
  silent_server server{sys};
  troupe::event never_set;
  int resumed = 0;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto sleeping = [&](counted) -> task<> {
      co_await w.sleep_for(1h);
      ++resumed;
    };
    auto asking = [&](counted) -> task<> {
      static_cast<void>(co_await w.ask<int32_t>(server.actor, 1h, int32_t{1}));
      ++resumed;
    };
    auto idle = [&](counted) -> task<> {
      co_await never_set;
      ++resumed;
    };
    auto stopping = [&](counted) -> task<> {
      co_await w.stop_requested();
      ++resumed;
    };
    auto all = w.when_all(sleeping(counted{1}), asking(counted{2}),
                          idle(counted{3}), stopping(counted{4}));
    co_await std::move(all);
    ++resumed;
  });
  ref.startup();
  sys.run();
  CHECK(counted::alive() == 4);
  ref.force_stop();
  CHECK(ref.wait_for_shutdown()->kind() == troupe::outcome_kind::forced);
  CHECK(counted::alive() == 0);
  CHECK(counted::mistakes() == 0);
  CHECK(resumed == 0);
  CHECK(pending_timers(sys) == timers);
}

TEST_CASE("A7 a failing part of when_all fails the worker, others are gone") {
  counted::reset();
  testing_system sys;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto sleeping = [&](counted) -> task<> { co_await w.sleep_for(1h); };
    auto failing = [&](counted) -> task<> {
      co_await w.sleep_for(1s);
      throw std::runtime_error("part of a whole");
    };
    auto all = w.when_all(sleeping(counted{1}), failing(counted{2}));
    co_await std::move(all);
  });
  auto begin = sys.now();
  ref.startup();
  auto how = ref.wait_for_shutdown();
  CHECK(how->kind() == troupe::outcome_kind::failed);
  CHECK_THROWS_AS(how->rethrow(), std::runtime_error);
  CHECK(counted::alive() == 0);
  CHECK(sys.now() - begin == 1s);
}

// -- when_any ------------------------------------------------------------------

TEST_CASE("A8 a stop wins over an ask, which is dropped at once") {
  testing_system sys;
  auto timers = pending_timers(sys);
  silent_server server{sys};
  std::optional<std::size_t> winner;
  bool slept = false;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto race = w.when_any(w.ask<int32_t>(server.actor, 1h, int32_t{1}),
                           w.stop_requested());
    auto first = co_await std::move(race);
    winner = first.index;
    slept = co_await w.sleep_for(1s); // the stop's one wake-up
    slept = co_await w.sleep_for(1s);
  });
  ref.startup();
  sys.run();
  REQUIRE(server.open.size() == 1);
  auto begin = sys.now();
  ref.gracefully_stop();
  sys.run();
  CHECK(winner == 1);
  server.open[0].deliver(int32_t{1});
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(slept);
  CHECK(sys.now() - begin == 1s);
  CHECK(pending_timers(sys) == timers);
}

TEST_CASE("A8 an offloaded call that lost is told to stop, and waited for") {
  testing_system sys;
  std::atomic<int> returned = 0;
  int seen = -1;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto call = until_stopped(returned);
    auto race = w.when_any(w.offload(std::move(call)), w.yield());
    auto first = co_await std::move(race);
    CHECK(first.index == 1);
    seen = returned;
  });
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(seen == 1);
}

TEST_CASE("A8 a sleep bounds the wait for an event") {
  testing_system sys;
  auto begin = sys.now();
  troupe::event nothing;
  std::optional<std::size_t> winner;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto race = w.when_any(nothing, w.sleep_for(3s));
    auto first = co_await std::move(race);
    winner = first.index;
  });
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(winner == 1);
  CHECK(sys.now() - begin == 3s);
}

TEST_CASE("A8 a message is not lost when its wait loses a race") {
  using consumer = support::scene_consumer<int32_t>;
  // Both come in the same instant; whoever wins, the message stays.
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    testing_system sys{{.seed = seed}};
    troupe::event bell;
    std::vector<int32_t> got;
    auto ref = troupe::spawn<consumer>(sys, {}, [&](consumer& w) -> task<> {
      auto race = w.when_any(bell, w.get_message());
      auto first = co_await std::move(race);
      if (first.index == 1)
        got.push_back(std::get<1>(first.value).value_or(-1));
      while (auto m = co_await w.get_message())
        got.push_back(*m);
    });
    ref.startup();
    sys.run();
    if (seed % 2 == 0)
      bell.set();
    CHECK(ref.send(1));
    if (seed % 2 != 0)
      bell.set();
    CHECK(ref.send(2));
    ref.drain();
    CHECK(ref.wait_for_shutdown()->ok());
    CHECK(got == std::vector<int32_t>{1, 2});
    CHECK(ref.queue().handled == 2);
  }
}

TEST_CASE("A8 a force destroys all parts of when_any") {
  counted::reset();
  testing_system sys;
  silent_server server{sys};
  bool resumed = false;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto asking = [&](counted) -> task<> {
      static_cast<void>(co_await w.ask<int32_t>(server.actor, 1h, int32_t{1}));
    };
    auto sleeping = [&](counted) -> task<> { co_await w.sleep_for(1h); };
    auto race = w.when_any(asking(counted{1}), sleeping(counted{2}));
    static_cast<void>(co_await std::move(race));
    resumed = true;
  });
  ref.startup();
  sys.run();
  CHECK(counted::alive() == 2);
  ref.force_stop();
  CHECK(ref.wait_for_shutdown()->kind() == troupe::outcome_kind::forced);
  CHECK(counted::alive() == 0);
  CHECK(counted::mistakes() == 0);
  CHECK_FALSE(resumed);
}

TEST_CASE("A8 a force waits for the offloaded call in a race") {
  testing_system sys;
  std::atomic<int> returned = 0;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto call = until_stopped(returned);
    auto race = w.when_any(w.offload(std::move(call)), w.sleep_for(1h));
    static_cast<void>(co_await std::move(race));
  });
  ref.startup();
  ref.force_stop();
  auto how = ref.wait_for_shutdown();
  CHECK(how->kind() == troupe::outcome_kind::forced);
  CHECK_FALSE(how->abandoned());
  CHECK(returned == 1);
}
