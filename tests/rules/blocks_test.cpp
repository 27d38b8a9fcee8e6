// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/blocks.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <utility>

using troupe::rules::blocks;

TEST_CASE("what is in blocks stays where it is") {
  blocks<std::size_t> xs;
  xs.emplace_back();
  auto* first = &xs[0];
  for (std::size_t i = 1; i < 1'000; ++i)
    xs.emplace_back();
  CHECK(xs.size() == 1'000);
  for (std::size_t i = 0; i < xs.size(); ++i)
    xs[i] = i;
  CHECK(&xs[0] == first);
  for (std::size_t i = 0; i < xs.size(); ++i)
    CHECK(std::as_const(xs)[i] == i);
}

TEST_CASE("blocks that were moved from are empty") {
  blocks<int> xs;
  xs.emplace_back();
  auto ys = std::move(xs);
  CHECK(ys.size() == 1);
  xs = {};
  CHECK(xs.size() == 0);
  xs.emplace_back();
  CHECK(xs[0] == 0);
}
