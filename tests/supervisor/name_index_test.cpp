// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "supervisor/name_index.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

using troupe::detail::name_index;

namespace {

/// An index, and what is called what.
class fixture {
public:
  [[nodiscard]] std::uint32_t find(const std::string& name) const {
    return index.find(name, [&](std::uint32_t i) { return names[i] == name; });
  }

  void insert(const std::string& name, std::uint32_t slot) {
    if (names.size() <= slot)
      names.resize(slot + 1);
    names[slot] = name;
    index.insert(name, slot);
  }

  void erase(const std::string& name, std::uint32_t slot) {
    index.erase(name, slot);
    names[slot].clear();
  }

  name_index index;
  std::vector<std::string> names;
};

} // namespace

TEST_CASE("an empty index knows no name") {
  fixture x;
  CHECK(x.find("a") == name_index::nowhere);
  CHECK(x.index.size() == 0);
}

TEST_CASE("an index finds the slot of each name") {
  fixture x;
  for (std::uint32_t i = 0; i < 1'000; ++i)
    x.insert(std::to_string(i), i);
  CHECK(x.index.size() == 1'000);
  for (std::uint32_t i = 0; i < 1'000; ++i)
    CHECK(x.find(std::to_string(i)) == i);
  CHECK(x.find("1000") == name_index::nowhere);
}

TEST_CASE("an index that was cleared can be used again") {
  fixture x;
  x.insert("a", 0);
  x.index.clear();
  CHECK(x.find("a") == name_index::nowhere);
  x.insert("a", 3);
  CHECK(x.find("a") == 3);
}

TEST_CASE("an index knows who is there, whoever came and went before") {
  fixture x;
  std::map<std::string, std::uint32_t> expected;
  std::minstd_rand random{1};
  for (auto round = 0; round < 20'000; ++round) {
    const auto slot = static_cast<std::uint32_t>(random() % 100);
    const auto name = std::to_string(slot);
    if (expected.erase(name) > 0) {
      x.erase(name, slot);
    } else {
      expected.emplace(name, slot);
      x.insert(name, slot);
    }
    const auto other = std::to_string(random() % 100);
    const auto found = expected.find(other);
    REQUIRE(x.find(other)
            == (found != expected.end() ? found->second : name_index::nowhere));
  }
  CHECK(x.index.size() == expected.size());
}
