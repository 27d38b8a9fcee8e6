// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/routing.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

/// Which worker of a pool gets a message. Values alone.
namespace troupe::rules {

/// The most workers that a pool can have: more are a negative number, or
/// another mistake.
inline constexpr std::size_t most_pool_workers = 10'000'000;

/// Returns what is wrong with the size of a pool, and advice, or an empty
/// string.
[[nodiscard]] std::string check_pool_size(std::size_t n);

/// The number of a worker of a pool, which is its own for good, whoever else
/// comes and goes.
using pool_number = std::uint32_t;

/// The state of one worker of a pool that takes messages.
struct pool_member {
  bool up = true;         ///< It is ready; else it waits for its restart.
  bool full = false;      ///< There is no room in its queue.
  std::uint64_t load = 0; ///< Queued and in progress.
};

/// Keys are spread over so many partitions, and those over the workers.
using partition = std::uint16_t;

/// The partition of a key.
/// @param hash Of whatever quality: a number that is its own hash will do.
[[nodiscard]] partition partition_of(std::uint64_t hash) noexcept;

/// Finds the member of the least rank; the first in turn after `last` among
/// equals. It looks at no more of them than it has to.
/// @param members In order, one at least.
/// @param best The least rank that there can be.
/// @returns an index.
template <class Rank, class F>
[[nodiscard]] std::size_t least(std::span<const pool_number> members,
                                std::uint64_t last, const Rank& best, F rank) {
  const auto n = members.size();
  const auto first = static_cast<std::size_t>(
    std::upper_bound(members.begin(), members.end(), last) - members.begin());
  std::size_t result = first % n;
  auto least = rank(members[result]);
  for (std::size_t k = 1; k < n && best < least; ++k) {
    const auto i = (first + k) % n;
    if (auto x = rank(members[i]); x < least) {
      least = x;
      result = i;
    }
  }
  return result;
}

/// Chooses among workers of which none has a reason to be preferred: a message
/// is refused rather by none than by one, and handled rather now than after a
/// restart. So those that have room come first, and among them those that are
/// ready; the policy decides among equals.
/// @param members In order, one at least.
/// @param last The number of the worker chosen last, after which the turn goes
///             on.
/// @param look Returns the `pool_member` of a number.
/// @returns an index.
template <class F>
[[nodiscard]] std::size_t
in_turn(std::span<const pool_number> members, std::uint64_t last, F look) {
  return least(members, last, std::tuple{false, false}, [&](pool_number i) {
    const pool_member x = look(i);
    return std::tuple{x.full, !x.up};
  });
}

/// @copydoc in_turn
template <class F>
[[nodiscard]] std::size_t
least_busy(std::span<const pool_number> members, std::uint64_t last, F look) {
  return least(members, last, std::tuple{false, false, std::uint64_t{0}},
               [&](pool_number i) {
                 const pool_member x = look(i);
                 return std::tuple{x.full, !x.up, x.load};
               });
}

/// Finds the worker to whom a partition belongs, whatever state it is in: the
/// highest random weight wins. So when a worker goes, its own partitions move
/// and no others; when one comes, it takes its share and no others move.
/// @pre there is one at least
/// @returns an index.
[[nodiscard]] std::size_t by_key(std::span<const pool_number> members,
                                 partition of) noexcept;

/// Remembers to whom partitions belong, so that of very many workers not each
/// has to be looked at for each message.
class key_owners {
public:
  /// @param members Those that take messages.
  /// @pre there is one at least
  /// @returns the number of the one that `by_key` finds.
  [[nodiscard]] pool_number of(std::span<const pool_number> members,
                               partition where);

  /// `who` takes messages from now on.
  void joined(pool_number who);

  /// Somebody takes no more.
  void left() noexcept;

private:
  struct owner {
    pool_number who;
    std::size_t seen; // so many of those that joined were looked at
  };

  std::unordered_map<partition, owner> known_;
  std::vector<pool_number> joined_; // since somebody left
};

/// Whether workers of a pool that are ready, and get no messages yet, get some
/// from now on.
/// @param ready How many those are.
/// @param open How many get messages already.
/// @param is_last Whether nobody else comes or goes at this time.
[[nodiscard]] bool may_open(routing how, std::size_t ready, std::size_t open,
                            bool is_last) noexcept;

} // namespace troupe::rules
