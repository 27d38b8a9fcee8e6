// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "worker/stop_report.hpp"

#include "queue/queue_counts.hpp"
#include "rules/printable.hpp"
#include "rules/within.hpp"
#include "worker/core_ptr.hpp"
#include "worker/worker_core.hpp"

#include <caf/deep_to_string.hpp>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace troupe {

using namespace detail;

std::string to_string(const stop_blocker& x) {
  auto result = x.path + " is " + to_string(x.state) + ", " + to_string(x.phase)
                + ", " + caf::deep_to_string(x.elapsed)
                + " after it was asked to stop";
  std::string rest;
  add_count(rest, x.queued, "queued");
  add_count(rest, x.discarded, "discarded");
  add_count(rest, x.lost, "lost");
  add_count(rest, x.holds, x.holds == 1 ? "hold" : "holds");
  return rules::printable(rest.empty() ? result : result + ", with " + rest);
}

[[gnu::cold]] stop_blocker detail::describe_blocker(const worker_core& x,
                                                    time_point now) {
  auto status = x.status();
  auto since = x.look(&life::stopping_since);
  auto counts = x.counts();
  stop_blocker result;
  result.path = status.path;
  result.state = status.state;
  result.phase = status.phase;
  result.elapsed = since == never ? timespan{0} : now - since;
  result.queued = counts.queued;
  result.holds = status.holds;
  result.discarded = counts.discarded;
  result.lost = counts.lost;
  return result;
}

bool detail::was_forced(const worker_core& x) {
  auto how = x.last_outcome();
  return how && (how->kind() == outcome_kind::forced || how->abandoned());
}

std::vector<core_ptr>
detail::without_bystanders(const std::vector<core_ptr>& all) {
  std::set<std::string_view> paths;
  for (auto& x : all)
    paths.insert(x->path());
  auto only_waited = [](const core_ptr& x) {
    return x->kind() == child_kind::supervisor
           || (rules::is_final(x->stage()) && !was_forced(*x));
  };
  auto is_bystander = [&](const core_ptr& x) {
    const auto below = x->path() + '/';
    const auto next = paths.lower_bound(below);
    return next != paths.end() && next->starts_with(below) && only_waited(x);
  };
  std::vector<core_ptr> result;
  std::remove_copy_if(all.begin(), all.end(), std::back_inserter(result),
                      is_bystander);
  return result;
}

bool detail::is_live(const worker_core& x) {
  auto at = x.stage();
  return at != rules::stage::created && !rules::is_final(at);
}

std::vector<core_ptr> detail::inhabitants(runtime& rt, std::string_view root) {
  std::vector<core_ptr> result;
  for (auto& x : rt.cores())
    if (is_live(*x) && path_is_within(x->path(), root))
      result.push_back(std::move(x));
  return result;
}

} // namespace troupe
