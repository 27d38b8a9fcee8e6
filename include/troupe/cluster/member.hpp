// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::cluster {

/// Where a process can be reached.
struct address {
  /// A name or an address, as others reach it.
  std::string host = {};
  /// Zero: one that is free.
  std::uint16_t port = 0;

  friend bool operator==(const address&, const address&) = default;
};

/// The text of an address: `10.0.0.2:4711`, `[::1]:4711`.
[[nodiscard]] std::string to_string(const address& x);

/// A process that is a part of the cluster. An aggregate for designated
/// initializers.
struct member {
  /// Its name, which no two processes have at the same time.
  std::string name = {};

  /// Where it says that it can be reached.
  cluster::address address = {};

  /// Its purposes.
  std::vector<std::string> roles = {};

  /// The number of its session: it grows each time that the process has lost
  /// its session, and each time that it is started. Zero in a static list.
  std::int64_t epoch = 0;

  /// The version of troupe that it was built with.
  std::string build = {};

  friend bool operator==(const member&, const member&) = default;
};

/// The members as a node knows them.
struct member_list {
  /// In the order of their names.
  std::vector<member> members;

  /// How long the directory has not answered, if it does not: the list is that
  /// of its last answer. (N7)
  std::optional<timespan> unknown_for;
};

} // namespace troupe::cluster
