// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace stress {

struct arguments {
  /// Where all draws come from.
  std::uint64_t seed = 0;
  /// How long it goes on; the round that is under way then is finished.
  double minutes = 1;
  /// How many threads draw operations.
  std::size_t threads = 3;
  /// The only scenario, or empty: all of them in turn.
  std::string scenario;
  /// The first round: the number that a report gives.
  std::uint64_t first_round = 1;
};

/// Reads a command line. Prints what is wrong with it, or the help.
/// @returns none if the program is to end.
[[nodiscard]] std::optional<arguments> read_arguments(int argc, char** argv,
                                                      int& exit_code);

} // namespace stress
