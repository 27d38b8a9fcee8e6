// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <memory>
#include <string>

namespace kill_loop {

/// Where the store of the processes is.
class database {
public:
  virtual ~database() = default;

  /// @param folder Where files may be.
  [[nodiscard]] virtual std::string url(const std::string& folder) const = 0;

  /// Has its server crash, and start again.
  /// @returns whether it has one.
  virtual bool crash() = 0;
};

/// @param engine "sqlite" or "postgres".
/// @returns null if it is not there.
std::unique_ptr<database> make_database(const std::string& engine);

} // namespace kill_loop
