// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// A probe is a small program that measures itself and prints what it found,
/// one `NAME VALUE` a line. Each runs in a process of its own, so that none
/// sees the memory, the threads or the caches that another has left; and it may
/// be written in any language. Those in C++ are functions in this program, and
/// `troupe_bench --probe NAME SIZE` runs one.
namespace troupe::bench {

/// What a probe found, by name.
using figures = std::map<std::string, double, std::less<>>;

/// A probe of this program.
struct probe {
  std::string_view name;
  figures (*run)(std::size_t size);
};

/// All of this program.
[[nodiscard]] std::span<const probe> probes() noexcept;

/// A probe to be run: a command, or nothing if it cannot be run here.
struct probe_command {
  /// What the report calls it.
  std::string label;

  std::vector<std::string> words;

  /// Why it cannot be run, for the report.
  std::string missing = {};

  /// How often it runs in a round: more where it is short, and so differs more.
  std::size_t times = 1;
};

/// @returns the command that runs a probe of this program.
[[nodiscard]] probe_command own_probe(std::string label, std::string_view name,
                                      std::size_t size);

/// Runs a probe.
/// @throws std::runtime_error if it fails, or prints what is no figure.
[[nodiscard]] figures run_probe(const probe_command& what);

/// What several runs of one probe found, by name.
using samples = std::map<std::string, std::vector<double>, std::less<>>;

/// Runs all probes `rounds` times in turn, so that all see the same weather.
/// @returns what each found; nothing for one that is missing.
[[nodiscard]] std::vector<samples>
run_in_turn(const std::vector<probe_command>& what, std::size_t rounds);

// -- for probes ----------------------------------------------------------------

/// @returns how much memory of this process is resident, in bytes, after what
///          was freed has been given back to the system.
[[nodiscard]] double resident_bytes();

/// @returns how much of it has been resident at most, in bytes.
[[nodiscard]] double peak_bytes();

/// @returns how long the processor has worked for this process, in seconds.
[[nodiscard]] double cpu_seconds();

} // namespace troupe::bench
