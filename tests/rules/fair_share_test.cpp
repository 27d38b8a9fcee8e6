// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/fair_share.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <vector>

using namespace std::chrono_literals;

using troupe::time_point;
using troupe::rules::first_look;
using troupe::rules::next_look;
using troupe::rules::turn_length;
using troupe::rules::turn_time;

namespace {

constexpr time_point start{1h};

} // namespace

TEST_CASE("L35 looks at the clock are close at first and rare later") {
  std::vector<std::size_t> looks;
  for (auto at = first_look; at <= 200; at = next_look(at))
    looks.push_back(at);
  CHECK(looks
        == std::vector<std::size_t>{2, 3, 5, 9, 17, 33, 65, 97, 129, 161, 193});
}

TEST_CASE(
  "L35 a turn begins with the first look and is over after its length") {
  struct row {
    std::vector<troupe::timespan> looks;
    bool over;
  };
  const row rows[] = {
    {{}, false},
    {{0s}, false},
    {{1h}, false}, // nobody knows how long the first steps took
    {{0s, turn_length - 1ns}, false},
    {{0s, turn_length}, true},
    {{0s, 0s, 0s}, false}, // the time of a test stands still
    {{0s, 300us, 600us, 1100us}, true},
    {{0s, turn_length, 0s}, true}, // and stays so
  };
  for (auto& x : rows) {
    turn_time turn;
    for (auto at : x.looks) {
      const auto over = turn.look(start + at);
      CHECK(over == turn.over());
    }
    CHECK(turn.over() == x.over);
  }
}
