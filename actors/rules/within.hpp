// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <string>
#include <string_view>

namespace troupe {

/// Whether `path` is that of `root` or of somebody below it.
[[nodiscard]] inline bool path_is_within(std::string_view path,
                                         std::string_view root) noexcept {
  return path.starts_with(root)
         && (path.size() == root.size() || path[root.size()] == '/');
}

} // namespace troupe
