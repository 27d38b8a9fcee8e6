// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/events.hpp"
#include "troupe/tree_status.hpp"

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace troupe {

class runtime;

namespace observing {

/// Remembers how the topmost supervisors have ended: nobody need keep a handle
/// to one for that, and whoever looks afterwards wants to know. Thread-safe.
class ended_roots {
public:
  /// Takes note of an event; of those of one worker in their order.
  void note(const lifecycle_event& x, const runtime& home);

  /// Adds those that have ended and are not among `trees`.
  [[nodiscard]] std::vector<tree_status>
  with_ended(std::vector<tree_status> trees) const;

private:
  mutable std::mutex mtx_;
  std::set<std::string> live_;
  std::map<std::string, tree_status> ended_;
};

} // namespace observing

} // namespace troupe
