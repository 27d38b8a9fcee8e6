// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/routing.hpp"

#include <tuple>

namespace troupe::rules {

namespace {

/// Spreads the bits of `x`: the last step of SplitMix64.
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Finds the least one by `rank`; the first in turn after `last` among equals.
template <class F>
std::size_t least(std::span<const pool_member> members, std::uint64_t last,
                  F rank) noexcept {
  std::size_t first = 0;
  while (first < members.size() && members[first].number <= last)
    ++first;
  std::size_t result = first % members.size();
  for (std::size_t n = 1; n < members.size(); ++n) {
    auto i = (first + n) % members.size();
    if (rank(members[i]) < rank(members[result]))
      result = i;
  }
  return result;
}

} // namespace

partition partition_of(std::uint64_t hash) noexcept {
  return static_cast<partition>(mix(hash) >> 48);
}

std::size_t in_turn(std::span<const pool_member> members,
                    std::uint64_t last) noexcept {
  return least(members, last,
               [](const pool_member& x) { return std::tuple{x.full, !x.up}; });
}

std::size_t least_busy(std::span<const pool_member> members,
                       std::uint64_t last) noexcept {
  return least(members, last, [](const pool_member& x) {
    return std::tuple{x.full, !x.up, x.load};
  });
}

std::size_t by_key(std::span<const pool_member> members,
                   partition of) noexcept {
  auto weight = [of](const pool_member& x) { return mix(mix(x.number) ^ of); };
  std::size_t result = 0;
  for (std::size_t i = 1; i < members.size(); ++i)
    if (weight(members[i]) > weight(members[result]))
      result = i;
  return result;
}

} // namespace troupe::rules
