// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <string>
#include <string_view>

/// The keys of a cluster in its directory, below the prefix of that.
namespace troupe::cluster::keys {

/// Below which all keys are that troupe itself makes.
[[nodiscard]] inline std::string root(const std::string& prefix) {
  return prefix + "/troupe/";
}

[[nodiscard]] inline std::string member(const std::string& prefix,
                                        std::string_view name) {
  return root(prefix) + "members/" + std::string{name};
}

[[nodiscard]] inline std::string singleton(const std::string& prefix,
                                           std::string_view name) {
  return root(prefix) + "singletons/" + std::string{name};
}

} // namespace troupe::cluster::keys
