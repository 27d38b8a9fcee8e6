// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/ended_roots.hpp"

#include "system/runtime.hpp"

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

namespace troupe::observing {

namespace {

/// How a life has ended that an event tells of; nothing if it is another event.
std::optional<outcome_kind> end_of(event_kind x) {
  switch (x) {
    case event_kind::stopped:
      return outcome_kind::normal;
    case event_kind::forced:
    case event_kind::abandoned:
      return outcome_kind::forced;
    case event_kind::failed:
      return outcome_kind::failed;
    case event_kind::cancelled:
      return outcome_kind::cancelled;
    default:
      return std::nullopt;
  }
}

tree_status ended(const lifecycle_event& x, outcome_kind how) {
  tree_status result;
  result.kind = child_kind::supervisor;
  result.self.path = x.path;
  result.self.name = x.path.substr(1);
  result.self.state = how == outcome_kind::forced ? worker_state::force_stopped
                                                  : worker_state::stopped;
  result.self.phase = x.kind == event_kind::abandoned ? worker_phase::abandoned
                                                      : worker_phase::done;
  result.self.incarnation = x.incarnation;
  result.self.uptime = x.span;
  result.last_end = outcome{how, x.reason};
  return result;
}

} // namespace

bool ended_roots::wants(const lifecycle_event& x) const noexcept {
  return (x.kind == event_kind::started || end_of(x.kind))
         && rt_.knows_root(x.path);
}

void ended_roots::put(const value_ptr& x) noexcept {
  try {
    const auto how = end_of(x->kind);
    std::unique_lock guard{mtx_};
    if (how)
      ended_.insert_or_assign(x->path, ended(*x, *how));
    else
      ended_.erase(x->path);
  } catch (const std::bad_alloc&) {
    return; // It is not shown any more, as if nobody had looked.
  }
}

std::vector<tree_status>
ended_roots::with_ended(std::vector<tree_status> trees) const {
  std::unique_lock guard{mtx_};
  for (const auto& one : ended_) {
    auto is_it = [&one](const tree_status& x) {
      return x.self.path == one.first;
    };
    if (std::none_of(trees.begin(), trees.end(), is_it))
      trees.push_back(one.second);
  }
  return trees;
}

} // namespace troupe::observing
