// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/document.hpp"

#include "observer/words.hpp"
#include "queue/queue_counts.hpp"
#include "rules/within.hpp"
#include "troupe/build_config.hpp"
#include "troupe/observer/render.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe {

namespace {

using json = nlohmann::ordered_json;

double seconds(timespan x) {
  return std::chrono::duration<double>(x).count();
}

/// Bytes that are not UTF-8, which a name may hold, must not keep the rest from
/// being shown.
std::string dump(const json& x) {
  return x.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Why, in words that do not name the worker once more.
std::string reason_of(const caf::error& why, std::string_view path) {
  const auto text = text_of(why);
  return std::string{observing::bare_reason(text, path)};
}

json to_value(const outcome& x, std::string_view path) {
  json result{{"kind", to_string(x.kind())}, {"code", x.code()}};
  if (x.reason())
    result["reason"] = reason_of(x.reason(), path);
  result["incarnation"] = x.incarnation();
  result["duration"] = seconds(x.duration());
  if (x.abandoned())
    result["abandoned"] = true;
  return result;
}

json to_value(const queue_counts& x) {
  json result{{"queued", x.queued},
              {"in_progress", x.in_progress},
              {"sent", x.sent},
              {"handled", x.handled},
              {"dead_letters", x.dead_letters()}};
  if (x.handed_over != 0)
    result["handed_over"] = x.handed_over;
  for_each_dead_letter_count(x, [&result](const char* why, std::uint64_t n) {
    result["dead"][why] = n;
  });
  return result;
}

json to_value(const status_fields& xs) {
  auto result = json::object();
  for (const auto& x : xs)
    result[x.name] = x.value;
  return result;
}

json to_value(const tree_status& x, std::size_t depth) {
  const auto& self = x.self;
  json result{{"path", self.path},
              {"name", self.name},
              {"kind", to_string(x.kind)},
              {"state", to_string(self.state)},
              {"phase", to_string(self.phase)},
              {"incarnation", self.incarnation},
              {"uptime", seconds(self.uptime)}};
  if (!x.answering)
    result["answering"] = false;
  if (x.overlooked)
    result["overlooked"] = true;
  if (self.health != health::healthy) {
    result["health"] = to_string(self.health);
    result["health_reason"] = self.health_reason;
  }
  if (x.restarts != 0)
    result["restarts"] = x.restarts;
  if (x.next_retry)
    result["next_retry"] = seconds(*x.next_retry);
  if (x.kind == child_kind::supervisor) {
    result["recent_restarts"] = x.recent_restarts;
    result["max_restarts"] = x.max_restarts;
  }
  if (x.last_end)
    result["last_end"] = to_value(*x.last_end, self.path);
  if (x.has_queue)
    result["queue"] = to_value(x.queue);
  if (self.holds != 0)
    result["holds"] = self.holds;
  if (!x.fields.empty())
    result["fields"] = to_value(x.fields);
  if (depth > 1 && !x.children.empty()) {
    auto& below = result["children"] = json::array();
    for (const auto& child : x.children)
      below.push_back(to_value(child, depth - 1));
  }
  return result;
}

} // namespace

std::string to_json(const tree_status& x) {
  return dump(to_value(x, SIZE_MAX));
}

std::string to_json(const lifecycle_event& x, double at) {
  json result{{"kind", to_string(x.kind)},
              {"path", x.path},
              {"incarnation", x.incarnation},
              {"at", at}};
  if (x.reason)
    result["reason"] = reason_of(x.reason, x.path);
  if (x.span != timespan::zero())
    result["span"] = seconds(x.span);
  return dump(result);
}

namespace observing {

namespace {

bool is_stopping(const tree_status& x) {
  return x.self.state == worker_state::stopping;
}

/// Those that stop and wait for nobody below them, from the top down.
void add_awaited(const tree_status& x, std::vector<const tree_status*>& to) {
  const auto before = to.size();
  for (const auto& child : x.children)
    add_awaited(child, to);
  auto waits = to.size() != before
               || std::any_of(x.children.begin(), x.children.end(),
                              [](const tree_status& child) {
                                return child.self.state
                                       == worker_state::running;
                              });
  if (is_stopping(x) && !waits)
    to.push_back(&x);
}

json in_the_way(const std::vector<const tree_status*>& xs) {
  auto result = json::array();
  for (const auto* x : xs)
    result.push_back({{"path", x->self.path},
                      {"state", to_string(x->self.state)},
                      {"phase", to_string(x->self.phase)},
                      {"elapsed", seconds(x->self.stopping)},
                      {"queued", x->queue.queued},
                      {"holds", x->self.holds}});
  return result;
}

/// Since when the first of those at the top that stop does so, and who is
/// awaited; null if none does.
json stopping(const std::vector<tree_status>& trees) {
  auto longest = timespan::zero();
  auto any = false;
  for (const auto& x : trees) {
    if (is_stopping(x)) {
      longest = std::max(longest, x.self.stopping);
      any = true;
    }
  }
  if (!any)
    return nullptr;
  return {{"since", seconds(longest)}, {"awaited", in_the_way(awaited(trees))}};
}

/// Whether one at the top is ready; nothing if it does not count.
verdict readiness(const tree_status& x, bool& counts) {
  const auto& self = x.self;
  counts = true;
  switch (self.state) {
    case worker_state::running:
      if (self.phase == worker_phase::ready)
        return {};
      return {false, self.path + " is starting"};
    case worker_state::stopping:
      return {false, self.path + " is stopping"};
    case worker_state::stopped:
    case worker_state::force_stopped:
      if (x.kind == child_kind::supervisor)
        return {false, self.path + " has ended"};
      break;
    case worker_state::init:
    case worker_state::nobody:
      break;
  }
  // One that was not started, or a worker that had something to do and has
  // done it.
  counts = false;
  return {};
}

} // namespace

verdict readiness(const std::vector<tree_status>& trees) {
  verdict result{false, "nothing was started"};
  for (const auto& x : trees) {
    auto counts = false;
    auto one = readiness(x, counts);
    if (!one.good)
      return one;
    if (counts)
      result = {};
  }
  return result;
}

verdict liveness(const std::vector<tree_status>& trees) {
  for (const auto& x : trees) {
    if (x.kind != child_kind::supervisor)
      continue;
    if (!x.answering)
      return {false, x.self.path + " does not answer"};
    if (is_final(x.self.state) && x.last_end
        && x.last_end->kind() == outcome_kind::failed)
      return {false,
              x.self.path + " has failed: " + text_of(x.last_end->reason())};
  }
  return {};
}

std::vector<const tree_status*> awaited(const std::vector<tree_status>& trees) {
  std::vector<const tree_status*> result;
  for (const auto& x : trees)
    add_awaited(x, result);
  auto depth = [](const tree_status* x) {
    return std::count(x->self.path.begin(), x->self.path.end(), '/');
  };
  std::stable_sort(result.begin(), result.end(),
                   [depth](const auto* x, const auto* y) {
                     return depth(x) > depth(y);
                   });
  return result;
}

std::string document(const std::vector<tree_status>& trees,
                     const document_facts& facts) {
  auto ready = readiness(trees);
  json result{{"schema", 1},
              {"version", TROUPE_VERSION_STRING},
              {"at", facts.at},
              {"ready", ready.good},
              {"why_not_ready", ready.why},
              {"controls", facts.controls},
              {"last_event", facts.last_event},
              {"stopping", stopping(trees)},
              {"trees", json::array()}};
  for (const auto& x : trees)
    result["trees"].push_back(to_value(x, facts.depth));
  return dump(result);
}

std::string error_document(std::string_view what) {
  return dump({{"error", what}});
}

const tree_status* find(const std::vector<tree_status>& trees,
                        std::string_view path) {
  for (const auto& x : trees) {
    if (x.self.path == path)
      return &x;
    if (path_is_within(path, x.self.path))
      if (const auto* found = find(x.children, path))
        return found;
  }
  return nullptr;
}

} // namespace observing

} // namespace troupe
