// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>

namespace troupe_top {

/// The text of `--help`.
extern const char* const usage;

/// Where an observer is, if nobody says another place.
extern const char* const default_url;

/// Where an observer serves its status: the parts of its URL.
struct address {
  std::string host;
  int port = 80;
  /// The path of status.json.
  std::string path;
  /// The URL without the name of the document, to be shown.
  std::string shown;
};

/// Takes a URL apart, such as `http://127.0.0.1:9464`, `localhost:9464` or
/// `http://[::1]:9464/behind/a/proxy`.
/// @returns none if it is no URL of an observer.
[[nodiscard]] std::optional<address> parse_address(std::string url);

/// The orders of the command line.
struct arguments {
  enum class task { watch, print_tree, print_json, command, help, version };

  task what = task::watch;
  address where;
  /// With `task::command`: `stop`, `start` or `restart`, and the path of a
  /// child.
  std::string verb;
  std::string child;
  std::chrono::milliseconds interval{1000};
  /// The complaint about it, for people; empty if there is none.
  std::string problem;
};

/// Reads the command line.
/// @param args Without the name of the program.
/// @param environment The variable `TROUPE_OBSERVER`; empty if it is not set.
[[nodiscard]] arguments parse_arguments(std::span<const char* const> args,
                                        const std::string& environment);

} // namespace troupe_top
