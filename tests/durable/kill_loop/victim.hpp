// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstdint>
#include <string>

namespace kill_loop {

/// The files that the processes share.
struct files {
  explicit files(const std::string& folder)
    : database(folder + "/jobs.db"),
      puts(folder + "/puts"),
      effects(folder + "/effects") {
    // nop
  }

  std::string database;
  /// A line for each job whose `put` has returned: its id.
  std::string puts;
  /// A line for each time that a handler has come to its end: id and claim.
  std::string effects;
};

/// Puts jobs, or does not, and handles them, until it is told to stop, or is
/// killed.
/// @returns the exit code.
int be_victim(const files& where, std::uint64_t seed, bool puts);

} // namespace kill_loop
