// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/document.hpp"

#include "observer/json_text.hpp"
#include "observer/words.hpp"
#include "queue/queue_counts.hpp"
#include "rules/printable.hpp"
#include "rules/within.hpp"
#include "troupe/build_config.hpp"
#include "troupe/observer/render.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe {

using namespace detail;

namespace {

using observing::json_text;

double seconds(timespan x) {
  return std::chrono::duration<double>(x).count();
}

/// Why, in words that do not name the worker once more.
std::string reason_of(const caf::error& why, std::string_view path) {
  const auto text = text_of(why);
  return std::string{observing::bare_reason(text, path)};
}

void add(json_text& to, const outcome& x, std::string_view path) {
  to.open("last_end", '{').add("kind", to_string(x.kind()));
  to.add("code", x.code());
  if (x.reason())
    to.add("reason", reason_of(x.reason(), path));
  to.add("incarnation", x.incarnation()).add("duration", seconds(x.duration()));
  if (x.abandoned())
    to.add("abandoned", true);
  to.close('}');
}

void add(json_text& to, const queue_counts& x) {
  to.open("queue", '{').add("queued", x.queued);
  to.add("in_progress", x.in_progress).add("sent", x.sent);
  to.add("handled", x.handled).add("dead_letters", x.dead_letters());
  if (x.handed_over != 0)
    to.add("handed_over", x.handed_over);
  if (x.dead_letters() != 0) {
    to.open("dead", '{');
    for_each_dead_letter_count(x, [&to](const char* why, std::uint64_t n) {
      to.add(why, n);
    });
    to.close('}');
  }
  to.close('}');
}

void add(json_text& to, const worker_policy& x) {
  to.open("options", '{');
  if (x.restart)
    to.add("restart", to_string(*x.restart));
  if (x.significant)
    to.add("significant", true);
  if (x.grace != infinite)
    to.add("grace", seconds(x.grace));
  if (x.on_stop)
    to.add("on_stop", to_string(*x.on_stop));
  if (x.strategy)
    to.add("strategy", to_string(*x.strategy));
  to.close('}');
}

void add(json_text& to, const status_fields& xs) {
  to.open("fields", '{');
  for (const auto& x : xs)
    to.add(x.name, x.value);
  to.close('}');
}

/// Adds all of a worker but its braces.
void add(json_text& to, const tree_status& x, std::size_t depth) {
  const auto& self = x.self;
  to.add("path", self.path).add("name", self.name);
  to.add("kind", to_string(x.kind)).add("state", to_string(self.state));
  to.add("phase", to_string(self.phase)).add("incarnation", self.incarnation);
  to.add("uptime", seconds(self.uptime));
  if (!x.answering)
    to.add("answering", false);
  if (x.overlooked)
    to.add("overlooked", true);
  if (self.health != health::healthy) {
    to.add("health", to_string(self.health));
    to.add("health_reason", self.health_reason);
  }
  if (x.restarts != 0)
    to.add("restarts", x.restarts);
  if (x.next_retry)
    to.add("next_retry", seconds(*x.next_retry));
  if (x.kind == child_kind::supervisor) {
    to.add("recent_restarts", x.recent_restarts);
    to.add("max_restarts", x.max_restarts);
    to.add("ready_children", x.ready_children);
  }
  add(to, x.policy);
  if (x.last_end)
    add(to, *x.last_end, self.path);
  if (x.has_queue)
    add(to, x.queue);
  if (self.holds != 0)
    to.add("holds", self.holds);
  if (!x.fields.empty())
    add(to, x.fields);
  if (depth > 1 && !x.children.empty()) {
    to.open("children", '[');
    for (const auto& child : x.children) {
      to.open('{');
      add(to, child, depth - 1);
      to.close('}');
    }
    to.close(']');
  }
}

} // namespace

std::string to_json(const tree_status& x) {
  json_text result;
  result.open('{');
  add(result, x, SIZE_MAX);
  return result.close('}').take();
}

std::string to_json(const lifecycle_event& x, double at) {
  json_text result;
  result.open('{').add("kind", to_string(x.kind)).add("path", x.path);
  result.add("incarnation", x.incarnation).add("at", at);
  if (x.reason)
    result.add("reason", reason_of(x.reason, x.path));
  if (x.span != timespan::zero())
    result.add("span", seconds(x.span));
  return result.close('}').take();
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

void add_awaited(json_text& to, const std::vector<const tree_status*>& xs) {
  to.open("awaited", '[');
  for (const auto* x : xs) {
    to.open('{').add("path", x->self.path);
    to.add("state", to_string(x->self.state));
    to.add("phase", to_string(x->self.phase));
    to.add("elapsed", seconds(x->self.stopping));
    to.add("queued", x->queue.queued).add("holds", x->self.holds).close('}');
  }
  to.close(']');
}

/// Since when the first of those at the top that stop does so, and who is
/// awaited; null if none does.
void add_stopping(json_text& to, const std::vector<tree_status>& trees) {
  auto longest = timespan::zero();
  auto any = false;
  for (const auto& x : trees) {
    if (is_stopping(x)) {
      longest = std::max(longest, x.self.stopping);
      any = true;
    }
  }
  if (!any) {
    to.add_null("stopping");
    return;
  }
  to.open("stopping", '{').add("since", seconds(longest));
  add_awaited(to, awaited(trees));
  to.close('}');
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
  const auto ready = facts.readiness ? *facts.readiness : readiness(trees);
  json_text result;
  result.open('{').add("schema", 1).add("version", TROUPE_VERSION_STRING);
  result.add("at", facts.at).add("ready", ready.good);
  result.add("why_not_ready", ready.why).add("controls", facts.controls);
  result.add("last_event", facts.last_event);
  if (facts.job_stores > 0)
    result.add("job_stores", facts.job_stores);
  add_stopping(result, trees);
  result.open("trees", '[');
  for (const auto& x : trees) {
    result.open('{');
    add(result, x, facts.depth);
    result.close('}');
  }
  return result.close(']').close('}').take();
}

std::string error_document(std::string_view what) {
  json_text result;
  return result.open('{').add("error", what).close('}').take();
}

namespace {

void add_found(const std::vector<tree_status>& trees, std::string_view path,
               std::vector<tree_status>& to) {
  for (const auto& x : trees) {
    const auto shown = rules::as_utf8(x.self.path);
    if (shown == path)
      to.push_back(x);
    else if (path_is_within(path, shown))
      add_found(x.children, path, to);
  }
}

} // namespace

std::vector<tree_status> find(const std::vector<tree_status>& trees,
                              std::string_view path) {
  std::vector<tree_status> result;
  add_found(trees, rules::as_utf8(path), result);
  return result;
}

} // namespace observing

} // namespace troupe
