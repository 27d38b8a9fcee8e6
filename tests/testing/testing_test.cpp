// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/testing.hpp"

#include "support/plain_caf.hpp"
#include "system/find_pump.hpp"
#include "troupe/scoped_worker.hpp"

#include <caf/actor_registry.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/after.hpp>
#include <caf/behavior.hpp>
#include <caf/blocking_actor.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/sec.hpp>
#include <caf/send.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using support::request;
using support::tell;
using support::tell_after;
using support::tell_from;
using troupe::infinite;
using troupe::testing::deadlock;
using troupe::testing::find_pump;
using troupe::testing::outside_work;
using troupe::testing::pump;
using testing_system = troupe::testing::system;

namespace {

/// Notes down each number it gets, under its own name.
caf::actor spawn_scribe(testing_system& sys, std::string name,
                        std::vector<std::string>& log) {
  return sys.sys().spawn([&log, name](caf::event_based_actor*) {
    return caf::behavior{
      [&log, name](int32_t x) { log.push_back(name + std::to_string(x)); },
    };
  });
}

/// Answers what it is asked.
caf::behavior echo(caf::event_based_actor*) {
  return {
    [](int32_t x) { return x; },
  };
}

/// Keeps its requests without ever answering one.
caf::behavior silent(caf::event_based_actor* self) {
  auto promises = std::make_shared<std::vector<caf::response_promise>>();
  return {
    [self, promises](int32_t) {
      promises->push_back(self->make_response_promise());
      return promises->back();
    },
  };
}

/// Does nothing, holds itself, and so never ends.
caf::behavior immortal(caf::event_based_actor* self) {
  return {
    [keep = caf::actor{self}](int32_t) {},
  };
}

/// Collects what is written to standard error meanwhile.
class captured_errors {
public:
  captured_errors() : previous_(std::cerr.rdbuf(text_.rdbuf())) {
    // nop
  }

  captured_errors(const captured_errors&) = delete;

  captured_errors& operator=(const captured_errors&) = delete;

  ~captured_errors() {
    std::cerr.rdbuf(previous_);
  }

  [[nodiscard]] std::string text() const {
    return text_.str();
  }

private:
  std::ostringstream text_;
  std::streambuf* previous_;
};

/// Runs its function on a thread of its own, and joins it at the end.
template <class F>
std::jthread on_thread(F f) {
  return std::jthread{std::move(f)};
}

} // namespace

// -- running actors --------------------------------------------------------------

TEST_CASE("nobody runs until the test says so") {
  std::vector<std::string> log;
  testing_system sys;
  auto scribe = spawn_scribe(sys, "a", log);
  tell(scribe, int32_t{1});
  CHECK(log.empty());
  CHECK(sys.run() > 0);
  CHECK(log == std::vector<std::string>{"a1"});
}

TEST_CASE("a new system has nothing to do") {
  testing_system sys;
  CHECK_FALSE(sys.step());
  CHECK(sys.run() == 0);
}

TEST_CASE("a step is one message for one actor") {
  std::vector<std::string> log;
  testing_system sys;
  auto a = spawn_scribe(sys, "a", log);
  auto b = spawn_scribe(sys, "b", log);
  sys.run();
  for (int32_t i = 1; i <= 2; ++i) {
    tell(a, i);
    tell(b, i);
  }
  CHECK(sys.step());
  CHECK(log == std::vector<std::string>{"a1"});
  CHECK(sys.step());
  CHECK(log == std::vector<std::string>{"a1", "b1"});
  CHECK(sys.step());
  CHECK(sys.step());
  CHECK_FALSE(sys.step());
  CHECK(log == std::vector<std::string>{"a1", "b1", "a2", "b2"});
}

TEST_CASE("run goes on until nobody has anything to do") {
  int32_t last = 0;
  testing_system sys;
  auto counter = sys.sys().spawn([&last](caf::event_based_actor* self) {
    return caf::behavior{
      [self, &last](int32_t x) {
        last = x;
        if (x < 100)
          tell_from(self, caf::actor{self}, x + 1);
      },
    };
  });
  tell(counter, int32_t{1});
  CHECK(sys.run() >= 100);
  CHECK(last == 100);
  CHECK(sys.run() == 0);
}

// -- order -----------------------------------------------------------------------

namespace {

/// Lets many actors pass numbers around, and returns who got which, in order.
std::vector<std::string> trace_of(std::uint64_t seed) {
  constexpr int32_t actors = 20;
  std::vector<std::string> log;
  testing_system sys{{.seed = seed}};
  std::vector<caf::actor> all;
  all.reserve(actors);
  for (int32_t i = 0; i < actors; ++i)
    all.push_back(sys.sys().spawn([&, i](caf::event_based_actor* self) {
      return caf::behavior{
        [&, self, i](int32_t hops) {
          log.push_back(std::to_string(i) + "/" + std::to_string(hops));
          if (hops > 0) {
            tell_from(self, all[static_cast<size_t>(i * 7 + hops) % actors],
                      hops - 1);
            if (hops % 5 == 0)
              self->run_delayed(1s * hops, [&, i] {
                log.push_back("timer " + std::to_string(i));
              });
          }
        },
      };
    }));
  for (auto& x : all)
    tell(x, int32_t{10});
  sys.run();
  sys.advance(1min);
  return log;
}

} // namespace

TEST_CASE("the same seed gives the same order, another seed another") {
  CHECK(trace_of(0) == trace_of(0));
  CHECK(trace_of(1) == trace_of(1));
  CHECK(trace_of(42) == trace_of(42));
  CHECK(trace_of(0) != trace_of(1));
  CHECK(trace_of(1) != trace_of(2));
  CHECK(trace_of(1) != trace_of(42));
  CHECK(trace_of(1).size() == trace_of(0).size());
}

TEST_CASE("without a seed, first come is first served") {
  std::vector<std::string> log;
  testing_system sys;
  std::vector<caf::actor> all;
  std::vector<std::string> expected;
  for (char c = 'a'; c <= 'z'; ++c) {
    all.push_back(spawn_scribe(sys, {c}, log));
    tell(all.back(), int32_t{0});
    expected.push_back(std::string{c} + "0");
  }
  sys.run();
  CHECK(log == expected);
}

TEST_CASE("messages from one actor to another stay in order under any seed") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<std::string> log;
    testing_system sys{{.seed = seed}};
    auto scribe = spawn_scribe(sys, "", log);
    for (int32_t i = 0; i < 10; ++i)
      tell(scribe, i);
    sys.run();
    CHECK(log
          == std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7",
                                      "8", "9"});
  }
}

// -- time ------------------------------------------------------------------------

TEST_CASE("time stands still until it is told to move") {
  testing_system sys;
  const auto start = sys.now();
  auto x = sys.sys().spawn(echo);
  sys.run();
  CHECK(sys.now() == start);
  CHECK(sys.sys().clock().now() == start);
  sys.advance(90min);
  CHECK(sys.now() == start + 90min);
  CHECK(sys.sys().clock().now() == start + 90min);
  CHECK_THROWS_AS(sys.advance(-1ns), std::invalid_argument);
  CHECK_THROWS_AS(sys.advance(infinite), std::invalid_argument);
  CHECK(sys.now() == start + 90min);
}

TEST_CASE("advance runs what follows from a timer before it goes on") {
  std::vector<std::string> log;
  testing_system sys;
  const auto start = sys.now();
  const auto note = [&](const std::string& what) {
    const auto age
      = std::chrono::duration_cast<std::chrono::seconds>(sys.now() - start);
    log.push_back(what + "@" + std::to_string(age.count()));
  };
  auto x = sys.sys().spawn([&](caf::event_based_actor* self) {
    self->run_delayed(2s, [&] { note("second"); });
    self->run_delayed(1s, [&, self] {
      note("first");
      tell_from(self, caf::actor{self}, int32_t{0});
      self->run_delayed(500ms, [&] { note("nested"); });
    });
    return caf::behavior{
      [&](int32_t) { note("message"); },
    };
  });
  sys.run();
  CHECK(log.empty());
  sys.advance(10s);
  CHECK(log
        == std::vector<std::string>{"first@1", "message@1", "nested@1",
                                    "second@2"});
}

TEST_CASE("a timer fires at its time, not before") {
  std::vector<std::string> log;
  testing_system sys;
  auto scribe = spawn_scribe(sys, "a", log);
  sys.run();
  auto sender = sys.sys().spawn([&](caf::event_based_actor* self) {
    tell_after(self, 10min, scribe, int32_t{1});
    return caf::behavior{[](int32_t) {}};
  });
  sys.run();
  sys.advance(10min - 1ns);
  CHECK(log.empty());
  sys.advance(1ns);
  CHECK(log == std::vector<std::string>{"a1"});
}

TEST_CASE("requests of plain actors time out in virtual time") {
  // The unanswered request keeps both, in some versions of CAF.
  const captured_errors errors;
  auto error = caf::error{};
  auto answers = 0;
  testing_system sys;
  auto server = sys.sys().spawn(silent);
  auto client = sys.sys().spawn([&](caf::event_based_actor* self) {
    request(self, server, 10min, int32_t{1})
      .then([&](int32_t) { ++answers; }, [&](caf::error& x) { error = x; });
    return caf::behavior{[](int32_t) {}};
  });
  sys.run();
  sys.advance(10min - 1ns);
  CHECK_FALSE(error);
  sys.advance(1ns);
  CHECK(error == caf::sec::request_timeout);
  CHECK(answers == 0);
}

TEST_CASE("timeouts of behaviors follow virtual time") {
  auto timeouts = 0;
  testing_system sys;
  auto x = sys.sys().spawn([&](caf::event_based_actor*) {
    return caf::behavior{
      [](int32_t) {},
      caf::after(1min) >> [&] { ++timeouts; },
    };
  });
  // Versions of CAF differ in whether the timeout runs before a first message.
  tell(x, int32_t{1});
  sys.run();
  CHECK(timeouts == 0);
  sys.advance(59s);
  CHECK(timeouts == 0);
  sys.advance(1s);
  CHECK(timeouts == 1);
}

TEST_CASE("a system's two kinds of timers fire in order") {
  std::vector<std::string> log;
  testing_system sys;
  auto& time = find_pump(sys)->clock();
  CHECK(time.now() == sys.now());
  auto job = troupe::detail::make_job([&] { log.emplace_back("ours"); });
  auto x = sys.sys().spawn([&](caf::event_based_actor* self) {
    self->run_delayed(1s, [&] { log.emplace_back("one"); });
    self->run_delayed(3s, [&] { log.emplace_back("three"); });
    return caf::behavior{[](int32_t) {}};
  });
  sys.run();
  time.schedule(*job, sys.now() + 2s);
  sys.advance(5s);
  CHECK(log == std::vector<std::string>{"one", "ours", "three"});
}

// -- waiting ---------------------------------------------------------------------

TEST_CASE("run_until jumps from timer to timer") {
  auto ticks = 0;
  testing_system sys;
  const auto start = sys.now();
  auto ticker = sys.sys().spawn([&](caf::event_based_actor* self) {
    tell_after(self, 1h, caf::actor{self}, int32_t{0});
    return caf::behavior{
      [&, self](int32_t) {
        ++ticks;
        tell_after(self, 1h, caf::actor{self}, int32_t{0});
      },
    };
  });
  CHECK(sys.run_until([&] { return ticks == 24; }));
  CHECK(sys.now() == start + 24h);
  CHECK(ticks == 24);
}

TEST_CASE("run_until stops as soon as it has what it waits for") {
  std::vector<std::string> log;
  testing_system sys;
  auto scribe = spawn_scribe(sys, "a", log);
  for (int32_t i = 1; i <= 3; ++i)
    tell(scribe, i);
  CHECK(sys.run_until([&] { return log.size() == 2; }));
  CHECK(log.size() == 2);
  CHECK(sys.run_until([&] { return log.size() == 2; }));
  CHECK(log.size() == 2);
}

TEST_CASE("run_until moves time to its limit, and no further") {
  auto fired = std::vector<int>{};
  testing_system sys;
  const auto start = sys.now();
  auto x = sys.sys().spawn([&](caf::event_based_actor* self) {
    self->run_delayed(5s, [&] { fired.push_back(5); });
    self->run_delayed(6s, [&] { fired.push_back(6); });
    return caf::behavior{[](int32_t) {}};
  });
  CHECK_FALSE(sys.run_until([] { return false; }, 5s));
  CHECK(sys.now() == start + 5s);
  CHECK(fired == std::vector<int>{5});
  CHECK_FALSE(sys.run_until([] { return false; }, 500ms));
  CHECK(sys.now() == start + 5500ms);
  CHECK_FALSE(sys.run_until([] { return false; }, 0s));
  CHECK(sys.now() == start + 5500ms);
  CHECK(sys.run_until([&] { return fired.size() == 2; }, 500ms));
  CHECK(sys.now() == start + 6s);
}

TEST_CASE("a wait that nothing can end is a deadlock, and says so") {
  // The unanswered request keeps both, in some versions of CAF.
  const captured_errors errors;
  testing_system sys{{.seed = 7}};
  auto first = sys.sys().spawn(silent);
  auto second = sys.sys().spawn([&](caf::event_based_actor* self) {
    request(self, first, infinite, int32_t{1})
      .then([](int32_t) {}, [](caf::error&) {});
    return caf::behavior{[](int32_t) {}};
  });
  sys.advance(2500ms);
  const auto hook = find_pump(sys);
  hook->on_deadlock([] { return "main waits for godot"; });
  const auto start = sys.now();
  CHECK_THROWS_MATCHES(
    sys.run_until([] { return false; }), deadlock,
    MessageMatches(ContainsSubstring("deadlock after 2.5s (seed 7)")
                   && ContainsSubstring("nothing will ever happen again")
                   && ContainsSubstring("main waits for godot")
                   && ContainsSubstring("#" + std::to_string(first.id()))
                   && ContainsSubstring("#" + std::to_string(second.id()))));
  CHECK(sys.now() == start);
  hook->on_deadlock({});
  CHECK_THROWS_MATCHES(sys.run_until([] { return false; }), deadlock,
                       MessageMatches(!ContainsSubstring("godot")));
}

TEST_CASE("a deadlock names the call that waits, and for whom") {
  class lasting : public troupe::worker {
  public:
    troupe::task<> run() override {
      co_await stop_requested();
    }
  };
  testing_system sys;
  troupe::scoped_worker<lasting> worker{sys, {.name = "lasting"}};
  CHECK_THROWS_MATCHES(
    static_cast<void>(worker.ref().wait_for_shutdown()), deadlock,
    MessageMatches(ContainsSubstring("waiting for /lasting to be over, which "
                                     "is running, ready: deadlock after")));
}

TEST_CASE("time does not jump to timers that were taken back") {
  auto answers = 0;
  testing_system sys;
  const auto start = sys.now();
  auto server = sys.sys().spawn(echo);
  auto client = sys.sys().spawn([&](caf::event_based_actor* self) {
    for (int i = 0; i < 50; ++i)
      request(self, server, 1h + 1s * i, int32_t{1})
        .then([&](int32_t) { ++answers; }, [](caf::error&) {});
    return caf::behavior{[](int32_t) {}};
  });
  sys.run();
  CHECK(answers == 50);
  CHECK_THROWS_AS(sys.run_until([] { return false; }), deadlock);
  CHECK(sys.now() == start);
}

TEST_CASE("an actor that only a disposed timer keeps does not stay") {
  testing_system sys;
  auto server = sys.sys().spawn(echo);
  sys.run();
  const auto before = sys.sys().registry().running();
  sys.sys().spawn([&](caf::event_based_actor* self) {
    request(self, server, 1h, int32_t{1})
      .then([](int32_t) {}, [](caf::error&) {});
    return caf::behavior{[](int32_t) {}};
  });
  sys.run();
  CHECK(sys.sys().registry().running() == before);
}

// -- threads outside ---------------------------------------------------------------

TEST_CASE("time does not jump while work goes on outside") {
  auto got = int32_t{0};
  auto early = false;
  testing_system sys;
  const auto start = sys.now();
  auto x = sys.sys().spawn([&](caf::event_based_actor* self) {
    self->run_delayed(1h, [&] { early = got == 0; });
    return caf::behavior{[&](int32_t value) { got = value; }};
  });
  sys.run();
  std::promise<void> go;
  auto thread
    = on_thread([&, busy = outside_work{sys}, ready = go.get_future()] {
        ready.wait();
        tell(x, int32_t{1});
      });
  // The first look is before the thread may do anything at all.
  auto looks = 0;
  CHECK(sys.run_until([&] {
    if (++looks == 1)
      go.set_value();
    return got != 0;
  }));
  CHECK(got == 1);
  CHECK(sys.now() == start);
  CHECK(sys.run_until([&] { return sys.now() != start; }));
  CHECK_FALSE(early);
}

TEST_CASE("run waits for work outside") {
  std::vector<std::string> log;
  testing_system sys;
  auto scribe = spawn_scribe(sys, "a", log);
  auto thread = on_thread([&, busy = outside_work{sys}] {
    for (int32_t i = 0; i < 3; ++i)
      tell(scribe, i);
  });
  sys.run();
  CHECK(log.size() == 3);
}

TEST_CASE("many threads may feed a system while it runs") {
  auto sum = int64_t{0};
  testing_system sys;
  auto adder = sys.sys().spawn([&](caf::event_based_actor*) {
    return caf::behavior{[&](int32_t x) { sum += x; }};
  });
  {
    std::vector<std::jthread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, busy = outside_work{sys}] {
        for (int32_t x = 1; x <= 1000; ++x)
          tell(adder, x);
      });
    sys.run();
  }
  CHECK(sum == 4 * 500'500);
}

TEST_CASE("a thread that is stuck outside is not waited for for ever") {
  testing_system sys{{.patience = 20ms}};
  const auto start = sys.now();
  auto fired = false;
  auto x = sys.sys().spawn([&](caf::event_based_actor* self) {
    self->run_delayed(1h, [&] { fired = true; });
    return caf::behavior{[](int32_t) {}};
  });
  outside_work stuck{sys};
  sys.run();
  CHECK(sys.now() == start);
  CHECK(sys.run_until([&] { return fired; }));
  CHECK(sys.now() == start + 1h);
  CHECK_THROWS_MATCHES(
    sys.run_until([] { return false; }), deadlock,
    MessageMatches(ContainsSubstring("1 thread outside gave no sign of life")));
}

TEST_CASE("without patience nobody waits for threads outside") {
  testing_system sys{{.patience = 0s}};
  outside_work stuck{sys};
  outside_work other{sys};
  CHECK(sys.run() == 0);
  sys.advance(1h);
  CHECK_THROWS_AS(sys.run_until([] { return false; }), deadlock);
  SECTION("until it is asked for again") {
    auto done = std::atomic<bool>{false};
    sys.patience(1min);
    auto thread = on_thread(
      [&, a = std::move(stuck), b = std::move(other)] { done = true; });
    sys.run();
    CHECK(done);
  }
}

TEST_CASE("a change made elsewhere is noticed at once") {
  testing_system sys;
  const auto hook = find_pump(sys);
  outside_work stuck{sys};
  std::atomic<bool> flag = false;
  auto looks = 0;
  std::jthread thread;
  CHECK(sys.run_until([&] {
    if (++looks == 1)
      thread = on_thread([&, hook] {
        flag = true;
        hook->notify();
      });
    return flag.load();
  }));
}

TEST_CASE("work outside may wait for the system it works for") {
  // As a callback does that stops a worker: it needs time to pass, and is at
  // work again as soon as it has what it waited for.
  std::vector<std::string> log;
  auto fired = std::atomic<bool>{false};
  testing_system sys;
  const auto start = sys.now();
  const auto hook = find_pump(sys);
  auto x = sys.sys().spawn([&](caf::event_based_actor* self) {
    self->run_delayed(1s, [&] { fired = true; });
    self->run_delayed(2s, [&] { log.emplace_back("later"); });
    return caf::behavior{
      [&](int32_t) { log.emplace_back("message"); },
    };
  });
  sys.run();
  hook->external_begin();
  auto thread = on_thread([&] {
    const pump::external_thread here{hook};
    const auto ok = hook->run_until([&] { return fired.load(); },
                                    troupe::never);
    if (ok)
      tell(x, int32_t{1});
  });
  SECTION("while the test waits for something") {
    CHECK(sys.run_until([&] { return log.size() == 2; }));
  }
  SECTION("while the test moves the time") {
    sys.advance(10s);
  }
  SECTION("and time is not moved on its account") {
    sys.run();
    CHECK(sys.now() == start);
    CHECK_FALSE(fired);
    sys.advance(2s);
  }
  CHECK(log == std::vector<std::string>{"message", "later"});
}

TEST_CASE("work outside that waits for ever is a deadlock of the test") {
  testing_system sys;
  const auto hook = find_pump(sys);
  hook->external_begin();
  std::atomic<bool> released = false;
  std::atomic<bool> answer = false;
  auto thread = on_thread([&] {
    const pump::external_thread here{hook};
    answer = hook->run_until([&] { return released.load(); }, troupe::never);
  });
  CHECK_THROWS_MATCHES(sys.run_until([] { return false; }), deadlock,
                       MessageMatches(
                         ContainsSubstring("1 thread outside waits as well")));
  released = true;
  hook->notify();
  thread.join();
  CHECK(answer);
}

TEST_CASE("several threads may wait at once") {
  constexpr auto count = 10;
  auto ticks = std::atomic<int>{0};
  testing_system sys;
  const auto start = sys.now();
  auto ticker = sys.sys().spawn([&](caf::event_based_actor* self) {
    for (auto i = 1; i <= count; ++i)
      self->run_delayed(1s * i, [&] { ++ticks; });
    return caf::behavior{[](int32_t) {}};
  });
  sys.run();
  auto ok = std::atomic<int>{0};
  {
    std::vector<std::jthread> threads;
    threads.reserve(count);
    for (auto i = 1; i <= count; ++i)
      threads.emplace_back([&, i] {
        if (sys.run_until([&] { return ticks >= i; }))
          ++ok;
      });
  }
  CHECK(ok == count);
  CHECK(sys.now() == start + 1s * count);
}

TEST_CASE("one of the actors cannot run the system") {
  auto refused = 0;
  auto inside = false;
  testing_system sys;
  const auto hook = find_pump(sys);
  const auto refuses = [&](auto f) {
    try {
      f();
    } catch (const std::logic_error&) {
      ++refused;
    }
  };
  auto x = sys.sys().spawn([&](caf::event_based_actor*) {
    return caf::behavior{
      [&](int32_t) {
        inside = hook->inside();
        refuses([&] { sys.run(); });
        refuses([&] { sys.step(); });
        refuses([&] { sys.advance(1s); });
        refuses([&] { sys.run_until([] { return true; }); });
      },
    };
  });
  tell(x, int32_t{1});
  sys.run();
  CHECK(inside);
  CHECK_FALSE(hook->inside());
  CHECK(refused == 4);
}

// -- threads of CAF ------------------------------------------------------------------

TEST_CASE("a scoped actor receives what await_mail has waited for") {
  testing_system sys;
  auto server = sys.sys().spawn(echo);
  caf::scoped_actor self{sys.sys()};
  auto response = request(self, server, 1min, int32_t{42});
  CHECK(sys.await_mail(self));
  auto answer = int32_t{0};
  std::move(response).receive([&](int32_t x) { answer = x; },
                              [&](const caf::error& x) { FAIL(to_string(x)); });
  CHECK(answer == 42);
}

TEST_CASE("await_mail moves time until there is mail, or to its limit") {
  testing_system sys;
  const auto start = sys.now();
  caf::scoped_actor self{sys.sys()};
  sys.sys().spawn([&](caf::event_based_actor* sender) {
    tell_after(sender, 1min, caf::actor{self}, int32_t{42});
    return caf::behavior{[](int32_t) {}};
  });
  CHECK_FALSE(sys.await_mail(self, 59s));
  CHECK(sys.now() == start + 59s);
  CHECK(sys.await_mail(self));
  CHECK(sys.now() == start + 1min);
  auto got = int32_t{0};
  self->receive([&](int32_t x) { got = x; });
  CHECK(got == 42);
  CHECK_THROWS_AS(sys.await_mail(self), deadlock);
}

TEST_CASE("detached actors work, in a time of their own") {
  auto got = int32_t{0};
  testing_system sys;
  auto client = sys.sys().spawn([&](caf::event_based_actor*) {
    return caf::behavior{[&](int32_t x) { got = x; }};
  });
  sys.run();
  SECTION("event-based") {
    auto helper
      = sys.sys().spawn<caf::detached>([&client](caf::event_based_actor* self) {
          return caf::behavior{
            [self, &client](int32_t x) { tell_from(self, client, x + 1); },
          };
        });
    tell(helper, int32_t{1});
    CHECK(sys.run_until([&] { return got != 0; }));
    CHECK(got == 2);
  }
  SECTION("blocking") {
    auto helper = sys.sys().spawn([&client](caf::blocking_actor* self) {
      self->receive([&](int32_t x) { tell_from(self, client, x + 1); });
    });
    tell(helper, int32_t{1});
    CHECK(sys.run_until([&] { return got != 0; }));
    CHECK(got == 2);
  }
}

TEST_CASE("mail from a detached actor is noticed") {
  testing_system sys;
  auto helper = sys.sys().spawn<caf::detached>(echo);
  caf::scoped_actor self{sys.sys()};
  auto response = request(self, helper, infinite, int32_t{42});
  CHECK(sys.await_mail(self));
  auto answer = int32_t{0};
  std::move(response).receive([&](int32_t x) { answer = x; },
                              [](const caf::error&) {});
  CHECK(answer == 42);
}

TEST_CASE("a deadlock among detached actors shows when the patience is over") {
  testing_system sys{{.patience = 20ms}};
  auto helper = sys.sys().spawn<caf::detached>(echo);
  CHECK_THROWS_AS(sys.run_until([] { return false; }), deadlock);
}

// -- construction and destruction ------------------------------------------------------

TEST_CASE("a configuration may be given, and is left as it was") {
  caf::actor_system_config config;
  config.set("caf.scheduler.max-threads", 3);
  for (int i = 0; i < 2; ++i) {
    auto answers = 0;
    testing_system sys{config, {.seed = 3}};
    CHECK(&sys.sys().config() == &config);
    auto server = sys.sys().spawn(echo);
    auto client = sys.sys().spawn([&](caf::event_based_actor* self) {
      request(self, server, 1s, int32_t{1}).then([&](int32_t) { ++answers; });
      return caf::behavior{[](int32_t) {}};
    });
    sys.run();
    CHECK(answers == 1);
  }
  caf::actor_system real{config};
  CHECK(find_pump(real) == nullptr);
}

TEST_CASE("two systems have nothing to do with each other") {
  std::vector<std::string> log;
  testing_system one;
  testing_system two;
  CHECK(find_pump(one) != find_pump(two));
  auto a = spawn_scribe(one, "a", log);
  auto b = spawn_scribe(two, "b", log);
  tell(a, int32_t{1});
  tell(b, int32_t{2});
  two.run();
  two.advance(1h);
  CHECK(log == std::vector<std::string>{"b2"});
  one.run();
  CHECK(log == std::vector<std::string>{"b2", "a1"});
  CHECK(two.now() == one.now() + 1h);
}

TEST_CASE("what is queued is still run when a system goes") {
  std::vector<std::string> log;
  const captured_errors errors;
  {
    testing_system sys;
    tell(spawn_scribe(sys, "a", log), int32_t{1});
  }
  CHECK(log == std::vector<std::string>{"a1"});
  CHECK(errors.text().empty());
}

TEST_CASE("what is due later is dropped when a system goes") {
  auto fired = false;
  const captured_errors errors;
  {
    testing_system sys;
    sys.sys().spawn([&](caf::event_based_actor* self) {
      self->run_delayed(1h, [&] { fired = true; });
      tell_after(self, 1h, caf::actor{self}, int32_t{1});
      return caf::behavior{[&](int32_t) { fired = true; }};
    });
    sys.run();
  }
  CHECK_FALSE(fired);
  CHECK(errors.text().empty());
}

TEST_CASE("actors that are alive at the end are reported and killed") {
  auto ended = false;
  auto id = caf::actor_id{0};
  const captured_errors errors;
  {
    testing_system sys;
    auto x = sys.sys().spawn([&](caf::event_based_actor* self) {
      self->attach_functor([&] { ended = true; });
      return immortal(self);
    });
    id = x.id();
    sys.run();
  }
  CHECK(ended);
  CHECK_THAT(errors.text(), ContainsSubstring("still alive"));
  CHECK_THAT(errors.text(), ContainsSubstring("#" + std::to_string(id)));
}

TEST_CASE("actors that others replace as they die are killed, too") {
  const captured_errors errors;
  {
    testing_system sys;
    sys.sys().spawn([&](caf::event_based_actor* self) {
      self->attach_functor([&] { sys.sys().spawn(immortal); });
      return immortal(self);
    });
    sys.run();
  }
  CHECK_THAT(errors.text(), ContainsSubstring("still alive"));
}

TEST_CASE("a backlog does not keep a system from going") {
  const captured_errors errors;
  {
    testing_system sys;
    auto x = sys.sys().spawn(immortal);
    for (int32_t i = 0; i < 250'000; ++i)
      tell(x, i);
  }
  CHECK_THAT(errors.text(), ContainsSubstring("still alive"));
}

TEST_CASE("an actor that never rests does not keep a system from going") {
  const captured_errors errors;
  {
    testing_system sys;
    auto x = sys.sys().spawn([](caf::event_based_actor* self) {
      return caf::behavior{
        [self](int32_t y) { tell_from(self, caf::actor{self}, y); },
      };
    });
    tell(x, int32_t{1});
  }
  CHECK_THAT(errors.text(), ContainsSubstring("still alive"));
}

TEST_CASE("a system waits for detached actors to end") {
  auto ended = std::atomic<bool>{false};
  const captured_errors errors;
  {
    testing_system sys;
    sys.sys().spawn<caf::detached>([&](caf::event_based_actor* self) {
      self->attach_functor([&] { ended = true; });
      self->quit();
    });
  }
  CHECK(ended);
  CHECK(errors.text().empty());
}

TEST_CASE("work outside may end after its system") {
  std::shared_ptr<pump> hook;
  {
    auto sys = std::make_unique<testing_system>(
      troupe::testing::system_options{.patience = 0s});
    hook = find_pump(*sys);
    const outside_work late{*sys};
    sys.reset();
  }
  CHECK_FALSE(hook->run_until([] { return false; }, troupe::never));
  CHECK(hook->run_until([] { return true; }, troupe::never));
  hook->notify();
}

TEST_CASE("those who wait in a system are let go with it") {
  auto sys = std::make_unique<testing_system>();
  const auto hook = find_pump(*sys);
  hook->external_begin();
  std::atomic<bool> asked = false;
  std::atomic<bool> answer = true;
  auto thread = on_thread([&] {
    const pump::external_thread here{hook};
    answer = hook->run_until(
      [&] {
        asked = true;
        return false;
      },
      troupe::never);
  });
  sys->run_until([&] { return asked.load(); }, 1h);
  sys.reset();
  thread.join();
  CHECK_FALSE(answer);
}

TEST_CASE("the wall clock moves with the time, and can be set apart from it") {
  testing_system sys;
  const auto date = [](int year, unsigned month, unsigned day) {
    return troupe::wall_time{
      std::chrono::sys_days{std::chrono::year{year} / month / day}};
  };
  CHECK(sys.wall_now() == date(2024, 1, 1));
  sys.advance(24h + 3ms);
  CHECK(sys.wall_now() == date(2024, 1, 2) + 3ms);
  const auto before = sys.now();
  for (auto when :
       {date(1066, 10, 14), date(2999, 12, 31), date(2026, 3, 29)}) {
    sys.set_wall_clock(when);
    CHECK(sys.wall_now() == when);
    CHECK(sys.now() == before);
  }
  sys.advance(1h);
  CHECK(sys.wall_now() == date(2026, 3, 29) + 1h);
}
