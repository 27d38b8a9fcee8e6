// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "rules/routing.hpp"

namespace troupe::rules {

namespace {

/// Spreads the bits of `x`: the last step of SplitMix64.
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// No two workers have the same one for a partition.
constexpr std::uint64_t weight(pool_number who, partition of) noexcept {
  return mix(mix(who) ^ of);
}

} // namespace

std::string check_pool_size(std::size_t n) {
  if (n <= most_pool_workers)
    return {};
  return std::to_string(n) + " workers are more than "
         + std::to_string(most_pool_workers)
         + ", the most that are possible; is it a negative number?";
}

partition partition_of(std::uint64_t hash) noexcept {
  return static_cast<partition>(mix(hash) >> 48);
}

std::size_t by_key(std::span<const pool_number> members,
                   partition of) noexcept {
  std::size_t result = 0;
  for (std::size_t i = 1; i < members.size(); ++i)
    if (weight(members[i], of) > weight(members[result], of))
      result = i;
  return result;
}

pool_number key_owners::of(std::span<const pool_number> members,
                           partition where) {
  // Of few it is faster to look at each.
  constexpr std::size_t few = 16;
  if (members.size() <= few)
    return members[by_key(members, where)];
  auto [i, is_new] = known_.try_emplace(where);
  auto& [who, seen] = i->second;
  if (is_new) {
    who = members[by_key(members, where)];
    seen = joined_.size();
  }
  for (; seen < joined_.size(); ++seen)
    if (weight(joined_[seen], where) > weight(who, where))
      who = joined_[seen];
  return who;
}

void key_owners::joined(pool_number who) {
  if (!known_.empty())
    joined_.push_back(who);
}

void key_owners::left() noexcept {
  known_.clear();
  joined_.clear();
}

bool may_open(routing how, std::size_t ready, std::size_t open,
              bool is_last) noexcept {
  if (ready == 0 || is_last)
    return ready != 0;
  // While nobody is at work, keys would move from one to the next.
  if (how == routing::by_key && open == 0)
    return false;
  // With each step all queues are looked at. In steps that grow with it, a pool
  // grows in a time that is linear in its size.
  constexpr std::size_t share = 64;
  return ready * share > open;
}

} // namespace troupe::rules
