// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/queue_worker.hpp"

#include "support/accounts.hpp"
#include "support/dice.hpp"
#include "support/real_system.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using support::balanced;
using support::settled;
using troupe::on_error;
using troupe::outcome_kind;
using troupe::queue_worker;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

using numbers = queue_worker<int32_t>;
using texts = queue_worker<std::string>;

const std::string long_text = "a text that does not fit into the string object";

/// Fails on some messages, each time or only so often.
struct fussy {
  std::vector<int32_t> seen;

  void take(int32_t x) {
    seen.push_back(x);
    if (x < 0)
      throw std::runtime_error("cannot take " + std::to_string(x));
  }
};

} // namespace

// -- callbacks -----------------------------------------------------------------

TEST_CASE("Q9 each message is given to the callback, a plain function") {
  testing_system sys;
  std::vector<std::string> got;
  auto ref = troupe::spawn<texts>(sys, {}, [&](std::string x) {
    got.push_back(std::move(x));
  });
  ref.startup();
  ref.send(long_text + "1");
  ref.send(long_text + "2");
  sys.run();
  ref.send(long_text + "3");
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got
        == std::vector<std::string>{long_text + "1", long_text + "2",
                                    long_text + "3"});
  CHECK(ref.queue().handled == 3);
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q9 the callback may be a coroutine, with or without a copy") {
  testing_system sys;
  std::vector<std::string> got;
  auto by_value = [&](std::string x) -> task<> {
    co_await troupe::yield();
    got.push_back(std::move(x));
  };
  auto by_reference = [&](const std::string& x) -> task<> {
    co_await troupe::yield();
    got.push_back(x);
  };
  auto run = [&](auto f) {
    auto ref = troupe::spawn<texts>(sys, {}, f);
    ref.startup();
    ref.send(long_text + "1");
    ref.send(long_text + "2");
    ref.drain();
    CHECK(ref.wait_for_shutdown()->ok());
    CHECK(got == std::vector<std::string>{long_text + "1", long_text + "2"});
    CHECK(settled(ref.queue()));
  };
  SECTION("by value") {
    run(by_value);
  }
  SECTION("by reference") {
    run(by_reference);
  }
}

TEST_CASE("Q9 the callback owns what can only be moved, and is moved itself") {
  testing_system sys;
  int sum = 0;
  auto ref = troupe::spawn<numbers>(sys, {},
                                    [&sum, unit = std::make_unique<int>(10)](
                                      int32_t x) { sum += x * *unit; });
  ref.startup();
  ref.send(4);
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(sum == 40);
}

TEST_CASE("Q9 a derived class can use what a worker can do") {
  class slow : public numbers {
  public:
    slow()
      : numbers([this](int32_t x) -> task<> {
          co_await sleep_for(1s);
          sum += x;
        }) {
      // nop
    }

    int sum = 0;
  };
  testing_system sys;
  auto begin = sys.now();
  auto ref = troupe::spawn<slow>(sys);
  ref.startup();
  ref.send(1);
  ref.send(2);
  sys.advance(2s);
  CHECK(ref.shutdown()->ok());
  CHECK(ref.worker()->sum == 3);
  CHECK(sys.now() - begin == 2s);
}

// -- on_error ------------------------------------------------------------------

TEST_CASE("Q9 by default a callback that fails fails the worker") {
  testing_system sys;
  fussy taker;
  auto ref = troupe::spawn<numbers>(sys, {}, [&](int32_t x) { taker.take(x); });
  for (int32_t x : {1, -2, 3})
    ref.send(x);
  ref.startup();
  auto how = ref.wait_for_shutdown();
  CHECK(how->kind() == outcome_kind::failed);
  CHECK_THAT(troupe::text_of(how->reason()), ContainsSubstring("cannot take"));
  CHECK(taker.seen == std::vector<int32_t>{1, -2});
  auto x = ref.queue();
  CHECK(x.handled == 1);
  CHECK(x.lost == 1);
  CHECK(x.discarded == 1);
  CHECK(settled(x));
}

TEST_CASE("Q9 skip leaves the message out, and counts it as failed") {
  testing_system sys;
  fussy taker;
  auto run = [&](auto f) {
    auto ref
      = troupe::spawn<numbers>(sys, {.queue = {.on_error = on_error::skip}}, f);
    ref.startup();
    for (int32_t x : {1, -2, 3, -4, -5, 6})
      ref.send(x);
    sys.run();
    CHECK(ref.queue().failed == 3);
    CHECK(balanced(ref.queue()));
    ref.drain();
    CHECK(ref.wait_for_shutdown()->ok());
    CHECK(taker.seen == std::vector<int32_t>{1, -2, 3, -4, -5, 6});
    auto x = ref.queue();
    CHECK(x.handled == 3);
    CHECK(x.dead_letters() == 3);
    CHECK(settled(x));
  };
  SECTION("a plain function") {
    run([&](int32_t x) { taker.take(x); });
  }
  SECTION("a coroutine that fails later") {
    run([&](int32_t x) -> task<> {
      co_await troupe::yield();
      taker.take(x);
    });
  }
}

TEST_CASE("Q9 retry calls again with the same message, after longer and longer "
          "delays") {
  testing_system sys;
  auto begin = sys.now();
  std::vector<std::pair<std::string, troupe::timespan>> calls;
  auto ref = troupe::spawn<texts>(
    sys,
    {.queue = {.on_error = on_error::retry(
                 3, {.initial = 1s, .factor = 2.0, .jitter = 0.0})}},
    [&](std::string x) {
      calls.emplace_back(std::move(x), sys.now() - begin);
      if (calls.size() < 3)
        throw std::runtime_error("not yet");
    });
  ref.send(long_text);
  ref.send("next");
  ref.startup();
  sys.advance(500ms);
  CHECK(ref.queue().in_progress == 1);
  CHECK(ref.queue().queued == 1);
  sys.advance(10s);
  CHECK(calls
        == std::vector<std::pair<std::string, troupe::timespan>>{
          {long_text, 0s}, {long_text, 1s}, {long_text, 3s}, {"next", 3s}});
  CHECK(ref.shutdown()->ok());
  CHECK(ref.queue().handled == 2);
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q9 when all retries have failed, the message is skipped") {
  testing_system sys;
  fussy taker;
  auto ref = troupe::spawn<numbers>(
    sys, {.queue = {.on_error = on_error::retry(2, {.initial = 1s})}},
    [&](int32_t x) { taker.take(x); });
  ref.startup();
  ref.send(-1);
  ref.send(2);
  sys.advance(1min);
  CHECK(taker.seen == std::vector<int32_t>{-1, -1, -1, 2});
  CHECK(ref.queue().failed == 1);
  CHECK(ref.shutdown()->ok());
  CHECK(ref.queue().handled == 1);
  CHECK(settled(ref.queue()));
}

TEST_CASE(
  "Q9 a stop during a backoff ends it at once, and the message counts") {
  testing_system sys;
  fussy taker;
  auto ref = troupe::spawn<numbers>(
    sys,
    {.queue = {.on_error = on_error::retry(2, {.initial = 10min, .max = 1h})}},
    [&](int32_t x) { taker.take(x); });
  ref.startup();
  ref.send(-1);
  ref.send(2);
  sys.advance(1s);
  auto begin = sys.now();
  SECTION("a stop") {
    CHECK(ref.shutdown()->ok());
    CHECK(taker.seen == std::vector<int32_t>{-1});
    CHECK(ref.queue().discarded == 1);
  }
  SECTION("a drain, which uses up the tries that are left, without delays") {
    ref.send(-3);
    ref.drain();
    CHECK(ref.wait_for_shutdown()->ok());
    CHECK(taker.seen == std::vector<int32_t>{-1, -1, -1, 2, -3, -3, -3});
    CHECK(ref.queue().handled == 1);
  }
  SECTION("a force") {
    ref.force_stop();
    CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::forced);
    CHECK(ref.queue().lost == 1);
    CHECK(ref.queue().failed == 0);
  }
  CHECK(sys.now() == begin);
  CHECK(ref.queue().failed + ref.queue().lost
        == (ref.queue().handled == 1 ? 2 : 1));
  CHECK(settled(ref.queue()));
}

// -- hand_over -----------------------------------------------------------------

TEST_CASE("Q9 a class can tell failures apart") {
  class courier : public texts {
  public:
    explicit courier(std::vector<std::string>& calls)
      : texts([this](const std::string& x) {
          calls_.push_back(x);
          if (x != "good")
            throw std::runtime_error(x + " letter");
        }),
        calls_(calls) {
      // nop
    }

  protected:
    on_error policy_for(const std::string& what,
                        const std::exception_ptr& thrown,
                        int failures) override {
      try {
        std::rethrow_exception(thrown);
      } catch (const std::runtime_error& x) {
        CHECK(x.what() == what + " letter");
      }
      if (what == "poisoned")
        return on_error::fail;
      if (what == "torn")
        return on_error::skip;
      if (what == "early") // not before the hour is over
        return on_error::retry(1, {.initial = 1h, .max = 1h, .jitter = 0.0});
      return texts::policy_for(what, thrown, failures);
    }

  private:
    std::vector<std::string>& calls_;
  };
  using list = std::vector<std::string>;
  testing_system sys;
  list calls;
  SECTION("where the options say retry") {
    auto ref = troupe::spawn<courier>(
      sys, {.queue = {.on_error = on_error::retry(2, {.initial = 1s})}}, calls);
    ref.startup();
    for (const auto* x : {"torn", "early", "odd", "good", "poisoned"})
      ref.send(x);
    sys.advance(59min);
    CHECK(calls == list{"torn", "early"});
    sys.advance(2min);
    CHECK(calls
          == list{"torn", "early", "early", "odd", "odd", "odd", "good",
                  "poisoned"});
    CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::failed);
    CHECK(ref.queue().failed == 3);
    CHECK(ref.queue().lost == 1);
    CHECK(settled(ref.queue()));
  }
  SECTION("also where they do not") {
    auto ref = troupe::spawn<courier>(sys, {}, calls);
    ref.startup();
    for (const auto* x : {"early", "torn", "odd"})
      ref.send(x);
    sys.advance(2h);
    CHECK(calls == list{"early", "early", "torn", "odd"});
    CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::failed);
    CHECK(ref.queue().failed == 2);
    CHECK(ref.queue().lost == 1);
    CHECK(settled(ref.queue()));
  }
}

TEST_CASE("Q9 a class that overrides policy_for alone keeps its messages") {
  class keeper : public texts {
  public:
    explicit keeper(std::vector<std::string>& calls)
      : texts([&calls](std::string x) { // moves it out
          calls.push_back(std::move(x));
          throw std::runtime_error("no");
        }) {
      // nop
    }

  protected:
    on_error policy_for(const std::string& what, const std::exception_ptr&,
                        int failures) override {
      CHECK(what == long_text);
      return failures < 3 ? on_error::retry(5) : on_error::fail;
    }
  };
  testing_system sys;
  std::vector<std::string> calls;
  auto ref = troupe::spawn<keeper>(sys, {}, calls);
  ref.startup();
  ref.send(long_text);
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::failed);
  CHECK(calls == std::vector<std::string>(3, long_text));
  CHECK(ref.queue().lost == 1);
}

TEST_CASE("Q6 a second function takes what is left") {
  testing_system sys;
  std::vector<std::string> rest;
  auto run = [&](auto taker) {
    auto ref = troupe::spawn<texts>(
      sys, {.queue = {.on_stop = troupe::on_stop::hand_over}},
      [](const std::string&) {}, taker);
    for (auto x : {"1", "2", "3"})
      ref.send(long_text + x);
    ref.start();
    ref.gracefully_stop();
    CHECK(ref.wait_for_shutdown()->ok());
    CHECK(ref.queue().handled == 0);
    CHECK(ref.queue().handed_over == 3);
    REQUIRE(rest.size() == 3);
    CHECK(rest.back() == long_text + "3");
    CHECK(settled(ref.queue()));
  };
  SECTION("a plain function") {
    run([&](std::vector<std::string> xs) { rest = std::move(xs); });
  }
  SECTION("a coroutine") {
    run([&](const std::vector<std::string>& xs) -> task<> {
      co_await troupe::yield();
      rest = xs;
    });
  }
}

// -- by chance -----------------------------------------------------------------

TEST_CASE("Q9 whatever fails by chance, under each policy each message is "
          "accounted for") {
  const on_error policies[]
    = {on_error::fail, on_error::skip, on_error::retry(0),
       on_error::retry(2, {.initial = 1ms, .max = 5ms}), on_error::retry(1)};
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    for (auto& policy : policies) {
      CAPTURE(seed, static_cast<int>(policy.what()), policy.times());
      support::dice dice{seed};
      testing_system sys{{.seed = seed}};
      constexpr unsigned rates[] = {0, 30, 100};
      auto percent = rates[dice.below(3)];
      std::uint64_t good = 0;
      auto ref = troupe::spawn<numbers>(
        sys,
        {.queue = {.capacity = 1 + dice.below(8),
                   .overflow = static_cast<troupe::overflow>(dice.below(4)),
                   .on_stop = static_cast<troupe::on_stop>(dice.below(3)),
                   .on_error = policy}},
        [&](int32_t) -> task<> {
          if (dice.chance(30))
            co_await troupe::yield();
          if (dice.chance(percent))
            throw std::runtime_error("by chance");
          ++good;
        },
        [&](const std::vector<int32_t>&) {
          if (dice.chance(percent))
            throw std::runtime_error("by chance");
        });
      if (dice.chance(80))
        ref.startup();
      std::uint64_t sent = 0;
      for (int i = 0; i < 40; ++i) {
        ref.send(i);
        ++sent;
        CHECK(balanced(ref.queue()));
        if (dice.chance(30))
          sys.step();
        if (dice.chance(5))
          sys.advance(dice.time(3));
        if (dice.chance(1))
          ref.drain();
        CHECK(balanced(ref.queue()));
      }
      ref.start();
      if (dice.chance(30))
        ref.force_stop();
      CHECK(ref.shutdown());
      auto x = ref.queue();
      CHECK(settled(x));
      CHECK(x.sent == sent);
      CHECK(x.handled == good);
    }
  }
}
