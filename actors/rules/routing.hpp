// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/routing.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

/// Which worker of a pool gets a message. Values alone.
namespace troupe::rules {

/// What is known of one worker of a pool that takes messages.
struct pool_member {
  std::uint64_t number = 0; ///< Its own for good, whoever else comes and goes.
  bool up = true;           ///< It is ready; else it waits for its restart.
  bool full = false;        ///< There is no room in its queue.
  std::uint64_t load = 0;   ///< Queued and in progress.
};

/// Keys are spread over so many partitions, and those over the workers.
using partition = std::uint16_t;

/// The partition of a key.
/// @param hash Of whatever quality: a number that is its own hash will do.
[[nodiscard]] partition partition_of(std::uint64_t hash) noexcept;

/// Chooses among workers of which none has a reason to be preferred: a message
/// is refused rather by none than by one, and handled rather now than after a
/// restart. So those that have room come first, and among them those that are
/// ready; the policy decides among equals.
/// @param last The number of the worker chosen last, after which the turn goes
///             on.
/// @param members In the order of their numbers.
/// @pre there is one at least
/// @returns an index.
[[nodiscard]] std::size_t in_turn(std::span<const pool_member> members,
                                  std::uint64_t last) noexcept;

/// @copydoc in_turn
[[nodiscard]] std::size_t least_busy(std::span<const pool_member> members,
                                     std::uint64_t last) noexcept;

/// Finds the worker to whom a partition belongs, whatever state it is in: the
/// highest random weight wins. So when a worker goes, its own partitions move
/// and no others; when one comes, it takes its share and no others move.
/// @pre there is one at least
/// @returns an index.
[[nodiscard]] std::size_t by_key(std::span<const pool_member> members,
                                 partition of) noexcept;

} // namespace troupe::rules
