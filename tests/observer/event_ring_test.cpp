// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/event_ring.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <string>
#include <vector>

using troupe::observing::event_ring;
using troupe::observing::to_stream;

namespace {

std::vector<std::uint64_t> numbers(const event_ring::batch& x) {
  std::vector<std::uint64_t> result;
  for (const auto& event : x.events)
    result.push_back(event->number);
  return result;
}

} // namespace

TEST_CASE("S28 each reader of the events goes on where it has stopped") {
  event_ring ring{3};
  CHECK(ring.last() == 0);
  CHECK(ring.read(0).events.empty());
  for (int i = 0; i < 3; ++i)
    ring.put("/a", "{}");
  auto all = ring.read(0);
  CHECK(numbers(all) == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(all.missed == 0);
  CHECK(all.last == 3);
  CHECK(numbers(ring.read(2)) == std::vector<std::uint64_t>{3});
  CHECK(ring.read(3).events.empty());
  // A number of an earlier process of the same name.
  CHECK(ring.read(99).last == 3);
}

TEST_CASE("S28 a reader is told what it has missed") {
  event_ring ring{2};
  for (int i = 0; i < 5; ++i)
    ring.put("/a", "{}");
  auto late = ring.read(1);
  CHECK(numbers(late) == std::vector<std::uint64_t>{4, 5});
  CHECK(late.missed == 2);
  SECTION("also what nobody has got") {
    ring.skip(0);
    ring.skip(7);
    ring.put("/a", "{}");
    auto next = ring.read(5);
    CHECK(numbers(next) == std::vector<std::uint64_t>{13});
    CHECK(next.missed == 7);
    CHECK(next.last == 13);
  }
}

TEST_CASE("S28 events as server-sent events") {
  event_ring ring{2};
  CHECK(to_stream(ring.read(0), "").empty());
  ring.put("/t/a", R"({"kind":"ready"})");
  ring.put("/t/ab", R"({"kind":"failed"})");
  ring.put("/t/a/b", R"({"kind":"ready"})");
  CHECK(to_stream(ring.read(1), "")
        == "id: 2\nevent: lifecycle\ndata: {\"id\":2,\"kind\":\"failed\"}\n\n"
           "id: 3\nevent: lifecycle\ndata: {\"id\":3,\"kind\":\"ready\"}\n\n");
  CHECK(to_stream(ring.read(0), "/t/a")
        == "event: missed\ndata: {\"missed\":1}\n\n"
           "id: 3\nevent: lifecycle\ndata: {\"id\":3,\"kind\":\"ready\"}\n\n");
}
