// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/queue_counts.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::detail {

/// Appends `3 lost` to a list in words, after a comma if it is not the first;
/// nothing if there are none.
void add_count(std::string& to, std::uint64_t n, std::string_view what);

/// Calls `f(why, n)` for each reason for which there are dead letters.
template <class F>
void for_each_dead_letter_count(const queue_counts& x, F f) {
  auto tell = [&f](const char* why, std::uint64_t n) {
    if (n != 0)
      f(why, n);
  };
  tell("closed", x.closed);
  tell("rejected", x.rejected);
  tell("dropped", x.dropped);
  tell("discarded", x.discarded);
  tell("failed", x.failed);
  tell("lost", x.lost);
  tell("abandoned", x.abandoned);
}

/// How many dead letters there are, and why: `3 dead letters (2 discarded, 1
/// lost)`; empty if there are none.
[[nodiscard]] std::string dead_letters_in(const queue_counts& x);

} // namespace troupe::detail
