// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The parts of troupe-top that need neither a terminal nor a server.

#include "arguments.hpp"
#include "keys.hpp"
#include "rates.hpp"
#include "screen.hpp"
#include "status.hpp"
#include "text.hpp"
#include "view.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace troupe_top;

using Catch::Matchers::ContainsSubstring;
using task = arguments::task;
using texts = std::vector<std::string>;

namespace {

arguments read(const std::vector<const char*>& words,
               const std::string& environment = {}) {
  return parse_arguments(words, environment);
}

/// A document with these trees, as their JSON.
std::string document(const std::string& trees, const std::string& more = {}) {
  return R"({"schema": 1, "version": "0.1.0", "at": 100.5, "ready": true)"
         + more + R"(, "trees": [)" + trees + "]}";
}

/// A worker, with what else there is to say of it.
std::string entry(const std::string& path, const std::string& more = {},
                  const std::string& children = {}) {
  return R"({"path": ")" + path + R"(", "name": ")"
         + path.substr(path.rfind('/') + 1)
         + R"(", "kind": "worker", "state": "running", "phase": "ready",
              "incarnation": 1, "uptime": 2.5)"
         + more
         + (children.empty() ? "" : R"(, "children": [)" + children + ']')
         + '}';
}

std::string queue_of(std::uint64_t queued, std::uint64_t handled) {
  return R"(, "queue": {"queued": )" + std::to_string(queued)
         + R"(, "in_progress": 0, "sent": 0, "handled": )"
         + std::to_string(handled) + R"(, "dead_letters": 0})";
}

/// Two trees: /a with b, which has c and d, and e; and /f.
status two_trees() {
  return decode_status(
    document(entry("/a", {},
                   entry("/a/b", {},
                         entry("/a/b/c", queue_of(5, 0) + R"(, "restarts": 1)")
                           + ',' + entry("/a/b/d", queue_of(9, 0)))
                     + ',' + entry("/a/e", R"(, "restarts": 4)"))
             + ',' + entry("/f")));
}

texts shown(const status& what, const view& how) {
  texts result;
  for (const auto i : shown_workers(what, how))
    result.push_back(what.workers[i].path);
  return result;
}

key text_key(const std::string& text) {
  return {key::kind::text, text};
}

/// Presses keys: each letter is one.
void type(view& how, const std::string& letters, const status& what,
          std::size_t page = 10) {
  for (const auto c : letters)
    press(how, text_key(std::string(1, c)), what, page);
}

void press(view& how, key::kind what, const status& on, std::size_t page = 10) {
  troupe_top::press(how, key{what, {}}, on, page);
}

texts lines_of(const std::vector<line>& drawn) {
  texts result;
  for (const auto& x : drawn)
    result.push_back(to_text(x));
  return result;
}

texts draw_text(const status& what, screen_size size, const view& how = {}) {
  return lines_of(draw({.url = "http://here:1", .last = &what}, how, size));
}

std::string joined(const texts& all) {
  std::string result;
  for (const auto& x : all)
    result += x + '\n';
  return result;
}

} // namespace

// -- arguments -------------------------------------------------------------------

TEST_CASE("the command line says what to do and where") {
  struct row {
    std::vector<const char*> words;
    task what;
    const char* url;
    std::chrono::milliseconds interval = 1000ms;
  };
  const auto here = std::string{default_url};
  const auto rows = std::vector<row>{
    {{}, task::watch, here.c_str()},
    {{"--once"}, task::print_tree, here.c_str()},
    {{"--once", "--json"}, task::print_json, here.c_str()},
    {{"--json", "--once"}, task::print_json, here.c_str()},
    {{"--help"}, task::help, here.c_str()},
    {{"-h", "--once"}, task::help, here.c_str()},
    {{"--version"}, task::version, here.c_str()},
    {{"localhost:1"}, task::watch, "http://localhost:1"},
    {{"--url", "http://b:2"}, task::watch, "http://b:2"},
    {{"--url=http://b:2/x/", "--once"}, task::print_tree, "http://b:2/x"},
    {{"--interval", "0.5"}, task::watch, here.c_str(), 500ms},
    {{"--interval=60", "a:1"}, task::watch, "http://a:1", 60s},
    {{"--restart", "/tree/writer"}, task::command, here.c_str()},
    {{"--stop=/a/b", "c:4"}, task::command, "http://c:4"},
  };
  for (const auto& x : rows) {
    const auto found = read(x.words);
    CHECK(found.problem == "");
    CHECK(found.what == x.what);
    CHECK(found.where.shown == x.url);
    CHECK(found.interval == x.interval);
  }
  const auto order = read({"--restart", "/tree/parser#1"});
  CHECK(order.verb == "restart");
  CHECK(order.child == "/tree/parser#1");
  CHECK(read({}, "http://c:3").where.shown == "http://c:3");
  CHECK(read({"d:4"}, "http://c:3").where.shown == "http://d:4");
}

TEST_CASE("a mistake in the command line is named") {
  const auto rows
    = std::vector<std::pair<std::vector<const char*>, const char*>>{
      {{"--no-such"}, "no option --no-such"},
      {{"-x"}, "no option -x"},
      {{"--once=1"}, "no option --once=1"},
      {{"--json"}, "--json needs --once"},
      {{"--url"}, "--url needs a value"},
      {{"--interval"}, "--interval needs a value"},
      {{"--interval", "0"}, "--interval is \"0\""},
      {{"--interval", "0.01"}, "from 0.1 to 3600"},
      {{"--interval", "nan"}, "--interval is \"nan\""},
      {{"--interval", "1s"}, "--interval is \"1s\""},
      {{"--restart"}, "--restart needs a value"},
      {{"--start", "writer"}, "--start is \"writer\"; it must be a path"},
      {{"--stop", "/"}, "it must be a path"},
      {{"--stop=/a", "--start=/a"}, "more than one of --stop, --start"},
      {{"--stop=/a", "--once"}, "--once does not go with --stop"},
      {{"a:1", "b:2"}, "more than one URL: a:1 and b:2"},
      {{"https://a"}, "no URL of an observer: https://a"},
      {{""}, "no URL"},
    };
  for (const auto& [words, expected] : rows)
    if (*words[0] != '\0') // an empty word is no URL, so the default is taken
      CHECK_THAT(read(words).problem, ContainsSubstring(expected));
  CHECK_THAT(read({}, "ftp://x").problem, ContainsSubstring("ftp://x"));
}

TEST_CASE("a URL is taken apart") {
  struct row {
    const char* url;
    const char* host;
    int port;
    const char* path;
  };
  for (const auto& x : std::vector<row>{
         {"http://a", "a", 80, "/status.json"},
         {"http://a/", "a", 80, "/status.json"},
         {"a:9464", "a", 9464, "/status.json"},
         {"http://[::1]:1", "::1", 1, "/status.json"},
         {"http://a:1/b/c", "a", 1, "/b/c/status.json"},
         {"http://a:1/b/status.json", "a", 1, "/b/status.json"},
         {"http://a:65535//", "a", 65535, "/status.json"},
       }) {
    INFO(x.url);
    const auto found = parse_address(x.url);
    REQUIRE(found.has_value());
    CHECK(found->host == x.host);
    CHECK(found->port == x.port);
    CHECK(found->path == x.path);
  }
  for (const auto* wrong :
       {"", "http://", "https://a", "http://a:0", "http://a:65536", "a:b",
        "http://a:", "http://[::1", "http://[::1]x", "http://a/?path=/b",
        "http://a/#b", "http://user@a", "http://a b", "http://a/\r\nX: y"})
    CHECK_FALSE(parse_address(wrong).has_value());
}

// -- status.json -----------------------------------------------------------------

TEST_CASE("a status is read with all that is shown of it") {
  const auto found = decode_status(document(
    entry("/a",
          R"(, "answering": false, "overlooked": true, "health": "degraded",
             "health_reason": "slow", "restarts": 3, "next_retry": 0.25,
             "holds": 2, "news": {"of": "a later version"},
             "last_end": {"kind": "failed", "code": 2, "reason": "why",
                          "abandoned": true},
             "queue": {"queued": 1, "in_progress": 2, "sent": 3, "handled": 4,
                       "dead_letters": 5})",
          entry("/a/b")),
    R"(, "why_not_ready": "x", "stopping": {"since": 1.5, "awaited": [
       {"path": "/a/b", "state": "stopping", "phase": "draining",
        "elapsed": 1.25, "queued": 7, "holds": 8}]})"));
  CHECK(found.version == "0.1.0");
  CHECK(found.at == 100.5);
  CHECK(found.ready);
  CHECK(found.why_not_ready == "x");
  REQUIRE(found.stopping);
  CHECK(found.stopping->since == 1.5);
  REQUIRE(found.stopping->awaited.size() == 1);
  CHECK(found.stopping->awaited[0].path == "/a/b");
  CHECK(found.stopping->awaited[0].elapsed == 1.25);
  CHECK(found.stopping->awaited[0].queued == 7);
  CHECK(found.stopping->awaited[0].holds == 8);
  REQUIRE(found.workers.size() == 2);
  const auto& a = found.workers[0];
  CHECK(a.depth == 0);
  CHECK(a.below == 1);
  CHECK_FALSE(a.answering);
  CHECK(a.overlooked);
  CHECK(a.health == "degraded");
  CHECK(a.health_reason == "slow");
  CHECK(a.restarts == 3);
  CHECK(a.next_retry == 0.25);
  CHECK(a.holds == 2);
  REQUIRE(a.last_end);
  CHECK(a.last_end->kind == "failed");
  CHECK(a.last_end->reason == "why");
  CHECK(a.last_end->abandoned);
  REQUIRE(a.queue);
  CHECK(a.queue->queued == 1);
  CHECK(a.queue->in_progress == 2);
  CHECK(a.queue->sent == 3);
  CHECK(a.queue->handled == 4);
  CHECK(a.queue->dead_letters == 5);
  const auto& b = found.workers[1];
  CHECK(b.depth == 1);
  CHECK(b.below == 0);
  CHECK(b.answering);
  CHECK_FALSE(b.queue);
  CHECK_FALSE(b.last_end);
  CHECK(b.uptime == 2.5);
}

TEST_CASE("what is no status is refused, saying why") {
  const auto rows = std::vector<std::pair<std::string, const char*>>{
    {"", "it is no JSON"},
    {"<html>", "it is no JSON"},
    {"[]", "the document is no object"},
    {"{}", "the document has no \"schema\""},
    {R"({"schema": "1"})", "its schema is not a whole number"},
    {R"({"schema": 1.0})", "its schema is not a whole number"},
    {R"({"schema": 2, "trees": []})", "its schema is 2"},
    {R"({"schema": 1})", "the document has no \"trees\""},
    {R"({"schema": 1, "trees": {}})",
     "\"trees\" of the document is not a list"},
    {R"({"schema": 1, "ready": 1, "trees": []})",
     "\"ready\" of the document is not true or false"},
    {document("1"), "a worker is no object"},
    {document("{}"), "a worker has no \"path\""},
    {document(entry("/a", R"(, "holds": -1)")),
     "\"holds\" of a worker is not a whole number"},
    {document(entry("/a", R"(, "holds": 0.5)")), "\"holds\" of a worker"},
    {document(entry("/a", R"(, "holds": 1e30)")), "\"holds\" of a worker"},
    {document(entry("/a", R"(, "children": 1)")),
     "\"children\" of a worker is not a list"},
    {document(entry("/a", R"(, "queue": {"queued": "x"})")),
     "\"queued\" of \"queue\" of a worker"},
    {document(entry("/a"), R"(, "stopping": {})"), "has no \"since\""},
  };
  for (const auto& [text, expected] : rows) {
    INFO(text);
    CHECK_THROWS_WITH(decode_status(text), ContainsSubstring(expected));
  }
}

TEST_CASE("a tree may be as deep as its sender likes") {
  constexpr std::size_t depth = 20'000;
  std::string text;
  for (std::size_t i = 0; i < depth; ++i)
    text += R"({"path": "/a", "name": "a", "kind": "worker", "state": "running",
               "phase": "ready", "children": [)";
  for (std::size_t i = 0; i < depth; ++i)
    text += "]}";
  const auto found = decode_status(document(text));
  REQUIRE(found.workers.size() == depth);
  CHECK(found.workers.back().depth == depth - 1);
  CHECK(found.workers.front().below == depth - 1);
  CHECK(draw_text(found, {80, 24}).size() == 24);
}

// -- text ------------------------------------------------------------------------

TEST_CASE("what a terminal would obey or hide is escaped") {
  const auto rows = std::vector<std::pair<std::string, std::string>>{
    {"plain", "plain"},
    {"\x1b[2J", "\\x1b[2J"},
    {"a\nb\r\t", "a\\x0ab\\x0d\\x09"},
    {std::string{"\0", 1}, "\\x00"},
    {"\x7f", "\\x7f"},
    {"\xc2\x9b", "\\u{9b}"},       // CSI in one character
    {"\xe2\x80\xae", "\\u{202e}"}, // turns the line around
    {"\xe2\x80\x8b", "\\u{200b}"}, // cannot be seen
    {"\xef\xbb\xbf", "\\u{feff}"},
    {"\xff", "\\xff"},
    {"\xc3", "\\xc3"},
    {"\xc0\xaf", "\\xc0\\xaf"}, // longer than need be
    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
    {"m\xc3\xbcll", "m\xc3\xbcll"},
    {"\xe4\xb8\xad", "\xe4\xb8\xad"},
  };
  for (const auto& [text, expected] : rows)
    CHECK(printable(text) == expected);
}

TEST_CASE("a text is cut and filled by the columns that it takes") {
  CHECK(width_of("abc") == 3);
  CHECK(width_of("m\xc3\xbc") == 2);
  CHECK(width_of("\xe4\xb8\xad\xe6\x96\x87") == 4);
  CHECK(width_of("e\xcc\x81") == 1);
  CHECK(cut("abcdef", 6) == "abcdef");
  CHECK(cut("abcdef", 4) == "abc~");
  CHECK(cut("abcdef", 1) == "~");
  CHECK(cut("abcdef", 0).empty());
  CHECK(cut("\xe4\xb8\xad\xe6\x96\x87", 3) == "\xe4\xb8\xad~");
  CHECK(fit_left("ab", 4) == "ab  ");
  CHECK(fit_right("ab", 4) == "  ab");
  CHECK(fit_left("\xe4\xb8\xad\xe6\x96\x87", 2) == "~ ");
  for (const std::size_t width : {0u, 1u, 2u, 3u, 7u})
    CHECK(width_of(fit_left("\xe4\xb8\xad\xe6\x96\x87x", width)) == width);
  std::string text{"a\xc3\xbc"};
  drop_last(text);
  CHECK(text == "a");
  drop_last(text);
  drop_last(text);
  CHECK(text.empty());
}

TEST_CASE("numbers are short") {
  constexpr auto endless = std::numeric_limits<double>::infinity();
  for (const auto& [seconds, expected] :
       std::vector<std::pair<double, const char*>>{
         {0, "0.0s"},
         {-1, "0.0s"},
         {1.26, "1.3s"},
         {9.96, "9s"},
         {59.9, "59s"},
         {60, "1m00s"},
         {3599, "59m59s"},
         {3600, "1h00m"},
         {86399, "23h59m"},
         {86400, "1d00h"},
         {1e7, "115d"},
         {1e300, "ever"},
         {endless, "ever"},
       })
    CHECK(render_seconds(seconds) == expected);
  for (const auto& [count, expected] :
       std::vector<std::pair<std::uint64_t, const char*>>{
         {0, "0"},
         {99'999, "99999"},
         {100'000, "100k"},
         {9'999'999, "9999k"},
         {10'000'000, "10M"},
         {UINT64_MAX, "18E"},
       })
    CHECK(render_count(count) == expected);
  for (const auto& [rate, expected] :
       std::vector<std::pair<double, const char*>>{
         {0, "0"},
         {-5, "0"},
         {0.04, "0.0"},
         {99.94, "99.9"},
         {99.96, "100"},
         {123456, "123k"},
         {endless, "1000P"},
       })
    CHECK(render_rate(rate) == expected);
}

// -- rates -----------------------------------------------------------------------

TEST_CASE("a rate is what was handled between two looks") {
  auto before = decode_status(document(entry("/a", queue_of(0, 10)) + ','
                                       + entry("/b", queue_of(0, 10)) + ','
                                       + entry("/c") + ',' + entry("/d")));
  auto after = decode_status(
    document(entry("/a", queue_of(0, 30)) + ',' + entry("/b", queue_of(0, 5))
             + ',' + entry("/c", queue_of(0, 5)) + ',' + entry("/d") + ','
             + entry("/e", queue_of(0, 5))));
  after.at = before.at + 2;
  const auto rates = rates_between(before, after);
  REQUIRE(rates.size() == 5);
  CHECK(rates[0] == 10.0);
  CHECK_FALSE(rates[1]); // it has begun to count anew
  CHECK_FALSE(rates[2]); // it had no queue
  CHECK_FALSE(rates[3]); // it has none
  CHECK_FALSE(rates[4]); // it was not there
  after.at = before.at;
  CHECK_FALSE(rates_between(before, after)[0]);
}

// -- keys ------------------------------------------------------------------------

TEST_CASE("keys are what a terminal sends for them") {
  using kind = key::kind;
  const auto rows = std::vector<std::pair<std::string, kind>>{
    {"\x1b[A", kind::up},         {"\x1bOA", kind::up},
    {"\x1b[B", kind::down},       {"\x1b[C", kind::right},
    {"\x1b[D", kind::left},       {"\x1b[5~", kind::page_up},
    {"\x1b[6~", kind::page_down}, {"\x1b[H", kind::home},
    {"\x1b[1~", kind::home},      {"\x1b[F", kind::end},
    {"\x1b[4~", kind::end},       {"\r", kind::enter},
    {"\n", kind::enter},          {"\x7f", kind::backspace},
    {"\b", kind::backspace},      {"\x1b", kind::escape},
    {"\x1b[1;5Z", kind::other},   {"\x01", kind::other},
  };
  for (const auto& [bytes, expected] : rows) {
    key_decoder decoder;
    CHECK(decoder.feed(bytes) == std::vector<key>{{expected, {}}});
  }
  key_decoder decoder;
  CHECK(decoder.feed("q\xc3\xbc")
        == std::vector<key>{text_key("q"), text_key("\xc3\xbc")});
  CHECK(decoder.feed("\xc3").empty()); // in pieces
  CHECK(decoder.feed("\xbc") == std::vector<key>{text_key("\xc3\xbc")});
  CHECK(decoder.feed("\x1b[").empty());
  CHECK(decoder.feed("Bx")
        == std::vector<key>{{kind::down, {}}, text_key("x")});
  CHECK(decoder.feed("\x1bx")
        == std::vector<key>{{kind::escape, {}}, text_key("x")});
  CHECK(decoder.feed("\x1b[" + std::string(100, '1')).empty());
  CHECK(decoder.feed("q") == std::vector<key>{text_key("q")});
}

// -- view ------------------------------------------------------------------------

TEST_CASE("workers are shown as a tree, or sorted") {
  const auto what = two_trees();
  CHECK(shown(what, {})
        == texts{"/a", "/a/b", "/a/b/c", "/a/b/d", "/a/e", "/f"});
  CHECK(shown(what, {.by = order::queue})
        == texts{"/a/b/d", "/a/b/c", "/a", "/a/b", "/a/e", "/f"});
  CHECK(shown(what, {.by = order::restarts})
        == texts{"/a/e", "/a/b/c", "/a", "/a/b", "/a/b/d", "/f"});
  CHECK(shown(what, {.folded = {"/a/b"}}) == texts{"/a", "/a/b", "/a/e", "/f"});
  CHECK(shown(what, {.folded = {"/a", "/a/b", "/gone"}}) == texts{"/a", "/f"});
}

TEST_CASE("a filter shows what is looked for, and in a tree where it is") {
  const auto what = two_trees();
  CHECK(shown(what, {.filter = "/D"}) == texts{"/a", "/a/b", "/a/b/d"});
  CHECK(shown(what, {.by = order::queue, .filter = "b/"})
        == texts{"/a/b/d", "/a/b/c"});
  CHECK(shown(what, {.filter = "d", .folded = {"/a"}})
        == texts{"/a", "/a/b", "/a/b/d"});
  CHECK(shown(what, {.filter = "nobody"}).empty());
}

TEST_CASE("keys move the cursor, and the screen follows") {
  const auto what = two_trees();
  view how;
  settle(how, what, 3);
  CHECK(how.cursor == "/a");
  press(how, key::kind::up, what, 3);
  CHECK(how.cursor == "/a");
  press(how, key::kind::down, what, 3);
  press(how, key::kind::down, what, 3);
  CHECK(how.cursor == "/a/b/c");
  CHECK(how.scroll == 0);
  press(how, key::kind::down, what, 3);
  CHECK(how.scroll == 1);
  press(how, key::kind::page_down, what, 3);
  CHECK(how.cursor == "/f");
  CHECK(how.scroll == 3);
  press(how, key::kind::home, what, 3);
  CHECK(how.cursor == "/a");
  CHECK(how.scroll == 0);
  press(how, key::kind::end, what, 3);
  press(how, key::kind::page_up, what, 3);
  CHECK(how.cursor == "/a/b/c");
  type(how, "jk", what, 3);
  CHECK(how.cursor == "/a/b/c");
  settle(how, what, 100); // a larger screen shows all
  CHECK(how.scroll == 0);
}

TEST_CASE("keys fold, sort and filter") {
  const auto what = two_trees();
  view how;
  settle(how, what, 10);
  type(how, " ", what);
  CHECK(how.folded == std::set<std::string>{"/a"});
  press(how, key::kind::right, what);
  CHECK(how.folded.empty());
  press(how, key::kind::left, what);
  press(how, key::kind::left, what);
  CHECK(how.folded == std::set<std::string>{"/a"});
  press(how, key::kind::enter, what);
  CHECK(how.folded.empty());
  press(how, key::kind::end, what);
  type(how, " ", what); // nobody is below it
  CHECK(how.folded.empty());
  type(how, "s", what);
  CHECK(how.by == order::queue);
  type(how, "s", what);
  CHECK(how.by == order::restarts);
  type(how, "s", what);
  CHECK(how.by == order::tree);
  type(how, "/sq", what); // while it is typed, letters are letters
  CHECK(how.typing);
  CHECK(how.filter == "sq");
  press(how, key::kind::backspace, what);
  CHECK(how.filter == "s");
  press(how, key::kind::enter, what);
  CHECK_FALSE(how.typing);
  CHECK(how.filter == "s");
  press(how, key::kind::escape, what);
  CHECK(how.filter.empty());
  type(how, "/", what);
  press(how, key::kind::backspace, what); // of nothing
  CHECK_FALSE(how.typing);
  type(how, "/x", what);
  press(how, key::kind::escape, what);
  CHECK_FALSE(how.typing);
  CHECK(how.filter.empty());
  CHECK_FALSE(how.quit);
  type(how, "q", what);
  CHECK(how.quit);
}

TEST_CASE("a cursor whose worker has gone stays where it is on the screen") {
  const auto what = two_trees();
  view how;
  settle(how, what, 10);
  how.cursor = "/gone";
  settle(how, what, 10);
  CHECK(how.cursor == "/a");
  const status nothing;
  settle(how, nothing, 10);
  press(how, key::kind::down, nothing);
  press(how, key::kind::enter, nothing);
  CHECK(how.scroll == 0);
}

// -- screen ----------------------------------------------------------------------

TEST_CASE("a screen shows what a worker says about itself") {
  auto what = decode_status(
    document(entry("/t", R"(, "fields": {"url": "x", "open": "\u001b[2J"})")));
  REQUIRE(what.workers.size() == 1);
  CHECK(what.workers[0].fields.size() == 2);
  const scene all{.last = &what};
  CHECK_THAT(joined(lines_of(draw(all, {}, {120, 9}))),
             ContainsSubstring("open: \\x1b[2J; url: x"));
  CHECK_THROWS(
    decode_status(document(entry("/t", R"(, "fields": {"url": 1})"))));
}

TEST_CASE("what a pool has counted is not counted once more") {
  status what;
  what.workers = {
    {.path = "/p",
     .kind = "supervisor",
     .state = "running",
     .queue = queue_counts{.dead_letters = 3},
     .below = 2},
    {.depth = 1, .path = "/p/a", .queue = queue_counts{.dead_letters = 1}},
    {.depth = 1, .path = "/p/b", .queue = queue_counts{.dead_letters = 2}},
    {.path = "/q", .queue = queue_counts{.dead_letters = 4}},
  };
  const scene all{.last = &what};
  CHECK(joined(lines_of(draw(all, {}, {120, 9}))).find("7 dead letters")
        != std::string::npos);
}

TEST_CASE("a screen shows the counts, the tree and its numbers") {
  auto what = decode_status(document(entry(
    "/tree", {},
    entry("/tree/writer",
          R"(, "holds": 1, "queue": {"queued": 3, "in_progress": 0,
                   "sent": 9, "handled": 6, "dead_letters": 2})")
      + ',' + R"({"path": "/tree/fetcher", "name": "fetcher", "kind": "worker",
                 "state": "running", "phase": "backing_off", "incarnation": 4,
                 "uptime": 7384, "restarts": 3, "next_retry": 2.5,
                 "last_end": {"kind": "failed", "reason": "no connection"}})")));
  const scene all{.url = "http://here:1",
                  .last = &what,
                  .rates = {std::nullopt, 12.5, std::nullopt}};
  CHECK(joined(lines_of(draw(all, {.cursor = "/tree"}, {120, 9})))
        == "troupe-top  http://here:1  troupe 0.1.0\n"
           "3 workers:  2 running  1 backing off   3 restarts, 2 dead letters\n"
           "ready\n"
           "WORKER       STATE           LIFE     UP RESTARTS QUEUE MSG/S  "
           "DEAD HOLDS  NOTES\n"
           "- /tree      running            1   2.5s        -              "
           "         -\n"
           "    writer   running            1   2.5s        -     3  12.5  "
           "   2     1\n"
           "    fetcher  retry in 2.5s      4  2h03m        3              "
           "         -  last end: failed: no connection\n"
           "\n"
           "q quit  / filter  s sort: tree  space fold\n");
}

TEST_CASE("a screen has its lines, none too wide, whatever its size") {
  const auto what = two_trees();
  for (const std::size_t columns : {1u, 2u, 10u, 40u, 80u, 300u}) {
    for (const std::size_t rows : {1u, 2u, 5u, 6u, 24u, 100u}) {
      view how{.cursor = "/a"};
      const scene all{.url = "http://here:1", .last = &what};
      settle(how, what, page_of(all, {columns, rows}));
      const auto drawn = draw(all, how, {columns, rows});
      CHECK(drawn.size() == rows);
      for (const auto& x : drawn) {
        std::size_t width = 0;
        for (const auto& part : x.parts)
          width += width_of(part.text);
        CHECK(width <= columns);
      }
    }
  }
  CHECK(draw({}, {}, {0, 0}).empty());
}

TEST_CASE("a screen scrolls") {
  const auto what = two_trees();
  const auto drawn = draw_text(what, {100, 7}, {.scroll = 3});
  CHECK_THAT(drawn[4], ContainsSubstring("      d "));
  CHECK_THAT(drawn[5], ContainsSubstring("    e "));
  CHECK_THAT(drawn[6], ContainsSubstring("q quit"));
}

TEST_CASE("a screen says what is wrong, the most urgent in front") {
  auto what = decode_status(
    document(entry("/a", R"(, "answering": false, "health": "degraded",
                   "health_reason": "disk full")"),
             R"(, "why_not_ready": "/a starts")"));
  what.ready = false;
  auto text = joined(draw_text(what, {200, 10}));
  CHECK_THAT(text, ContainsSubstring("NOT READY: /a starts"));
  CHECK_THAT(text, ContainsSubstring("DOES NOT ANSWER; degraded: disk full"));
  what.stopping = stop_in_progress{
    .since = 1.5,
    .awaited = {{"/a/b", "stopping", "draining", 1.2, 3, 1},
                {"/a/c", "stopping", "cleaning_up", 0.5, 0, 2},
                {"/a/d", "stopping", "draining", 0.5, 0, 0},
                {"/a/e", "stopping", "draining", 0.5, 0, 0}}};
  text = joined(draw_text(what, {200, 10}));
  CHECK_THAT(text, ContainsSubstring(
                     "STOPPING for 1.5s, waits for /a/b (draining) 1.2s, 3 "
                     "queued, 1 hold; /a/c (cleaning up) 0.5s, 2 holds; /a/d "
                     "(draining) 0.5s; and 1 more"));
  const scene gone{.url = "u", .last = &what, .problem = "nobody answers"};
  text = joined(lines_of(draw(gone, {}, {200, 10})));
  CHECK_THAT(text, ContainsSubstring("NO ANSWER: nobody answers; trying"));
  CHECK_THAT(text, ContainsSubstring("DOES NOT ANSWER")); // the last that came
  text = joined(lines_of(draw({.url = "u"}, {}, {200, 10})));
  CHECK_THAT(text, ContainsSubstring("waiting for the first answer"));
}

TEST_CASE("nothing that a server says reaches the terminal as a command") {
  const std::string evil{"\\u001b]0;x\\u0007\\u009b2J\\u202e\\n\\r"};
  auto what = decode_status(
    R"({"schema": 1, "version": ")" + evil
    + R"(", "ready": false, "why_not_ready": ")" + evil
    + R"(", "stopping": {"since": 1, "awaited": [
                                {"path": ")"
    + evil + R"(", "state": ")" + evil + R"(", "phase": ")" + evil
    + R"("}]}, "trees": [{"path": ")" + evil + R"(", "name": ")" + evil
    + R"(", "kind": ")" + evil + R"(", "state": ")" + evil + R"(", "phase": ")"
    + evil + R"(", "health": ")" + evil + R"(", "health_reason": ")" + evil
    + R"(", "last_end": {"kind": ")" + evil + R"(", "reason": ")" + evil
    + R"("}}]})");
  const scene all{.url = "http://x/\x1b[2J",
                  .last = &what,
                  .problem = "\x1b[2J\n"};
  for (const auto by : {order::tree, order::queue}) {
    for (const auto& x :
         draw(all, {.by = by, .filter = "\x1b", .typing = true}, {500, 20})) {
      const auto text = to_text(x);
      CHECK(printable(text) == text);
    }
  }
  for (const auto& x : draw_all(all))
    CHECK(printable(to_text(x)) == to_text(x));
}

TEST_CASE("one very long name does not move the columns of the others") {
  const std::string name(10'000, 'x');
  auto worker = [](const std::string& path) {
    return R"({"path": "/)" + path + R"(", "name": ")" + path
           + R"(", "kind": "worker", "state": "running", "phase": "ready"})";
  };
  const auto what
    = decode_status(R"({"schema": 1, "version": "0", "ready": true, "trees": [)"
                    + worker("a") + ", " + worker(name) + "]}");
  auto whole = false;
  for (const auto& x : draw_all({.url = "u", .last = &what})) {
    const auto text = to_text(x);
    // It is shown as a whole all the same: nobody can scroll what is printed.
    if (text.find(name) != std::string::npos)
      whole = true;
    else
      CHECK(width_of(text) < 200);
  }
  CHECK(whole);
}

TEST_CASE("a line keeps its styles, and ends each of them") {
  const line x{{{"a", style::bad}, {"b"}, {"c ", style::reverse}}};
  CHECK(to_text(x) == "abc");
  CHECK(to_ansi(x) == "\x1b[1;31ma\x1b[0mb\x1b[7mc \x1b[0m");
}
