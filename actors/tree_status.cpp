// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "tree_status.hpp"

#include "queue_counts.hpp"
#include "supervisor/shell.hpp"
#include "troupe/worker_handle.hpp"

#include <caf/deep_to_string.hpp>

#include <utility>

namespace troupe {

std::string to_string(child_kind x) {
  switch (x) {
    case child_kind::worker:
      return "worker";
    case child_kind::supervisor:
      return "supervisor";
    case child_kind::actor:
      return "actor";
  }
  return "invalid";
}

tree_status describe_tree(const cell& x) {
  tree_status result;
  result.self = x.status();
  result.last_end = x.last_outcome();
  if (is_supervisor(x))
    result.kind = child_kind::supervisor;
  result.queue = x.counts();
  for (auto& child : x.linked_children())
    result.children.push_back(describe_tree(*child));
  if (auto children = x.get_brood())
    children->describe(result);
  result.health = result.self.health;
  for (const auto& child : result.children)
    result.health = worst_of(result.health, child.health);
  return result;
}

tree_status worker_handle::status_tree() const {
  auto* who = get_cell();
  return who != nullptr ? describe_tree(*who) : tree_status{};
}

namespace {

void render(const tree_status& x, std::size_t depth, std::string& to) {
  auto& self = x.self;
  to.append(2 * depth, ' ');
  to += depth == 0 ? self.path : self.name;
  to += ": " + to_string(self.state) + ", " + to_string(self.phase);
  if (self.incarnation > 1)
    to += ", life " + std::to_string(self.incarnation);
  if (x.next_retry)
    to += ", again in " + caf::deep_to_string(*x.next_retry);
  if (x.queue.queued != 0)
    to += ", " + std::to_string(x.queue.queued) + " queued";
  if (auto dead = dead_letters_in(x.queue); !dead.empty())
    to += ", " + dead;
  if (self.holds != 0)
    to += ", " + std::to_string(self.holds) + " holds";
  if (self.health != health::healthy)
    to += ", " + to_string(self.health) + ": " + self.health_reason;
  if (x.last_end)
    to += ", last end: " + to_string(*x.last_end);
  to += '\n';
  for (auto& child : x.children)
    render(child, depth + 1, to);
}

} // namespace

std::string to_string(const tree_status& x) {
  std::string result;
  render(x, 0, result);
  return result;
}

} // namespace troupe
