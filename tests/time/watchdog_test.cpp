// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// When a step counts as stalled, in virtual time. hang_test.cpp has what
// becomes of workers.

#include "time/watchdog.hpp"

#include <catch2/catch_test_macros.hpp>

#include <vector>

using namespace std::chrono_literals;
using namespace troupe;
using namespace troupe::detail;

namespace {

class noting_dog final : public watchdog {
public:
  noting_dog(troupe::detail::clock& time, timespan limit)
    : watchdog(time, limit) {
    // nop
  }

  void retain() noexcept override {
    ++references;
  }

  void release() noexcept override {
    --references;
  }

  int references = 0;
  std::vector<timespan> reports;

protected:
  void stalled(timespan length) noexcept override {
    reports.push_back(length);
  }
};

struct fixture {
  ~fixture() {
    CHECK(dog.references == 0);
  }

  virtual_clock time;
  noting_dog dog{time, 10s};
};

} // namespace

TEST_CASE_METHOD(fixture,
                 "L32 a step that does not return is reported when the "
                 "limit has passed") {
  const auto turn = dog.begin_turn();
  time.advance_by(9s);
  CHECK(dog.reports.empty());
  time.advance_by(1s);
  CHECK(dog.reports == std::vector<timespan>{10s});
  dog.end_turn(turn);
}

TEST_CASE_METHOD(fixture, "L32 a step is reported once") {
  const auto turn = dog.begin_turn();
  time.advance_by(1h);
  CHECK(dog.reports.size() == 1);
  CHECK(time.pending() == 0);
  dog.end_turn(turn);
}

TEST_CASE_METHOD(fixture, "L32 the next step that does not return is reported "
                          "again") {
  const auto turn = dog.begin_turn();
  time.advance_by(12s);
  dog.next_step();
  time.advance_by(9s);
  CHECK(dog.reports.size() == 1);
  time.advance_by(2s);
  CHECK(dog.reports == std::vector<timespan>{10s, 10s});
  dog.end_turn(turn);
}

TEST_CASE_METHOD(fixture, "L32 many short steps are no long one") {
  const auto turn = dog.begin_turn();
  for (int i = 0; i < 100; ++i) {
    time.advance_by(7s);
    dog.next_step();
    CHECK(time.pending() == 1);
  }
  CHECK(dog.reports.empty());
  // And the last one counts from its own begin.
  time.advance_by(9s);
  CHECK(dog.reports.empty());
  time.advance_by(1s);
  CHECK(dog.reports == std::vector<timespan>{10s});
  dog.end_turn(turn);
}

TEST_CASE_METHOD(fixture, "L32 between turns no timer is armed") {
  CHECK(time.pending() == 0);
  for (int i = 0; i < 3; ++i) {
    const auto turn = dog.begin_turn();
    CHECK(time.pending() == 1);
    CHECK(dog.references == 1);
    dog.next_step();
    dog.end_turn(turn);
    CHECK(time.pending() == 0);
    CHECK(dog.references == 0);
    dog.next_step(); // of no turn
    CHECK(time.pending() == 0);
    time.advance_by(1h);
  }
  CHECK(dog.reports.empty());
}

TEST_CASE_METHOD(fixture, "L32 the end of a turn does not end the next one") {
  const auto first = dog.begin_turn();
  const auto second = dog.begin_turn(); // on another thread, which was faster
  dog.end_turn(first);
  time.advance_by(10s);
  CHECK(dog.reports.size() == 1);
  dog.end_turn(second);
  CHECK(time.pending() == 0);
}
