// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/notify_rules.hpp"

#include "queue/queue_counts.hpp"
#include "rules/printable.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

using namespace detail;

namespace {

using stage = notify_rules::stage;

/// The meaning of an event for the root.
enum class turn : std::uint8_t { none, ready, stop, end };

turn turn_of(event_kind x) {
  switch (x) {
    case event_kind::ready:
      return turn::ready;
    case event_kind::stopping:
      return turn::stop;
    case event_kind::stopped:
    case event_kind::forced:
    case event_kind::failed:
    case event_kind::cancelled:
    case event_kind::abandoned:
      return turn::end;
    default:
      return turn::none;
  }
}

struct rule {
  stage from;
  turn what;
  stage to;
  const char* message;
};

/// Other events change nothing. A root that does not get ready is none: the
/// program may run another tree, or end with an exit code that says it all.
constexpr rule table[] = {
  {stage::starting, turn::ready, stage::ready, "READY=1"},
  {stage::ready, turn::stop, stage::stopping, "STOPPING=1"},
  {stage::ready, turn::end, stage::over, "STOPPING=1"},
  {stage::stopping, turn::end, stage::over, ""},
};

/// systemd takes messages of 4096 bytes; three paths and their phases fit.
constexpr std::size_t longest_path = 1000;

constexpr std::size_t most_named = 3;

std::string counts_of(const worker_census& x) {
  std::string result;
  add_count(result, x.running, "running");
  add_count(result, x.starting, "starting");
  add_count(result, x.backing_off, "backing off");
  add_count(result, x.stopping, "stopping");
  add_count(result, x.abandoned, "abandoned");
  return result.empty() ? "none running" : result;
}

std::string waits_for(const std::vector<worker_census::awaited_worker>& whom) {
  std::string result;
  const auto named = std::min(whom.size(), most_named);
  for (std::size_t i = 0; i < named; ++i)
    result += (i == 0 ? "" : ", ") + notify_text(whom[i].path, longest_path)
              + " (" + to_string(whom[i].phase) + ')';
  if (whom.size() > named)
    result += " and " + std::to_string(whom.size() - named) + " more";
  return result;
}

/// How it has ended, for people.
std::string end_of(event_kind what, std::string_view why) {
  auto result = std::string{what == event_kind::failed    ? "Failed"
                            : what == event_kind::stopped ? "Stopped"
                                                          : "Stopped by force"};
  return why.empty() ? result : result + ": " + notify_text(why, longest_path);
}

} // namespace

std::string notify_text(std::string_view text, std::size_t most) {
  auto result = rules::printable(text);
  if (result.size() <= most)
    return result;
  // Without the character that would be cut in two.
  auto end = most - 3;
  while (end > 0 && rules::continues(result[end]))
    --end;
  result.resize(end);
  return result + "...";
}

std::string notify_rules::on_root(event_kind what, const std::string& path,
                                  std::string_view why) {
  if (stage_ != stage::starting && path != root_)
    return {};
  const auto* found = std::find_if(std::begin(table), std::end(table),
                                   [this, it = turn_of(what)](const rule& x) {
                                     return x.from == stage_ && x.what == it;
                                   });
  if (found == std::end(table))
    return {};
  stage_ = found->to;
  root_ = path;
  if (stage_ == stage::over) {
    end_ = end_of(what, why);
    next_status_ = time_point::min();
    status_due_ = time_point::min();
  }
  return found->message;
}

void notify_rules::note_change(time_point now) noexcept {
  if (status_due_ == never)
    status_due_ = std::max(now, next_status_);
}

std::string notify_rules::status(const worker_census& what, time_point now) {
  status_due_ = never;
  next_status_ = deadline_after(now, status_interval);
  auto text = describe(what);
  if (text == last_status_)
    return {};
  last_status_ = std::move(text);
  return "STATUS=" + last_status_;
}

std::string notify_rules::describe(const worker_census& what) const {
  switch (stage_) {
    case stage::starting:
      return "Starting: " + counts_of(what);
    case stage::ready:
      return "Workers: " + counts_of(what);
    case stage::stopping:
      return what.awaited.empty()
               ? "Stopping: " + counts_of(what)
               : "Stopping, waits for " + waits_for(what.awaited);
    case stage::over:
      return end_;
  }
  return {};
}

} // namespace troupe
