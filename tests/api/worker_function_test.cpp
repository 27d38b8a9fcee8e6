// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/worker_function.hpp"

#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"
#include "troupe/yield.hpp"

#include "system/find_pump.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
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

namespace {

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
