// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The messages to systemd, and when each is due.

#include "observer/notify_rules.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

using troupe::event_kind;
using troupe::notify_rules;
using troupe::time_point;
using troupe::worker_census;
using troupe::worker_phase;
using stage = troupe::notify_rules::stage;

namespace {

notify_rules rules_at(stage where) {
  notify_rules result;
  if (where != stage::starting)
    static_cast<void>(result.on_root(event_kind::ready, "/a"));
  if (where == stage::stopping || where == stage::over)
    static_cast<void>(result.on_root(event_kind::stopping, "/a"));
  if (where == stage::over)
    static_cast<void>(result.on_root(event_kind::stopped, "/a"));
  return result;
}

} // namespace

TEST_CASE("systemd is told of the first root's readiness and of its end") {
  struct cell {
    stage from;
    event_kind what;
    const char* path;
    stage to;
    const char* message;
  };
  const auto rows = std::vector<cell>{
    {stage::starting, event_kind::started, "/a", stage::starting, ""},
    {stage::starting, event_kind::ready, "/a", stage::ready, "READY=1"},
    {stage::starting, event_kind::ready, "/b", stage::ready, "READY=1"},
    {stage::starting, event_kind::stopping, "/a", stage::starting, ""},
    {stage::starting, event_kind::failed, "/a", stage::starting, ""},
    {stage::ready, event_kind::ready, "/a", stage::ready, ""},
    {stage::ready, event_kind::ready, "/b", stage::ready, ""},
    {stage::ready, event_kind::stopping, "/b", stage::ready, ""},
    {stage::ready, event_kind::failed, "/b", stage::ready, ""},
    {stage::ready, event_kind::gave_up, "/a", stage::ready, ""},
    {stage::ready, event_kind::stalled, "/a", stage::ready, ""},
    {stage::ready, event_kind::stopping, "/a", stage::stopping, "STOPPING=1"},
    {stage::ready, event_kind::stopped, "/a", stage::over, "STOPPING=1"},
    {stage::ready, event_kind::forced, "/a", stage::over, "STOPPING=1"},
    {stage::ready, event_kind::failed, "/a", stage::over, "STOPPING=1"},
    {stage::ready, event_kind::cancelled, "/a", stage::over, "STOPPING=1"},
    {stage::ready, event_kind::abandoned, "/a", stage::over, "STOPPING=1"},
    {stage::stopping, event_kind::stopping, "/a", stage::stopping, ""},
    {stage::stopping, event_kind::stopped, "/b", stage::stopping, ""},
    {stage::stopping, event_kind::ready, "/b", stage::stopping, ""},
    {stage::stopping, event_kind::stopped, "/a", stage::over, ""},
    {stage::stopping, event_kind::abandoned, "/a", stage::over, ""},
    {stage::over, event_kind::ready, "/b", stage::over, ""},
    {stage::over, event_kind::ready, "/a", stage::over, ""},
    {stage::over, event_kind::stopping, "/a", stage::over, ""},
    {stage::over, event_kind::came_back, "/a", stage::over, ""},
  };
  for (const auto& row : rows) {
    INFO("stage " << static_cast<int>(row.from) << ", " << row.path << ' '
                  << to_string(row.what));
    auto rules = rules_at(row.from);
    CHECK(rules.on_root(row.what, row.path) == row.message);
    CHECK(rules.at() == row.to);
    CHECK(rules.feeds_watchdog()
          == (row.to == stage::ready || row.to == stage::stopping));
  }
}

TEST_CASE("the status says how many workers there are of which kind") {
  const worker_census some{.starting = 1,
                           .running = 12,
                           .backing_off = 2,
                           .stopping = 3,
                           .abandoned = 1};
  const worker_census waiting{.running = 2,
                              .stopping = 5,
                              .awaited = {{"/a/b/c", worker_phase::draining},
                                          {"/a/b", worker_phase::cleaning_up},
                                          {"/a/c", worker_phase::draining},
                                          {"/a/d", worker_phase::draining},
                                          {"/a/e", worker_phase::draining}}};
  const auto counts = std::string{"12 running, 1 starting, 2 backing off, 3 "
                                  "stopping, 1 abandoned"};
  const auto rows = std::vector<std::tuple<stage, worker_census, std::string>>{
    {stage::starting, some, "STATUS=Starting: " + counts},
    {stage::starting, {}, "STATUS=Starting: none running"},
    {stage::ready, {.running = 1}, "STATUS=Workers: 1 running"},
    {stage::ready, some, "STATUS=Workers: " + counts},
    {stage::ready, waiting, "STATUS=Workers: 2 running, 5 stopping"},
    {stage::stopping, some, "STATUS=Stopping: " + counts},
    {stage::stopping, waiting,
     "STATUS=Stopping, waits for /a/b/c (draining), /a/b (cleaning_up), /a/c "
     "(draining) and 2 more"},
    {stage::over, some, "STATUS=Stopped"},
  };
  for (const auto& [where, census, expected] : rows)
    CHECK(rules_at(where).status(census, time_point{}) == expected);
}

TEST_CASE("the last status says at once how it has ended") {
  struct row {
    event_kind what;
    std::string why;
    std::string expected;
  };
  const row table[] = {
    {event_kind::stopped, "", "STATUS=Stopped"},
    {event_kind::failed, "it gave\nup", "STATUS=Failed: it gave\\x0aup"},
    {event_kind::forced, "", "STATUS=Stopped by force"},
    {event_kind::abandoned, "stuck", "STATUS=Stopped by force: stuck"},
  };
  for (const auto& [what, why, expected] : table) {
    auto rules = rules_at(stage::stopping);
    const auto now = time_point{10s};
    rules.note_change(now);
    CHECK_FALSE(rules.status({.stopping = 1}, now).empty());
    static_cast<void>(rules.on_root(what, "/a", why));
    CHECK(rules.status_due() <= now);
    CHECK(rules.status({}, now) == expected);
  }
}

TEST_CASE("the status is looked at once a second at most") {
  auto rules = rules_at(stage::ready);
  const auto begin = time_point{10s};
  CHECK(rules.status_due() == troupe::never);
  rules.note_change(begin);
  CHECK(rules.status_due() == begin);
  CHECK_FALSE(rules.status({.running = 1}, begin).empty());
  CHECK(rules.status_due() == troupe::never);
  rules.note_change(begin + 100ms);
  rules.note_change(begin + 200ms);
  CHECK(rules.status_due() == begin + 1s);
  CHECK(rules.status({.running = 1}, begin + 1s).empty()); // nothing new
  rules.note_change(begin + 1500ms);
  CHECK(rules.status_due() == begin + 2s);
  CHECK_FALSE(rules.status({.running = 2}, begin + 2s).empty());
  rules.note_change(begin + 1h);
  CHECK(rules.status_due() == begin + 1h);
}

TEST_CASE("what systemd is told is one line of UTF-8, however it is named") {
  const auto rows = std::vector<std::pair<std::string, std::string>>{
    {"/a/b", "/a/b"},
    {"/a\nREADY=1", "/a\\x0aR..."},
    {"\x1b[0m", "\\x1b[0m"},
    {"/m\xc3\xbcller", "/m\xc3\xbcller"},
    {"\xff\xc3", "\\xff\\xc3"},
    {"\xc0\x80", "\\xc0\\x80"},       // longer than need be
    {"\xed\xa0\x80", "\\xed\\xa..."}, // a surrogate
    {"\xe2\x80\xae", "\\u{202e}"},    // turns what follows around
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
    {"", ""},
    {"0123456789", "0123456789"},
    {"01234567890", "0123456..."},
    {"012345\xc3\xbc\xc3\xbc\xc3\xbc", "012345..."},
  };
  for (const auto& [text, expected] : rows)
    CHECK(troupe::notify_text(text, 10) == expected);
}
