// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/routing.hpp"

#include "troupe/routing_key.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <vector>

using namespace troupe::rules;

namespace {

using members = std::vector<pool_member>;

constexpr auto nobody = std::numeric_limits<std::uint64_t>::max();

members idle(std::uint64_t n) {
  members result;
  for (std::uint64_t i = 0; i < n; ++i)
    result.push_back({.number = i});
  return result;
}

/// Who is chosen, by number, and after whom.
struct row {
  members all;
  std::uint64_t last;
  std::uint64_t in_turn;
  std::uint64_t least_busy;
};

const row rows[] = {
  // In turn, from the first one on.
  {{{.number = 0}, {.number = 1}, {.number = 2}}, nobody, 0, 0},
  {{{.number = 0}, {.number = 1}, {.number = 2}}, 0, 1, 1},
  {{{.number = 0}, {.number = 1}, {.number = 2}}, 2, 0, 0},
  {{{.number = 4}}, 4, 4, 4},
  // The one that was last has gone: the turn goes on where it was.
  {{{.number = 0}, {.number = 2}, {.number = 5}}, 1, 2, 2},
  {{{.number = 0}, {.number = 2}, {.number = 5}}, 7, 0, 0},
  // The load counts for one of them only.
  {{{.number = 0, .load = 2}, {.number = 1, .load = 1}}, nobody, 0, 1},
  {{{.number = 0, .load = 1}, {.number = 1, .load = 1}}, 0, 1, 1},
  // Who waits for a restart comes after those that are ready.
  {{{.number = 0, .up = false}, {.number = 1, .load = 9}}, nobody, 1, 1},
  {{{.number = 0, .up = false, .load = 2}, {.number = 1, .up = false}},
   nobody,
   0,
   1},
  // And who has no room after all who have.
  {{{.number = 0, .full = true, .load = 1}, {.number = 1, .load = 5}},
   nobody,
   1,
   1},
  {{{.number = 0, .full = true}, {.number = 1, .up = false}}, nobody, 1, 1},
  {{{.number = 0, .full = true, .load = 3},
    {.number = 1, .full = true, .load = 2}},
   nobody,
   0,
   1},
};

} // namespace

TEST_CASE("P2 a message goes to whom the policy chooses") {
  for (auto& x : rows) {
    CAPTURE(&x - rows);
    CHECK(x.all[in_turn(x.all, x.last)].number == x.in_turn);
    CHECK(x.all[least_busy(x.all, x.last)].number == x.least_busy);
  }
}

TEST_CASE("P2 round robin gives each as many") {
  auto all = idle(5);
  std::map<std::uint64_t, int> got;
  auto last = nobody;
  for (int i = 0; i < 50; ++i)
    ++got[last = all[in_turn(all, last)].number];
  for (auto& [who, n] : got)
    CHECK(n == 10);
}

TEST_CASE("P3 a key belongs to one worker, whatever state that is in") {
  auto all = idle(7);
  auto others = all;
  for (auto& x : others)
    x = {.number = x.number, .up = false, .full = true, .load = 3};
  for (std::uint64_t key = 0; key < 1000; ++key) {
    auto where = partition_of(key);
    CHECK(by_key(all, where) == by_key(others, where));
  }
}

TEST_CASE("P3 keys are spread evenly, also if they are small numbers") {
  auto all = idle(8);
  std::map<std::size_t, int> got;
  for (std::uint64_t key = 0; key < 8000; ++key)
    ++got[by_key(all, partition_of(key))];
  REQUIRE(got.size() == 8);
  for (auto& [who, n] : got) {
    CHECK(n > 800);
    CHECK(n < 1200);
  }
}

TEST_CASE("P3 only the keys of those that come or go move") {
  auto few = idle(4);
  auto many = idle(5);
  auto gap = many;
  gap.erase(gap.begin() + 2);
  int moved = 0;
  for (std::uint64_t key = 0; key < 5000; ++key) {
    auto where = partition_of(key);
    auto before = few[by_key(few, where)].number;
    auto after = many[by_key(many, where)].number;
    CHECK((before == after || after == 4));
    moved += before != after ? 1 : 0;
    if (after != 2)
      CHECK(gap[by_key(gap, where)].number == after);
  }
  // A fifth of them, more or less.
  CHECK(moved > 800);
  CHECK(moved < 1200);
}

TEST_CASE("P3 equal texts are one key, whatever holds them") {
  const char one[] = "aa";
  const char other[] = "aa";
  const char* pointer = other;
  const auto hash = troupe::routing_hash(std::string{"aa"});
  CHECK(troupe::routing_hash(one) == hash);
  CHECK(troupe::routing_hash(pointer) == hash);
  CHECK(troupe::routing_hash(std::string_view{other}) == hash);
  CHECK(troupe::routing_hash(std::string{"ab"}) != hash);
  CHECK(troupe::routing_hash(7) == std::hash<int>{}(7));
}
