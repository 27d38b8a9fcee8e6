// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/worker_function.hpp"

#include "support/plain_caf.hpp"

#include "troupe/event.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"
#include "troupe/yield.hpp"

#include "system/find_pump.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <caf/exit_reason.hpp>
#include <caf/system_messages.hpp>

#include <chrono>
#include <ctime>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using troupe::outcome_kind;
using troupe::pace;
using troupe::task;
using troupe::worker_function;
using testing_system = troupe::testing::system;
using times = std::vector<troupe::timespan>;
using texts = std::vector<std::string>;

namespace {

/// Reads `2026-03-27 00:00`, in UTC.
troupe::wall_time at(const char* text) {
  tm parts{};
  ::strptime(text, "%Y-%m-%d %H:%M", &parts);
  return troupe::wall_time{std::chrono::seconds{::timegm(&parts)}};
}

/// Writes the same.
std::string text_of(troupe::wall_time x) {
  const std::time_t count
    = std::chrono::floor<std::chrono::seconds>(x.time_since_epoch()).count();
  tm parts{};
  ::gmtime_r(&count, &parts);
  std::string result(16, '\0');
  std::strftime(result.data(), 17, "%Y-%m-%d %H:%M", &parts);
  return result;
}

/// A coroutine that takes some time, on the clock of the test.
class ticking : public worker_function {
public:
  ticking(troupe::timespan heartbeat, pace measured, times& log,
          std::vector<troupe::timespan> lengths)
    : worker_function([this] { return tick(); }, heartbeat, measured),
      log_(log),
      lengths_(std::move(lengths)) {
    // nop
  }

private:
  task<> tick() {
    if (log_.empty())
      begin_ = now();
    log_.push_back(now() - begin_);
    auto length = log_.size() <= lengths_.size() ? lengths_[log_.size() - 1]
                                                 : troupe::timespan{0};
    if (length > 0s)
      co_await sleep_for(length);
  }

  times& log_;
  std::vector<troupe::timespan> lengths_;
  troupe::time_point begin_{};
};

} // namespace

TEST_CASE(
  "L38 worker_function calls its function at the start and each heartbeat") {
  testing_system sys;
  auto begin = sys.now();
  times log;
  auto ref = troupe::spawn<worker_function>(
    sys, {.name = "ticker"}, [&] { log.push_back(sys.now() - begin); }, 10s);
  ref.startup();
  sys.advance(35s);
  CHECK(log == times{0s, 10s, 20s, 30s});
  ref.gracefully_stop();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->ok());
  CHECK(log.size() == 4);
  CHECK(sys.now() - begin == 35s);
}

TEST_CASE(
  "L38 worker_function with a fixed delay counts from the end of a call") {
  testing_system sys;
  times log;
  auto ref = troupe::spawn<ticking>(sys, {}, 10s, pace::fixed_delay, log,
                                    times{3s, 25s});
  ref.startup();
  sys.advance(60s);
  CHECK(log == times{0s, 13s, 48s, 58s});
  CHECK(ref.shutdown()->ok());
}

TEST_CASE(
  "L38 worker_function with a fixed rate keeps the beat and leaves out what "
  "it missed") {
  testing_system sys;
  times log;
  auto ref = troupe::spawn<ticking>(sys, {}, 10s, pace::fixed_rate, log,
                                    times{3s, 25s, 0s});
  ref.startup();
  sys.advance(65s);
  // The second call takes from 10 to 35: it makes the third late, and the beats
  // at 20 and 30 are one call at most.
  REQUIRE(log.size() >= 5);
  CHECK(log[0] == 0s);
  CHECK(log[1] == 10s);
  CHECK(log[2] == 35s);
  CHECK(log[3] == 40s);
  CHECK(log[4] == 50s);
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("L38 worker_function takes a coroutine, which the stop reaches") {
  testing_system sys;
  times log;
  auto ref = troupe::spawn<ticking>(sys, {}, 10s, pace::fixed_delay, log,
                                    times{1h});
  ref.startup();
  sys.advance(5s);
  auto begin = sys.now();
  ref.gracefully_stop();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(sys.now() == begin);
  CHECK(log == times{0s});
}

TEST_CASE("L38 worker_function fails with what its function throws") {
  testing_system sys;
  int calls = 0;
  auto ref = troupe::spawn<worker_function>(
    sys, {},
    [&] {
      if (++calls == 3)
        throw std::runtime_error("the third is the last");
    },
    1s);
  ref.startup();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::failed);
  CHECK_THROWS_AS(how->rethrow(), std::runtime_error);
  CHECK(calls == 3);
}

TEST_CASE("L38 worker_function takes a function that can only be moved") {
  testing_system sys;
  int sum = 0;
  auto ref = troupe::spawn<worker_function>(
    sys, {}, [&, one = std::make_unique<int>(1)] { sum += *one; }, 1min);
  ref.startup();
  sys.advance(150s);
  CHECK(sum == 3);
  ref.shutdown();
}

TEST_CASE("L38 worker_function refuses a negative heartbeat") {
  testing_system sys;
  CHECK_THROWS_MATCHES(troupe::spawn<worker_function>(
                         sys, {}, [] {}, -1s),
                       std::invalid_argument,
                       MessageMatches(
                         ContainsSubstring("heartbeat is negative")));
}

TEST_CASE("L38 worker_function without a pause can be stopped") {
  testing_system sys;
  int calls = 0;
  troupe::worker_ref<worker_function> ref;
  for (auto measured : {pace::fixed_delay, pace::fixed_rate}) {
    calls = 0;
    ref = troupe::spawn<worker_function>(
      sys, {},
      [&] {
        if (++calls == 1000)
          ref.gracefully_stop();
      },
      0s, measured);
    auto begin = sys.now();
    ref.startup();
    CHECK(ref.wait_for_shutdown()->ok());
    CHECK(calls == 1000);
    CHECK(sys.now() == begin);
  }
}

TEST_CASE("A1 worker_function without a pause arms no timer") {
  testing_system sys;
  auto& clock = troupe::testing::find_pump(sys)->clock();
  for (auto measured : {pace::fixed_delay, pace::fixed_rate}) {
    int calls = 0;
    auto ref
      = troupe::spawn<worker_function>(sys, {}, [&] { ++calls; }, 0s, measured);
    ref.startup();
    while (calls < 100) {
      sys.step();
      REQUIRE(clock.pending() == 0);
    }
    CHECK(ref.shutdown()->ok());
  }
}

TEST_CASE("L38 the first call of worker_function may wait for a heartbeat") {
  testing_system sys;
  auto begin = sys.now();
  times log;
  auto ref = troupe::spawn<worker_function>(
    sys, {}, [&] { log.push_back(sys.now() - begin); }, 10s,
    troupe::heartbeat_options{.measured = pace::fixed_rate,
                              .first = troupe::first_call::after_heartbeat});
  ref.startup();
  sys.advance(35s);
  CHECK(log == times{10s, 20s, 30s});
  ref.shutdown();
}

TEST_CASE("L38 a restart goes on with the heartbeat") {
  struct row {
    const char* what;
    pace measured;
    troupe::timespan backoff;
    times calls;
  };
  // Each third call fails: those of 20 s, and so on.
  const std::vector<row> table{
    {"a delay", pace::fixed_delay, 0s, {0s, 10s, 20s, 30s, 40s, 50s, 60s}},
    {"a rate", pace::fixed_rate, 0s, {0s, 10s, 20s, 30s, 40s, 50s, 60s}},
    {"a delay that is over before the next life",
     pace::fixed_delay,
     15s,
     {0s, 10s, 20s, 35s, 45s, 55s, 70s}},
    {"a rate that is over before the next life",
     pace::fixed_rate,
     15s,
     {0s, 10s, 20s, 35s, 40s, 50s, 65s}},
  };
  for (const auto& x : table) {
    INFO(x.what);
    testing_system sys;
    auto begin = sys.now();
    times log;
    troupe::supervisor_spec spec{.name = "tree"};
    spec.add<worker_function>(
      "ticker",
      {.backoff = {.initial = x.backoff, .factor = 1.0, .jitter = 0.0}},
      [&] {
        log.push_back(sys.now() - begin);
        if (log.size() % 3 == 0)
          throw std::runtime_error("the third is too much");
      },
      10s, x.measured);
    troupe::scoped_supervisor tree{sys, spec};
    sys.advance(x.calls.back() + 4s);
    CHECK(log == x.calls);
  }
}

TEST_CASE("L38 a restart by hand makes no call, another child is a new one") {
  testing_system sys;
  auto begin = sys.now();
  times log;
  troupe::supervisor_spec spec{.name = "tree",
                               .strategy = troupe::strategy::one_for_all};
  spec.add<worker_function>(
    "ticker", {}, [&] { log.push_back(sys.now() - begin); }, 10s);
  {
    troupe::scoped_supervisor tree{sys, spec};
    for (int i = 0; i < 14; ++i) {
      sys.advance(1s);
      CHECK(tree.ref().restart_child("ticker").get());
    }
    sys.advance(10s);
    CHECK(log == times{0s, 10s, 20s});
  }
  log.clear();
  begin = sys.now();
  troupe::scoped_supervisor tree{sys, spec};
  sys.run();
  CHECK(log == times{0s});
}

TEST_CASE("L38 a call that is destroyed counts as made") {
  testing_system sys;
  auto begin = sys.now();
  times log;
  troupe::event never;
  auto function = [&]() -> task<> {
    log.push_back(sys.now() - begin);
    if (log.size() == 1)
      co_await never;
  };
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<worker_function>("ticker", {}, function, 10s);
  troupe::scoped_supervisor tree{sys, spec};
  sys.advance(5s);
  const auto actor = tree.ref().child("ticker").actor();
  support::tell(actor, caf::exit_msg{actor.address(), caf::exit_reason::kill});
  sys.advance(25s);
  CHECK(log == times{0s, 15s, 25s});
}

TEST_CASE("L39 worker_function calls at the slots of a schedule") {
  testing_system sys;
  // A Friday; three days later the clocks are set forward.
  sys.set_wall_clock(at("2026-03-27 00:00"));
  std::vector<std::string> log;
  auto ref = troupe::spawn<worker_function>(
    sys, {.name = "report"}, [&] { log.push_back(text_of(sys.wall_now())); },
    troupe::cron("30 2 * * *", "CET-1CEST,M3.5.0,M10.5.0/3"));
  ref.startup();
  sys.advance(96h);
  CHECK(log
        == texts{"2026-03-27 01:30", "2026-03-28 01:30", "2026-03-29 01:00",
                 "2026-03-30 00:30"});
  sys.set_wall_clock(at("2026-10-24 12:00"));
  log.clear();
  sys.advance(48h);
  // One for the months that were missed.
  CHECK(log
        == texts{"2026-10-24 12:01", "2026-10-25 00:30", "2026-10-26 01:30"});
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("L39 the first life of worker_function has missed no slot") {
  testing_system sys;
  std::vector<std::string> log;
  sys.set_wall_clock(at("2026-01-01 00:59"));
  auto ref = troupe::spawn<worker_function>(
    sys, {}, [&] { log.push_back(text_of(sys.wall_now())); },
    troupe::schedule{1h}, troupe::missed_slots::all);
  ref.startup();
  sys.run();
  CHECK(log.empty());
  sys.advance(2h);
  CHECK(log == texts{"2026-01-01 01:00", "2026-01-01 02:00"});
  // A clock that is set back brings no slot twice.
  sys.set_wall_clock(at("2026-01-01 00:30"));
  sys.advance(2h);
  CHECK(log.size() == 2);
  sys.advance(1h);
  CHECK(log.size() == 3);
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("L39 slots that were missed between two lives or in a call") {
  struct row {
    troupe::missed_slots missed;
    texts calls;
  };
  const std::vector<row> table{
    {troupe::missed_slots::skip, {"01:00", "05:00", "06:00", "09:00", "10:00"}},
    {troupe::missed_slots::once,
     {"01:00", "04:30", "05:00", "06:00", "08:30", "09:00", "10:00"}},
    {troupe::missed_slots::all,
     {"01:00", "04:30", "04:30", "04:30", "05:00", "06:00", "08:30", "08:30",
      "09:00", "10:00"}},
  };
  for (const auto& x : table) {
    INFO(static_cast<int>(x.missed));
    testing_system sys;
    texts log;
    sys.set_wall_clock(at("2026-01-01 00:00"));
    troupe::event slow;
    auto function = [&]() -> task<> {
      log.push_back(text_of(sys.wall_now()).substr(11));
      if (log.back() == "01:00")
        throw std::runtime_error("not now");
      if (log.back() == "06:00")
        co_await slow;
    };
    troupe::supervisor_spec spec{.name = "tree"};
    spec.add<worker_function>(
      "hourly", {.backoff = {.initial = 210min, .max = 24h, .jitter = 0.0}},
      function, troupe::cron("0 * * * *"), x.missed);
    troupe::scoped_supervisor tree{sys, spec};
    sys.advance(8h + 30min);
    slow.set();
    sys.advance(2h);
    CHECK(log == x.calls);
  }
}

TEST_CASE("L39 a slot is missed also if the life before has had none") {
  testing_system sys;
  texts log;
  sys.set_wall_clock(at("2026-01-01 00:30"));
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<worker_function>(
    "hourly", {.backoff = {.initial = 1h, .max = 24h, .jitter = 0.0}},
    [&] { log.push_back(text_of(sys.wall_now())); }, troupe::schedule{1h});
  troupe::scoped_supervisor tree{sys, spec};
  const auto actor = tree.ref().child("hourly").actor();
  support::tell(actor, caf::exit_msg{actor.address(), caf::exit_reason::kill});
  sys.advance(2h);
  CHECK(log == texts{"2026-01-01 01:30", "2026-01-01 02:00"});
}
