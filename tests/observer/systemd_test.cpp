// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// What systemd is told of a service, over a socket such as systemd's.

#include "troupe/observer/systemd.hpp"

#include "observer/notify_rules.hpp"
#include "observer/notify_session.hpp"
#include "observer/notify_socket.hpp"
#include "support/log_file.hpp"
#include "support/part.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"
#include "system/runtime.hpp"
#include "troupe/config.hpp"
#include "troupe/run.hpp"
#include "troupe/spawn.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::failing_after;
using support::journal;
using support::lines;
using support::part;
using troupe::event_kind;
using troupe::notify_environment;
using troupe::notify_rules;
using troupe::notify_session;
using troupe::notify_socket;
using troupe::supervisor_spec;
using troupe::systemd_notifier;
using troupe::time_point;
using troupe::timespan;
using troupe::worker_census;
using troupe::worker_handle;
using troupe::worker_phase;
using stage = troupe::notify_rules::stage;
using testing_system = troupe::testing::system;

namespace {

std::string random_name() {
  return "troupe-test-" + std::to_string(std::random_device{}());
}

/// The socket of somebody like systemd.
class service_manager {
public:
  /// @param abstract Whether the socket has a name instead of a path.
  explicit service_manager(bool abstract = false)
    : folder_(std::filesystem::temp_directory_path() / random_name()),
      socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    std::filesystem::create_directory(folder_);
    address_ = abstract ? '@' + random_name() : (folder_ / "notify").string();
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    address_.copy(name.sun_path, sizeof(name.sun_path) - 1);
    if (abstract)
      name.sun_path[0] = '\0';
    const auto length = offsetof(sockaddr_un, sun_path) + address_.size();
    if (::bind(socket_, reinterpret_cast<const sockaddr*>(&name),
               static_cast<socklen_t>(length))
        != 0)
      throw std::runtime_error{"cannot bind a socket to " + address_};
  }

  service_manager(const service_manager&) = delete;

  service_manager& operator=(const service_manager&) = delete;

  ~service_manager() {
    ::close(socket_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] const std::string& address() const {
    return address_;
  }

  /// What has come and was not taken yet.
  lines take() const {
    lines result;
    std::array<char, 4096> buffer{};
    for (;;) {
      const auto got = ::recv(socket_, buffer.data(), buffer.size(),
                              MSG_DONTWAIT);
      if (got < 0)
        return result;
      result.emplace_back(buffer.data(), static_cast<std::size_t>(got));
    }
  }

  /// Waits for the next message, in real time.
  std::string await() const {
    pollfd source{socket_, POLLIN, 0};
    std::array<char, 4096> buffer{};
    if (::poll(&source, 1, 60'000) != 1)
      return "nothing";
    const auto got = ::recv(socket_, buffer.data(), buffer.size(), 0);
    return {buffer.data(), static_cast<std::size_t>(got)};
  }

private:
  std::filesystem::path folder_;
  std::string address_;
  int socket_;
};

/// The environment that systemd gives to a service, for as long as it lives.
class service_environment {
public:
  explicit service_environment(const std::optional<std::string>& socket,
                               const std::optional<std::string>& usec = {},
                               const std::optional<std::string>& pid = {}) {
    set("NOTIFY_SOCKET", socket);
    set("WATCHDOG_USEC", usec);
    set("WATCHDOG_PID", pid);
  }

  service_environment(const service_environment&) = delete;

  service_environment& operator=(const service_environment&) = delete;

  ~service_environment() {
    set("NOTIFY_SOCKET", {});
    set("WATCHDOG_USEC", {});
    set("WATCHDOG_PID", {});
  }

private:
  static void set(const char* name, const std::optional<std::string>& value) {
    if (value)
      ::setenv(name, value->c_str(), 1);
    else
      ::unsetenv(name);
  }
};

lines without_status(lines all) {
  std::erase_if(all, [](const auto& x) { return x.starts_with("STATUS="); });
  return all;
}

lines only_status(lines all) {
  std::erase_if(all, [](const auto& x) { return !x.starts_with("STATUS="); });
  return all;
}

std::size_t count_of(const lines& all, std::string_view what) {
  return static_cast<std::size_t>(std::count(all.begin(), all.end(), what));
}

supervisor_spec tree_of_one(journal& log, part::body run = {}) {
  supervisor_spec result{.name = "tree"};
  result.add<part>("a", {.worker = {.stopping_grace_period = 1min}},
                   std::ref(log), std::move(run));
  return result;
}

/// Takes its time to stop.
part::body stopping_for(timespan time) {
  return [time](part& self) -> troupe::task<> {
    co_await self.stop_requested();
    for (auto rest = time; rest > 0s; rest -= 1s)
      static_cast<void>(co_await self.sleep_for(1s));
  };
}

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

// -- rules -----------------------------------------------------------------------

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

TEST_CASE("the watchdog's variables are read, and whose they are") {
  using text = std::optional<std::string>;
  struct row {
    text usec;
    text pid;
    std::optional<timespan> period;
    const char* problem;
  };
  const auto rows = std::vector<row>{
    {{}, {}, {}, ""},
    {{}, "42", {}, ""},
    {"30000000", {}, 30s, ""},
    {"30000000", "42", 30s, ""},
    {"30000000", "43", {}, ""},
    {"1", {}, 1us, ""},
    {"18446744073709551615", {}, troupe::infinite, ""},
    {"18446744073709551616", {}, {}, "WATCHDOG_USEC is \"1844674407370955161"},
    {"0", {}, {}, "WATCHDOG_USEC is \"0\""},
    {"-1", {}, {}, "WATCHDOG_USEC is \"-1\""},
    {"", {}, {}, "WATCHDOG_USEC is \"\""},
    {"1s", {}, {}, "WATCHDOG_USEC is \"1s\""},
    {"1", "me", {}, "WATCHDOG_PID is \"me\""},
  };
  for (const auto& x : rows) {
    INFO(x.usec.value_or("none") << ' ' << x.pid.value_or("none"));
    const auto terms = troupe::read_watchdog({{}, x.usec, x.pid}, 42);
    CHECK(terms.period == x.period);
    CHECK_THAT(terms.problem, ContainsSubstring(x.problem));
    CHECK(terms.problem.empty() == std::string_view{x.problem}.empty());
  }
}

// -- the socket ------------------------------------------------------------------

TEST_CASE("a socket is reached by its path, and by an abstract name") {
  for (const auto abstract : {false, true}) {
    const service_manager manager{abstract};
    notify_socket socket{manager.address()};
    CHECK(socket.send("READY=1") == notify_socket::result::sent);
    CHECK(manager.take() == lines{"READY=1"});
  }
}

TEST_CASE("an address that is none is refused in plain words") {
  const auto rows = std::vector<std::pair<std::string, const char*>>{
    {"", "must be an absolute path, or @ and a name"},
    {"/", "must be an absolute path"},
    {"run/notify", "\"run/notify\""},
    {"vsock:2:1234", "must be an absolute path"},
    {'/' + std::string(107, 'x'), "has 108 bytes"},
    {'@' + std::string(108, 'x'), "has 109 bytes"},
  };
  for (const auto& [address, expected] : rows)
    CHECK_THROWS_WITH(notify_socket{address}, ContainsSubstring(expected));
  CHECK_NOTHROW(notify_socket{'/' + std::string(106, 'x')});
  CHECK_NOTHROW(notify_socket{'@' + std::string(107, 'x')});
}

TEST_CASE("a socket that nobody reads does not block, and nobody's fails") {
  const service_manager manager;
  notify_socket socket{manager.address()};
  auto how = notify_socket::result::sent;
  for (int i = 0; i < 1'000'000 && how == notify_socket::result::sent; ++i)
    how = socket.send("STATUS=x");
  CHECK(how == notify_socket::result::full);
  notify_socket nowhere{manager.address() + "-not"};
  CHECK(nowhere.send("READY=1") == notify_socket::result::failed);
  CHECK(nowhere.error() == ENOENT);
}

// -- the notifier ----------------------------------------------------------------

TEST_CASE("without NOTIFY_SOCKET a notifier does nothing at all") {
  for (const auto& socket :
       {std::optional<std::string>{}, std::optional<std::string>{""}}) {
    const service_environment env{socket, "1000000"};
    journal log;
    testing_system sys;
    const systemd_notifier notify{sys};
    CHECK_FALSE(notify.active());
    auto rt = troupe::runtime::of(sys);
    CHECK_FALSE(rt->events().wanted());
    auto tree = troupe::spawn(sys, tree_of_one(log));
    tree.startup();
    CHECK(rt->time().pending() == 0);
    tree.shutdown();
  }
}

TEST_CASE("an address that is none is logged, and the service runs on") {
  const service_environment env{'/' + std::string(200, 'x')};
  const support::log_file file;
  {
    troupe::config config;
    file.attach_to(config);
    testing_system sys{config};
    const systemd_notifier notify{sys};
    CHECK_FALSE(notify.active());
    CHECK_FALSE(troupe::runtime::of(sys)->events().wanted());
  }
  CHECK(file.lines("systemd_notifier: NOTIFY_SOCKET has 201 bytes").size()
        == 1);
}

TEST_CASE("systemd is told when the tree is ready, how it is, and that it "
          "stops") {
  const service_manager manager;
  const service_environment env{manager.address()};
  journal log;
  testing_system sys;
  const systemd_notifier notify{sys};
  CHECK(notify.active());
  auto tree = troupe::spawn(sys, tree_of_one(log));
  CHECK(manager.take().empty());
  tree.startup();
  sys.advance(2s);
  auto told = manager.take();
  CHECK(without_status(told) == lines{"READY=1"});
  CHECK(told.back() == "STATUS=Workers: 2 running");
  tree.shutdown();
  sys.advance(2s);
  told = manager.take();
  CHECK(without_status(told) == lines{"STOPPING=1"});
  CHECK(told.back() == "STATUS=Stopped");
}

TEST_CASE("a worker with nobody above it is no service, nor is a second tree") {
  const service_manager manager;
  const service_environment env{manager.address()};
  journal log;
  testing_system sys;
  const systemd_notifier notify{sys};
  auto single = troupe::spawn<part>(sys, {.name = "tree"}, std::ref(log));
  single.startup();
  single.shutdown();
  sys.run();
  CHECK(without_status(manager.take()).empty());
  auto tree = troupe::spawn(sys, tree_of_one(log));
  tree.startup();
  supervisor_spec spec{.name = "other"};
  auto other = troupe::spawn(sys, spec);
  other.startup();
  other.shutdown();
  sys.run();
  CHECK(without_status(manager.take()) == lines{"READY=1"});
  tree.shutdown();
  sys.run();
  CHECK(without_status(manager.take()) == lines{"STOPPING=1"});
}

TEST_CASE("a tree that ended before anybody could be told is told of") {
  const service_manager manager;
  const service_environment env{manager.address()};
  testing_system sys;
  {
    const systemd_notifier notify{sys};
    supervisor_spec spec{
      .name = "tree", .auto_shutdown = troupe::auto_shutdown::any_significant};
    journal log;
    spec.add<part>("a",
                   {.restart = troupe::restart::transient, .significant = true},
                   std::ref(log),
                   part::body{[](part&) -> troupe::task<> { co_return; }});
    CHECK(troupe::run(sys, spec, {.signals = {}}) == 0);
  }
  CHECK(without_status(manager.take()) == lines{"READY=1", "STOPPING=1"});
}

TEST_CASE("a root that does not get ready is none, the next one is") {
  const service_manager manager;
  const service_environment env{manager.address()};
  journal log;
  testing_system sys;
  const systemd_notifier notify{sys};
  supervisor_spec broken{.name = "tree"};
  broken.add<part>("a", {}, std::ref(log), part::body{},
                   part::body{[](part&) -> troupe::task<> {
                     throw std::runtime_error{"no"};
                     co_return;
                   }});
  CHECK(troupe::spawn(sys, broken).startup());
  sys.run();
  CHECK(without_status(manager.take()).empty());
  auto tree = troupe::spawn(sys, tree_of_one(log));
  tree.startup();
  sys.run();
  CHECK(without_status(manager.take()) == lines{"READY=1"});
  tree.shutdown();
}

TEST_CASE("a stop that takes its time says for whom it waits") {
  const service_manager manager;
  const service_environment env{manager.address()};
  journal log;
  testing_system sys;
  const systemd_notifier notify{sys};
  auto tree = troupe::spawn(sys, tree_of_one(log, stopping_for(4s)));
  tree.startup();
  sys.advance(10s);
  static_cast<void>(manager.take());
  tree.gracefully_stop();
  sys.advance(2s);
  const auto told = manager.take();
  CHECK(without_status(told) == lines{"STOPPING=1"});
  CHECK(told.back() == "STATUS=Stopping, waits for /tree/a (draining)");
  sys.advance(5s);
  CHECK(manager.take().back() == "STATUS=Stopped");
}

TEST_CASE("many events make one status a second") {
  const service_manager manager;
  const service_environment env{manager.address()};
  journal log;
  testing_system sys;
  const systemd_notifier notify{sys};
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a",
                 {.backoff = {.initial = 10ms, .max = 10ms, .jitter = 0.0}},
                 std::ref(log), failing_after(7ms));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  sys.advance(10s);
  const auto told = only_status(manager.take());
  CHECK(told.size() <= 11);
  CHECK(told.size() >= 3);
  // What it is depends on the moment: it is ready, waits, or is in between.
  for (std::size_t i = 1; i < told.size(); ++i)
    CHECK(told[i] != told[i - 1]);
  tree.shutdown();
}

TEST_CASE("what a full socket does not take is sent when it does") {
  const service_manager manager;
  const service_environment env{manager.address()};
  journal log;
  testing_system sys;
  const systemd_notifier notify{sys};
  notify_socket flood{manager.address()};
  while (flood.send("x") == notify_socket::result::sent)
    continue;
  auto tree = troupe::spawn(sys, tree_of_one(log));
  tree.startup();
  sys.advance(5s);
  tree.shutdown();
  sys.advance(5s);
  for (auto& x : manager.take())
    CHECK(x == "x");
  sys.advance(1s);
  // Of several statuses the last one is enough.
  CHECK(manager.take() == lines{"READY=1", "STOPPING=1", "STATUS=Stopped"});
}

TEST_CASE("a manager that has gone is complained about once") {
  const support::log_file file;
  {
    troupe::config config;
    file.attach_to(config);
    journal log;
    testing_system sys{config};
    auto manager = std::make_unique<service_manager>();
    const service_environment env{manager->address()};
    manager.reset();
    const systemd_notifier notify{sys};
    auto tree = troupe::spawn(sys, tree_of_one(log));
    tree.startup();
    sys.advance(3s);
    tree.shutdown();
  }
  CHECK(file.lines("cannot be sent to NOTIFY_SOCKET").size() == 1);
}

TEST_CASE("a notifier may be destroyed after its actor system") {
  const service_manager manager;
  const service_environment env{manager.address(), "1000000"};
  journal log;
  std::optional<systemd_notifier> notify;
  {
    testing_system sys;
    notify.emplace(sys);
    auto tree = troupe::spawn(sys, tree_of_one(log));
    tree.startup();
    sys.run();
    tree.shutdown();
    sys.run();
  }
  CHECK(without_status(manager.take()) == lines{"READY=1", "STOPPING=1"});
  notify.reset();
  CHECK(manager.take().empty());
}

// -- the watchdog ------------------------------------------------------------------

TEST_CASE("the watchdog is fed each half period, from the readiness to the "
          "end") {
  const service_manager manager;
  const service_environment env{manager.address(), "20000000",
                                std::to_string(::getpid())};
  journal log;
  testing_system sys;
  const systemd_notifier notify{sys};
  sys.advance(1min);
  CHECK(manager.take().empty());
  auto tree = troupe::spawn(sys, tree_of_one(log, stopping_for(25s)));
  tree.startup();
  sys.advance(9s);
  CHECK(count_of(manager.take(), "WATCHDOG=1") == 0);
  sys.advance(2s);
  CHECK(count_of(manager.take(), "WATCHDOG=1") == 1);
  sys.advance(50s);
  CHECK(count_of(manager.take(), "WATCHDOG=1") == 5);
  tree.gracefully_stop(); // and while it stops
  sys.advance(20s);
  CHECK(count_of(manager.take(), "WATCHDOG=1") == 2);
  sys.advance(1min);
  CHECK(count_of(manager.take(), "WATCHDOG=1") == 0);
  CHECK(tree.outcome().has_value());
}

TEST_CASE("the watchdog of another process is not fed") {
  const service_manager manager;
  const service_environment env{manager.address(), "20000000", "1"};
  journal log;
  testing_system sys;
  const systemd_notifier notify{sys};
  auto tree = troupe::spawn(sys, tree_of_one(log));
  tree.startup();
  sys.advance(1h);
  CHECK(without_status(manager.take()) == lines{"READY=1"});
  CHECK(troupe::runtime::of(sys)->time().pending() == 0);
  tree.shutdown();
}

TEST_CASE("the watchdog is not fed while the supervisor does not answer") {
  const service_manager manager;
  const support::log_file file;
  {
    troupe::config config;
    file.attach_to(config, "warning");
    journal log;
    std::atomic<bool> answers = true;
    testing_system sys{config};
    auto session = std::make_shared<notify_session>(
      troupe::runtime::of(sys), manager.address(), 20s,
      [&answers](const worker_handle& root, timespan patience) {
        CHECK(root.path() == "/tree");
        CHECK(patience == 10s);
        return answers.load();
      });
    session->begin();
    auto tree = troupe::spawn(sys, tree_of_one(log));
    tree.startup();
    sys.advance(21s);
    CHECK(count_of(manager.take(), "WATCHDOG=1") == 2);
    answers = false;
    sys.advance(20s);
    CHECK(count_of(manager.take(), "WATCHDOG=1") == 0);
    answers = true;
    sys.advance(10s);
    CHECK(count_of(manager.take(), "WATCHDOG=1") == 1);
    tree.shutdown();
    session->finish();
  }
  CHECK(file.lines("the supervisor /tree does not answer").size() == 2);
}

TEST_CASE("a probe that fails is no answer") {
  const service_manager manager;
  journal log;
  testing_system sys;
  auto session = std::make_shared<notify_session>(
    troupe::runtime::of(sys), manager.address(), 20s,
    [](const worker_handle&, timespan) -> bool {
      throw std::runtime_error{"no"};
    });
  session->begin();
  auto tree = troupe::spawn(sys, tree_of_one(log));
  tree.startup();
  sys.advance(1min);
  CHECK(without_status(manager.take()) == lines{"READY=1"});
  tree.shutdown();
  session->finish();
}

TEST_CASE("a supervisor does not answer while the scheduler is stuck, in real "
          "time") {
  const service_manager manager;
  journal log;
  std::binary_semaphore go_on{0};
  std::mutex mtx;
  std::condition_variable probed;
  std::size_t yes = 0;
  std::size_t no = 0;
  support::real_system sys{1};
  auto session = std::make_shared<notify_session>(
    troupe::runtime::of(sys), manager.address(), 200ms,
    [&](const worker_handle& root, timespan patience) {
      const auto well = troupe::supervisor_answers(root, patience);
      std::unique_lock guard{mtx};
      ++(well ? yes : no);
      probed.notify_all();
      return well;
    });
  session->begin();
  auto tree = troupe::spawn(sys, tree_of_one(log));
  tree.startup();
  auto in_the_way
    = troupe::spawn<part>(sys, {.name = "in_the_way"}, std::ref(log),
                          part::body{[&go_on](part& self) -> troupe::task<> {
                            go_on.acquire(); // holds the only thread
                            co_await self.stop_requested();
                          }});
  in_the_way.start();
  {
    std::unique_lock guard{mtx};
    probed.wait(guard, [&no] { return no >= 2; });
    yes = 0;
    go_on.release();
    probed.wait(guard, [&yes] { return yes >= 2; });
  }
  auto message = manager.await();
  while (message != "WATCHDOG=1" && message != "nothing")
    message = manager.await();
  CHECK(message == "WATCHDOG=1");
  in_the_way.shutdown();
  tree.shutdown();
  session->finish();
}
