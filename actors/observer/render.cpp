// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/observer/render.hpp"

#include "observer/words.hpp"
#include "queue/queue_counts.hpp"
#include "rules/printable.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

using namespace detail;

namespace {

// -- text ----------------------------------------------------------------------

/// A sign for what it is doing, as that of `systemctl status`.
std::string_view sign_of(const tree_status& x) {
  switch (x.self.state) {
    case worker_state::init:
    case worker_state::nobody:
      return "○";
    case worker_state::running:
      return x.answering && x.self.health == health::healthy ? "●" : "▲";
    case worker_state::stopping:
      return "◐";
    case worker_state::stopped:
    case worker_state::force_stopped:
      return x.last_end && !x.last_end->ok() ? "×" : "○";
  }
  return "?";
}

/// How its last life has ended, without its name.
std::string end_of(const tree_status& x) {
  auto result = to_string(x.last_end->kind());
  if (x.last_end->reason()) {
    const auto why = text_of(x.last_end->reason());
    result += ": ";
    result += observing::bare_reason(why, x.self.path);
  }
  return result;
}

/// The details of a worker, the most important first.
std::vector<std::string> facts_of(const tree_status& x) {
  const auto& self = x.self;
  std::vector<std::string> result;
  auto add = [&result](std::string text) { result.push_back(std::move(text)); };
  auto add_count = [&add](std::uint64_t n, std::string_view what) {
    if (n != 0)
      add(std::to_string(n) + ' ' + std::string{what});
  };
  if (!x.answering)
    add("does not answer");
  if (x.overlooked)
    add("was not asked in time");
  if (self.state == worker_state::running)
    add("up " + observing::in_words(self.uptime));
  if (self.state == worker_state::stopping)
    add("for " + observing::in_words(self.stopping));
  if (x.next_retry)
    add("again in " + observing::in_words(*x.next_retry));
  if (x.kind == child_kind::supervisor && x.recent_restarts != 0)
    add(std::to_string(x.recent_restarts) + " of "
        + std::to_string(x.max_restarts) + " restarts");
  add_count(x.restarts, x.restarts == 1 ? "restart" : "restarts");
  add_count(x.queue.queued, "queued");
  if (auto dead = dead_letters_in(x.queue); !dead.empty())
    add(std::move(dead));
  add_count(self.holds, self.holds == 1 ? "hold" : "holds");
  if (self.health != health::healthy)
    add(to_string(self.health) + ": " + self.health_reason);
  if (x.last_end)
    add("last end: " + end_of(x));
  for (const auto& field : x.fields)
    add(field.name + ": " + field.value);
  return result;
}

void add_line(const tree_status& x, const std::string& lead,
              std::string_view name, std::string& to) {
  to += lead;
  to += sign_of(x);
  to += ' ';
  to += rules::printable(name);
  to += "  " + to_string(x.self.state) + ", " + to_string(x.self.phase);
  for (const auto& fact : facts_of(x))
    to += "  " + rules::printable(fact);
  to += '\n';
}

/// @param lead What stands before each line of those below it.
void add_children(const tree_status& x, const std::string& lead,
                  std::string& to) {
  for (std::size_t i = 0; i < x.children.size(); ++i) {
    const auto& child = x.children[i];
    const auto is_last = i + 1 == x.children.size();
    add_line(child, lead + (is_last ? "└─" : "├─"), child.self.name, to);
    add_children(child, lead + (is_last ? "  " : "│ "), to);
  }
}

// -- Graphviz ------------------------------------------------------------------

std::string dot_string(std::string_view x) {
  std::string result = "\"";
  for (auto c : rules::printable(x)) {
    if (c == '"' || c == '\\')
      result += '\\';
    result += c;
  }
  result += '"';
  return result;
}

std::string_view colour_of(const tree_status& x) {
  switch (x.self.state) {
    case worker_state::running:
      return x.answering && x.self.health == health::healthy ? "palegreen"
                                                             : "gold";
    case worker_state::stopping:
      return "lightskyblue";
    case worker_state::force_stopped:
      return "salmon";
    case worker_state::stopped:
      return x.last_end && !x.last_end->ok() ? "salmon" : "lightgrey";
    case worker_state::init:
    case worker_state::nobody:
      break;
  }
  return "white";
}

/// @param tree Tells it from another tree of the same name.
void add_nodes(const tree_status& x, const std::string& tree, std::string& to) {
  const auto id = dot_string(x.self.path + tree);
  auto label = x.self.name + " (" + to_string(x.self.phase) + ")";
  to += "  " + id + " [label=" + dot_string(label)
        + ", fillcolor=" + std::string{colour_of(x)}
        + (x.kind == child_kind::supervisor ? ", shape=box" : "") + "];\n";
  for (const auto& child : x.children) {
    add_nodes(child, tree, to);
    to += "  " + id + " -> " + dot_string(child.self.path + tree) + ";\n";
  }
}

} // namespace

std::string to_text(const std::vector<tree_status>& trees) {
  std::string result;
  for (const auto& x : trees) {
    add_line(x, {}, x.self.path, result);
    add_children(x, {}, result);
  }
  return result;
}

std::string to_dot(const std::vector<tree_status>& trees) {
  std::string result = "digraph troupe {\n"
                       "  node [style=filled, shape=ellipse, "
                       "fontname=\"sans-serif\"];\n";
  std::map<std::string_view, int> trees_of;
  for (const auto& x : trees) {
    // No path has two slashes in a row.
    const auto n = ++trees_of[x.self.path];
    add_nodes(x, n == 1 ? std::string{} : "//" + std::to_string(n), result);
  }
  result += "}\n";
  return result;
}

} // namespace troupe
