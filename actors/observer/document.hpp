// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/tree_status.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::observing {

/// Whether something is as it should be and, if not, why.
struct verdict {
  bool good = true;
  std::string why;
};

/// Whether all that was started is ready, and nothing has begun to stop.
[[nodiscard]] verdict readiness(const std::vector<tree_status>& trees);

/// Whether it makes sense to let the process go on: whether each supervisor
/// with nobody above it answers, and none of them has failed.
[[nodiscard]] verdict liveness(const std::vector<tree_status>& trees);

/// The workers that delay a stop: those that stop and wait for nobody below
/// them, those furthest down first.
[[nodiscard]] std::vector<const tree_status*>
awaited(const std::vector<tree_status>& trees);

/// The part of a document besides the trees.
struct document_facts {
  double at = 0;                // seconds since 1970
  bool controls = false;        // whether there is a token
  std::size_t job_stores = 0;   // how many are open
  std::uint64_t last_event = 0; // number of the last event before it was read
  std::size_t depth = SIZE_MAX; // how many levels are wanted
  /// Whether the program is ready, where the trees are a part of it only.
  std::optional<verdict> readiness = {};
};

/// The text of `/status.json`.
[[nodiscard]] std::string document(const std::vector<tree_status>& trees,
                                   const document_facts& facts);

/// The document that answers a request in vain.
[[nodiscard]] std::string error_document(std::string_view what);

/// The workers of that path, as a document has it: more than one, where several
/// at the top have the same name.
[[nodiscard]] std::vector<tree_status>
find(const std::vector<tree_status>& trees, std::string_view path);

} // namespace troupe::observing
