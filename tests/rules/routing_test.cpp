// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/routing.hpp"

#include "troupe/routing_key.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

using namespace troupe::rules;

namespace {

using numbers = std::vector<pool_number>;

/// Members that have a number.
struct member : pool_member {
  member(pool_number n, pool_member x = {}) : pool_member(x), number(n) {
    // nop
  }

  pool_number number;
};

using members = std::vector<member>;

constexpr auto nobody = std::numeric_limits<std::uint64_t>::max();

numbers first(pool_number n) {
  numbers result;
  for (pool_number i = 0; i < n; ++i)
    result.push_back(i);
  return result;
}

numbers numbers_of(const members& all) {
  numbers result;
  for (auto& x : all)
    result.push_back(x.number);
  return result;
}

/// Looks members up, and counts how often.
auto looker(const members& all, int& looks) {
  return [&](pool_number i) -> pool_member {
    ++looks;
    return *std::ranges::find(all, i, &member::number);
  };
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
  {{{0}, {1}, {2}}, nobody, 0, 0},
  {{{0}, {1}, {2}}, 0, 1, 1},
  {{{0}, {1}, {2}}, 2, 0, 0},
  {{{4}}, 4, 4, 4},
  // The one that was last has gone: the turn goes on where it was.
  {{{0}, {2}, {5}}, 1, 2, 2},
  {{{0}, {2}, {5}}, 7, 0, 0},
  // The load counts for one of them only.
  {{{0, {.load = 2}}, {1, {.load = 1}}}, nobody, 0, 1},
  {{{0, {.load = 1}}, {1, {.load = 1}}}, 0, 1, 1},
  // Who waits for a restart comes after those that are ready.
  {{{0, {.up = false}}, {1, {.load = 9}}}, nobody, 1, 1},
  {{{0, {.up = false, .load = 2}}, {1, {.up = false}}}, nobody, 0, 1},
  // And who has no room after all who have.
  {{{0, {.full = true, .load = 1}}, {1, {.load = 5}}}, nobody, 1, 1},
  {{{0, {.full = true}}, {1, {.up = false}}}, nobody, 1, 1},
  {{{0, {.full = true, .load = 3}}, {1, {.full = true, .load = 2}}},
   nobody,
   0,
   1},
};

} // namespace

TEST_CASE("P2 a message goes to whom the policy chooses") {
  for (auto& x : rows) {
    CAPTURE(&x - rows);
    auto looks = 0;
    auto look = looker(x.all, looks);
    auto all = numbers_of(x.all);
    CHECK(all[in_turn(all, x.last, look)] == x.in_turn);
    CHECK(all[least_busy(all, x.last, look)] == x.least_busy);
  }
}

TEST_CASE("P2 round robin gives each as many") {
  auto all = first(5);
  std::map<std::uint64_t, int> got;
  auto last = nobody;
  for (int i = 0; i < 50; ++i) {
    last = all[in_turn(all, last, [](pool_number) { return pool_member{}; })];
    ++got[last];
  }
  for (auto& [who, n] : got)
    CHECK(n == 10);
}

TEST_CASE("P2 no more workers are looked at than it takes") {
  const auto all = first(100'000);
  auto looks = 0;
  auto look = [&looks](pool_number i) {
    ++looks;
    return pool_member{.up = i != 7, .load = i < 8 ? 1u : 0u};
  };
  CHECK(in_turn(all, 4, look) == 5);
  CHECK(looks == 1);
  CHECK(in_turn(all, 6, look) == 8);
  CHECK(looks == 3);
  CHECK(least_busy(all, 5, look) == 8);
  CHECK(looks == 6);
}

TEST_CASE("P3 keys are spread evenly, also if they are small numbers") {
  auto all = first(8);
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
  auto few = first(4);
  auto many = first(5);
  auto gap = many;
  gap.erase(gap.begin() + 2);
  int moved = 0;
  for (std::uint64_t key = 0; key < 5000; ++key) {
    auto where = partition_of(key);
    auto before = few[by_key(few, where)];
    auto after = many[by_key(many, where)];
    CHECK((before == after || after == 4));
    moved += before != after ? 1 : 0;
    if (after != 2)
      CHECK(gap[by_key(gap, where)] == after);
  }
  // A fifth of them, more or less.
  CHECK(moved > 800);
  CHECK(moved < 1200);
}

TEST_CASE("P3 who owns a key is remembered, and right whoever comes or goes") {
  key_owners owners;
  std::mt19937 random{20'260'101};
  numbers all;
  for (int round = 0; round < 400; ++round) {
    const auto i = static_cast<pool_number>(random() % 60);
    const auto where = std::ranges::lower_bound(all, i);
    if (where != all.end() && *where == i) {
      // Seldom, so that many are there most of the time.
      if (random() % 4 != 0)
        continue;
      all.erase(where);
      owners.left();
    } else {
      all.insert(where, i);
      owners.joined(i);
    }
    for (int k = 0; k < 20 && !all.empty(); ++k) {
      const auto key = partition_of(random() % 100);
      REQUIRE(owners.of(all, key) == all[by_key(all, key)]);
    }
  }
}

TEST_CASE("P6 when those that are ready begin") {
  using troupe::routing;
  struct count {
    routing how;
    std::size_t ready;
    std::size_t open;
    bool is_last;
    bool begins;
  };
  const count counts[] = {
    // In a small pool at once.
    {routing::round_robin, 0, 0, true, false},
    {routing::round_robin, 0, 5, false, false},
    {routing::round_robin, 1, 0, false, true},
    {routing::least_busy, 1, 63, false, true},
    // In a large one together with a few others, if there are any.
    {routing::round_robin, 1, 64, false, false},
    {routing::round_robin, 1, 64, true, true},
    {routing::round_robin, 2, 64, false, true},
    {routing::round_robin, 1000, 64'000, false, false},
    {routing::round_robin, 1001, 64'000, false, true},
    // By key, those that come first come together.
    {routing::by_key, 1, 0, false, false},
    {routing::by_key, 9, 0, true, true},
    {routing::by_key, 1, 1, false, true},
    {routing::by_key, 1, 100, false, false},
  };
  for (auto& x : counts) {
    CAPTURE(&x - counts);
    CHECK(may_open(x.how, x.ready, x.open, x.is_last) == x.begins);
  }
}

TEST_CASE("P6 a pool may have very many workers, but no negative number") {
  CHECK(check_pool_size(0).empty());
  CHECK(check_pool_size(10'000'000).empty());
  CHECK(check_pool_size(10'000'001).find("10000001") != std::string::npos);
  CHECK(!check_pool_size(static_cast<std::size_t>(-1)).empty());
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
