// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "observer/document.hpp"

#include "observer/words.hpp"
#include "rules/printable.hpp"
#include "support/real_system.hpp"
#include "troupe/error.hpp"
#include "troupe/observer/render.hpp"
#include "troupe/supervisor_spec.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using troupe::child_kind;
using troupe::outcome;
using troupe::outcome_kind;
using troupe::tree_status;
using troupe::worker_phase;
using troupe::worker_state;

namespace {

tree_status worker(std::string path, worker_state state, worker_phase phase) {
  tree_status result;
  result.self.path = path;
  result.self.name = path.substr(path.rfind('/') + 1);
  result.self.state = state;
  result.self.phase = phase;
  return result;
}

tree_status ready(std::string path) {
  return worker(std::move(path), worker_state::running, worker_phase::ready);
}

tree_status stopping(std::string path, troupe::timespan since) {
  auto result = worker(std::move(path), worker_state::stopping,
                       worker_phase::draining);
  result.self.stopping = since;
  return result;
}

tree_status supervisor(tree_status x, std::vector<tree_status> children = {}) {
  x.kind = child_kind::supervisor;
  x.children = std::move(children);
  return x;
}

outcome failed(std::string why) {
  static const support::known_types known; // the text of an error needs them
  return {outcome_kind::failed,
          caf::make_error(troupe::errc::worker_failed, std::move(why))};
}

std::vector<std::string> names(const std::vector<const tree_status*>& xs) {
  std::vector<std::string> result;
  for (const auto* x : xs)
    result.push_back(x->self.path);
  return result;
}

} // namespace

TEST_CASE("S29 durations are said in two units at most") {
  using troupe::observing::in_words;
  CHECK(in_words(-1s) == "0ms");
  CHECK(in_words(0s) == "0ms");
  CHECK(in_words(999ms + 999us) == "999ms");
  CHECK(in_words(1s) == "1s");
  CHECK(in_words(1500ms) == "1.5s");
  CHECK(in_words(9999ms) == "9.9s");
  CHECK(in_words(10s + 900ms) == "10s");
  CHECK(in_words(60s) == "1min");
  CHECK(in_words(125s) == "2min 5s");
  CHECK(in_words(3h + 4min + 59s) == "3h 4min");
  CHECK(in_words(24h) == "1d");
  CHECK(in_words(121h) == "5d 1h");
}

TEST_CASE("S29 what is shown cannot move the cursor of a terminal") {
  using troupe::rules::printable;
  CHECK(printable("plain, ä") == "plain, ä");
  CHECK(printable("\x1b[2J\n\x7f") == "\\x1b[2J\\x0a\\x7f");
  CHECK(printable("\xc2\x9b") == "\\u{9b}");
  CHECK(printable("a\xff") == "a\\xff");
}

TEST_CASE("S29 a reason does not name its worker once more") {
  using troupe::observing::bare_reason;
  CHECK(bare_reason("worker \"a\" (/t/a) failed: broken", "/t/a") == "broken");
  CHECK(bare_reason("worker \"a\" (/t/a) failed in a handler: x", "/t/a")
        == "failed in a handler: x");
  CHECK(bare_reason("worker \"b\" (/t/b) failed: x", "/t/a")
        == "worker \"b\" (/t/b) failed: x");
  CHECK(bare_reason("failed: x", "/t/a") == "x");
  CHECK(bare_reason("", "/t/a").empty());
}

TEST_CASE("S29 a tree as text for a terminal") {
  auto bad = worker("/tree/b/bad\n", worker_state::stopped,
                    worker_phase::backing_off);
  bad.next_retry = 1500ms;
  bad.last_end = failed("no\nnetwork");
  auto busy = ready("/tree/a");
  busy.self.uptime = 125s;
  busy.queue.queued = 3;
  busy.self.holds = 1;
  busy.restarts = 2;
  busy.fields = {{"url", "x"}};
  auto mute = ready("/tree/c");
  mute.answering = false;
  auto unheard = ready("/tree/d");
  unheard.overlooked = true;
  auto tree = supervisor(
    ready("/tree"), {busy, supervisor(ready("/tree/b"), {bad}), mute, unheard});
  tree.recent_restarts = 2;
  tree.max_restarts = 3;
  CHECK(troupe::to_text({tree})
        == "● /tree  running, ready  up 0ms  2 of 3 restarts\n"
           "├─● a  running, ready  up 2min 5s  2 restarts  3 queued  1 hold  "
           "url: x\n"
           "├─● b  running, ready  up 0ms\n"
           "│ └─× bad\\x0a  stopped, backing_off  again in 1.5s  last end: "
           "failed: no\\x0anetwork\n"
           "├─▲ c  running, ready  does not answer  up 0ms\n"
           "└─● d  running, ready  was not asked in time  up 0ms\n");
  CHECK(troupe::to_text({}).empty());
}

TEST_CASE("S29 trees for Graphviz") {
  auto odd = worker("/t/\"odd\\", worker_state::stopped, worker_phase::done);
  odd.last_end = failed("it");
  auto text = troupe::to_dot({supervisor(ready("/t"), {odd})});
  CHECK_THAT(text, ContainsSubstring("\"/t\" [label=\"t (ready)\", fillcolor="
                                     "palegreen, shape=box];"));
  CHECK_THAT(text,
             ContainsSubstring(R"x("/t/\"odd\\" [label="\"odd\\ (done)")x"));
  CHECK_THAT(text, ContainsSubstring(R"("/t" -> "/t/\"odd\\";)"));
  // Two of one name are two.
  auto two = troupe::to_dot({supervisor(ready("/t"), {ready("/t/a")}),
                             supervisor(ready("/t"), {ready("/t/a")})});
  CHECK_THAT(two, ContainsSubstring(R"("/t" -> "/t/a";)"));
  CHECK_THAT(two, ContainsSubstring(R"("/t//2" -> "/t/a//2";)"));
}

TEST_CASE("S29 a worker as JSON has what there is to say") {
  auto plain = json::parse(troupe::to_json(ready("/tree/a")));
  CHECK(plain
        == json{{"path", "/tree/a"},
                {"name", "a"},
                {"kind", "worker"},
                {"state", "running"},
                {"phase", "ready"},
                {"incarnation", 1},
                {"uptime", 0.0},
                {"options", {{"grace", 0.0}}}});
  auto x = supervisor(worker("/tree", worker_state::stopped,
                             worker_phase::backing_off),
                      {ready("/tree/a")});
  x.self.incarnation = 2;
  x.self.uptime = 1500ms;
  x.answering = false;
  x.overlooked = true;
  x.self.health = troupe::health::degraded;
  x.self.health_reason = "no peers";
  x.restarts = 1;
  x.next_retry = 250ms;
  x.recent_restarts = 1;
  x.max_restarts = 3;
  x.ready_children = 1;
  x.policy = {.restart = troupe::restart::transient,
              .significant = true,
              .grace = 2500ms,
              .on_stop = troupe::on_stop::drain,
              .strategy = troupe::strategy::rest_for_one};
  x.last_end = failed("broken");
  x.has_queue = true;
  x.queue = {.sent = 5, .handled = 1, .in_progress = 1, .queued = 2, .lost = 1};
  x.self.holds = 4;
  x.fields = {{"url", "<b>"}};
  auto full = json::parse(troupe::to_json(x));
  CHECK(full["uptime"] == 1.5);
  CHECK(full["answering"] == false);
  CHECK(full["overlooked"] == true);
  CHECK(full["health"] == "degraded");
  CHECK(full["health_reason"] == "no peers");
  CHECK(full["restarts"] == 1);
  CHECK(full["next_retry"] == 0.25);
  CHECK(full["recent_restarts"] == 1);
  CHECK(full["max_restarts"] == 3);
  CHECK(full["ready_children"] == 1);
  CHECK(full["options"]
        == json{{"restart", "transient"},
                {"significant", true},
                {"grace", 2.5},
                {"on_stop", "drain"},
                {"strategy", "rest_for_one"}});
  x.policy.grace = troupe::infinite;
  CHECK_FALSE(json::parse(troupe::to_json(x))["options"].contains("grace"));
  CHECK(full["last_end"]["kind"] == "failed");
  CHECK(full["last_end"]["code"] == 2);
  CHECK(full["last_end"]["reason"] == "broken");
  CHECK_FALSE(full["last_end"].contains("abandoned"));
  CHECK(full["queue"]
        == json{{"queued", 2},
                {"in_progress", 1},
                {"sent", 5},
                {"handled", 1},
                {"dead_letters", 1},
                {"dead", {{"lost", 1}}}});
  CHECK(full["holds"] == 4);
  CHECK(full["fields"]["url"] == "<b>");
  CHECK(full["children"][0]["path"] == "/tree/a");
}

TEST_CASE("S29 bytes that are not UTF-8 are escaped as in a text") {
  auto x = ready("/a\xff");
  CHECK(json::parse(troupe::to_json(x))["path"] == "/a\\xff");
  // A path out of a document leads to its worker, and to no other one.
  auto tree = ready("/\xc0");
  for (auto path : {"/\xc0/\xfe", "/\xc0/\xff", "/\xc0/\xc3\xa4\xff"})
    tree.children.push_back(ready(path));
  const std::vector trees{tree};
  for (const auto& child : tree.children) {
    const auto path = json::parse(troupe::to_json(child))["path"];
    const auto found = troupe::observing::find(trees, path.get<std::string>());
    REQUIRE(found.size() == 1);
    CHECK(found[0].self.path == child.self.path);
    CHECK(troupe::observing::find(trees, child.self.path).size() == 1);
  }
}

TEST_CASE("S28 an event as JSON") {
  troupe::lifecycle_event x;
  x.kind = troupe::event_kind::failed;
  x.path = "/tree/a";
  x.incarnation = 3;
  CHECK(json::parse(to_json(x, 1.25))
        == json{{"kind", "failed"},
                {"path", "/tree/a"},
                {"incarnation", 3},
                {"at", 1.25}});
  x.reason = caf::make_error(troupe::errc::worker_failed, "why");
  x.span = 1500ms;
  auto full = json::parse(to_json(x, 1.25));
  CHECK(full["reason"] == "why");
  CHECK(full["span"] == 1.5);
}

TEST_CASE("S29 when a program is ready") {
  using troupe::observing::readiness;
  struct row {
    std::vector<tree_status> trees;
    std::string why; // empty: it is
  };
  const auto starting = worker("/s", worker_state::running,
                               worker_phase::starting);
  const auto ended = worker("/e", worker_state::stopped, worker_phase::done);
  const auto unborn = worker("/u", worker_state::init, worker_phase::created);
  const std::vector<row> table{
    {{}, "nothing was started"},
    {{unborn}, "nothing was started"},
    {{ended}, "nothing was started"},
    {{ready("/r")}, ""},
    {{ready("/r"), unborn, ended}, ""},
    {{ready("/r"), starting}, "/s is starting"},
    {{ready("/r"), stopping("/x", 1s)}, "/x is stopping"},
    {{ready("/r"), supervisor(ended)}, "/e has ended"},
    {{supervisor(ready("/r"), {starting})}, ""},
    {{supervisor(unborn)}, "nothing was started"},
  };
  for (const auto& [trees, why] : table) {
    auto result = readiness(trees);
    CHECK(result.good == why.empty());
    CHECK(result.why == why);
  }
}

TEST_CASE("S29 when a program is alive") {
  using troupe::observing::liveness;
  CHECK(liveness({}).good);
  CHECK(liveness({supervisor(ready("/r"))}).good);
  auto ended = worker("/e", worker_state::stopped, worker_phase::done);
  ended.last_end = outcome{};
  CHECK(liveness({supervisor(ended)}).good);
  ended.last_end = failed("it gave up");
  CHECK(liveness({ended}).good); // a worker on its own
  CHECK(liveness({supervisor(ended)}).why == "/e has failed: it gave up");
  auto mute = ready("/m");
  mute.answering = false;
  CHECK(liveness({mute}).good);
  CHECK(liveness({supervisor(mute)}).why == "/m does not answer");
}

TEST_CASE("S29 who is awaited is who waits for nobody else") {
  using troupe::observing::awaited;
  CHECK(awaited({ready("/a")}).empty());
  CHECK(names(awaited({stopping("/a", 1s)})) == std::vector<std::string>{"/a"});
  // A supervisor stops its children one after another.
  auto deep = supervisor(
    stopping("/t", 3s),
    {ready("/t/a"), supervisor(stopping("/t/b", 2s), {stopping("/t/b/x", 1s)}),
     stopping("/t/c", 1s)});
  CHECK(names(awaited({deep})) == std::vector<std::string>{"/t/b/x", "/t/c"});
  auto last = supervisor(stopping("/t", 3s), {ready("/t/a")});
  CHECK(awaited({last}).empty());
}

TEST_CASE("S29 the document of a whole system") {
  using troupe::observing::document;
  auto tree = supervisor(ready("/t"),
                         {supervisor(ready("/t/a"), {ready("/t/a/x")})});
  auto doc = json::parse(
    document({tree}, {.at = 12.5, .controls = true, .last_event = 7}));
  CHECK(doc["schema"] == 1);
  CHECK(doc["at"] == 12.5);
  CHECK(doc["ready"] == true);
  CHECK(doc["why_not_ready"] == "");
  CHECK(doc["controls"] == true);
  CHECK(doc["last_event"] == 7);
  CHECK(doc["stopping"].is_null());
  CHECK(doc["trees"][0]["children"][0]["children"].size() == 1);
  SECTION("to some depth only") {
    auto flat = json::parse(document({tree}, {.depth = 2}));
    CHECK_FALSE(flat["trees"][0]["children"][0].contains("children"));
    auto root = json::parse(document({tree}, {.depth = 1}));
    CHECK_FALSE(root["trees"][0].contains("children"));
  }
  SECTION("while it stops") {
    auto busy = stopping("/t/a", 250ms);
    busy.queue.queued = 3;
    busy.self.holds = 1;
    auto x
      = json::parse(document({supervisor(stopping("/t", 500ms), {busy})}, {}));
    CHECK(x["ready"] == false);
    CHECK(x["why_not_ready"] == "/t is stopping");
    CHECK(x["stopping"]["since"] == 0.5);
    CHECK(x["stopping"]["awaited"][0]
          == json{{"path", "/t/a"},
                  {"state", "stopping"},
                  {"phase", "draining"},
                  {"elapsed", 0.25},
                  {"queued", 3},
                  {"holds", 1}});
  }
}

TEST_CASE("S29 a worker is found by its path") {
  using troupe::observing::find;
  std::vector<tree_status> trees{
    ready("/t"), supervisor(ready("/t2"), {ready("/t2/a"), ready("/t2/ab")}),
    supervisor(ready("/t2"), {ready("/t2/b")})};
  auto found = [&trees](std::string_view path) {
    std::vector<std::size_t> children;
    for (const auto& x : find(trees, path)) {
      CHECK(x.self.path == path);
      children.push_back(x.children.size());
    }
    return children;
  };
  CHECK(found("/t2/ab") == std::vector<std::size_t>{0});
  // Two trees of one name, each of which may be meant.
  CHECK(found("/t2") == std::vector<std::size_t>{2, 1});
  CHECK(found("/t2/b") == std::vector<std::size_t>{0});
  CHECK(found("/t/a").empty());
  CHECK(found("").empty());
}

TEST_CASE("S29 a part of a tree is not judged as if it were a program") {
  using troupe::observing::document;
  auto part = worker("/t/a", worker_state::stopped, worker_phase::backing_off);
  const auto program = troupe::observing::verdict{};
  auto doc = json::parse(document({part}, {.readiness = program}));
  CHECK(doc["ready"] == true);
  CHECK(doc["why_not_ready"] == "");
}
