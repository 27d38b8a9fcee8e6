// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/tree_status.hpp"

#include "queue/queue_counts.hpp"
#include "rules/printable.hpp"
#include "troupe/worker_handle.hpp"
#include "worker/core_ptr.hpp"
#include "worker/family.hpp"

#include <caf/deep_to_string.hpp>

#include <stdexcept>
#include <utility>

namespace troupe {

using namespace detail;

[[gnu::cold]] tree_status detail::describe_tree(worker_core& x,
                                                const status_poll* answers) {
  tree_status result;
  result.self = x.status();
  if (answers != nullptr)
    answers->describe(x, result);
  result.last_end = x.last_outcome();
  result.kind = x.kind();
  result.queue = x.counts();
  result.has_queue = x.queue() != nullptr;
  result.policy.grace = x.config().periods.grace;
  if (result.has_queue)
    result.policy.on_stop = x.config().on_stop;
  for (auto& child : family{x}.linked())
    result.children.push_back(describe_tree(*child, answers));
  if (auto children = family{x}.group()) {
    children->describe(result, answers);
  } else if (auto last = family{x}.last_group()) {
    result.recent_restarts = last->recent_restarts;
    result.max_restarts = last->max_restarts;
    result.policy.strategy = last->policy.strategy;
    result.children = last->children;
  }
  result.health = result.self.health;
  for (const auto& child : result.children)
    result.health = worst_of(result.health, child.health);
  return result;
}

namespace {

/// Adds `x` and all below it that may have an answer.
void list_askable(const core_ptr& x, std::vector<core_ptr>& to) {
  if (x->activity().is_worth_asking())
    to.push_back(x);
  auto below = family{*x}.linked();
  if (auto children = family{*x}.group())
    children->list(below);
  for (const auto& child : below)
    list_askable(child, to);
}

} // namespace

[[gnu::cold]] std::vector<tree_status>
detail::ask_trees(runtime& rt, const std::vector<core_ptr>& roots,
                  timespan patience) {
  if (worker_core::current() != nullptr || rt.would_block())
    throw std::logic_error("asking workers for their status would block an "
                           "actor's thread; status_tree() without patience "
                           "does not");
  std::vector<core_ptr> whom;
  for (const auto& x : roots)
    list_askable(x, whom);
  auto answers = status_poll::hold(rt, std::move(whom), patience);
  std::vector<tree_status> result;
  result.reserve(roots.size());
  for (const auto& x : roots)
    result.push_back(describe_tree(*x, answers.get()));
  return result;
}

namespace {

[[gnu::cold]] tree_status nobody() {
  tree_status result;
  result.self = worker_handle{}.status();
  return result;
}

} // namespace

tree_status worker_handle::status_tree() const {
  auto* who = get_core();
  return who != nullptr ? describe_tree(*who) : nobody();
}

tree_status worker_handle::status_tree(timespan patience) const {
  auto* who = get_core();
  if (who == nullptr)
    return nobody();
  return std::move(ask_trees(who->rt(), {core_ptr{*who}}, patience).front());
}

std::vector<tree_status> status_trees(caf::actor_system& sys) {
  std::vector<tree_status> result;
  for (const auto& x : runtime::of(sys)->top_cores())
    result.push_back(describe_tree(*x));
  return result;
}

[[gnu::cold]] std::vector<tree_status> status_trees(caf::actor_system& sys,
                                                    timespan patience) {
  auto rt = runtime::of(sys);
  return ask_trees(*rt, rt->top_cores(), patience);
}

namespace {

[[gnu::cold]] void render(const tree_status& x, std::size_t depth,
                          std::string& all) {
  auto& self = x.self;
  if (self.state == worker_state::nobody) {
    all += to_string(self) + '\n';
    return;
  }
  auto to = depth == 0 ? self.path : self.name;
  to += ": " + to_string(self.state) + ", " + to_string(self.phase);
  if (self.incarnation > 1)
    to += ", life " + std::to_string(self.incarnation);
  if (!x.answering)
    to += ", does not answer";
  if (x.overlooked)
    to += ", was not asked in time";
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
  for (auto& field : x.fields)
    to += ", " + field.name + ": " + field.value;
  all.append(2 * depth, ' ');
  all += rules::printable(to) + '\n';
  for (auto& child : x.children)
    render(child, depth + 1, all);
}

} // namespace

[[gnu::cold]] std::string to_string(const tree_status& x) {
  std::string result;
  render(x, 0, result);
  return result;
}

} // namespace troupe
