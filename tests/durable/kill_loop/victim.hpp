// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstdint>
#include <string>

namespace kill_loop {

/// The place and the files that the processes share.
struct files {
  /// @param where The store.
  files(const std::string& folder, const std::string& where)
    : database(where), puts(folder + "/puts"), effects(folder + "/effects") {
    // nop
  }

  std::string database;
  /// A line for each job whose `put` has returned: its id.
  std::string puts;
  /// A line for each time that a handler has come to its end: id and claim.
  std::string effects;
};

/// Handles jobs until it is told to stop, or is killed.
/// @param puts Whether it puts some, too; else it ends when none are left.
/// @returns the exit code.
int be_victim(const files& where, std::uint64_t seed, bool puts);

} // namespace kill_loop
