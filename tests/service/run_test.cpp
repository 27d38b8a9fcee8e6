// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The service loop. Where the process has to end, the test starts itself as a
// program of its own: see `programs`.

#include "troupe/run.hpp"

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/testing.hpp"
#include "worker/core_ptr.hpp"
#include "worker/worker_core.hpp"

#include <caf/exit_reason.hpp>

#include <catch2/catch_session.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <semaphore>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::journal;
using support::script;
using support::scripted;
using troupe::run_options;
using troupe::supervisor_spec;
using troupe::worker_state;
using testing_system = troupe::testing::system;

extern "C" char** environ;

namespace {

// -- trees ---------------------------------------------------------------------

/// A tree with one child.
supervisor_spec tree_of(journal& log, script what,
                        troupe::child_options options = {}) {
  supervisor_spec result{.name = "tree"};
  result.add<scripted>("child", std::move(options), std::ref(log),
                       std::move(what));
  return result;
}

/// A tree that ends by itself after that time.
supervisor_spec tree_for(journal& log, troupe::timespan time) {
  supervisor_spec result{
    .name = "tree", .auto_shutdown = troupe::auto_shutdown::any_significant};
  script what;
  what.run = support::sleeping(time);
  result.add<scripted>(
    "child", {.restart = troupe::restart::transient, .significant = true},
    std::ref(log), what);
  return result;
}

/// A body that does something and then waits for the stop.
script::body doing(std::function<void()> what) {
  return [what = std::move(what)](scripted& self) -> troupe::task<> {
    what();
    co_await self.stop_requested();
  };
}

/// A body that raises a signal and waits for the stop that comes of it.
troupe::task<> raising(scripted& self) {
  ::raise(SIGTERM);
  // It comes in real time, so it has to be waited for there.
  auto wait = self.offload([](std::stop_token asked) {
    std::binary_semaphore stopped{0};
    std::stop_callback when{asked, [&stopped] { stopped.release(); }};
    stopped.acquire();
  });
  co_await std::move(wait);
}

void say(const std::string& what) {
  std::cout << what + '\n' << std::flush;
}

/// What goes to `std::cerr` as long as it lives.
class caught_errors {
public:
  caught_errors() : before_(std::cerr.rdbuf(buffer_.rdbuf())) {
    // nop
  }

  ~caught_errors() {
    std::cerr.rdbuf(before_);
  }

  [[nodiscard]] std::string text() const {
    return buffer_.str();
  }

private:
  std::ostringstream buffer_;
  std::streambuf* before_;
};

// -- programs ------------------------------------------------------------------

/// Sits in code that does not return.
[[noreturn]] void sit() {
  for (;;)
    ::pause();
}

/// A body that ignores the stop, and says when it has been asked to.
troupe::task<> mule(scripted& self) {
  say("ready");
  co_await self.stop_requested();
  say("stop asked");
  static_cast<void>(co_await self.sleep_for(0s));
  for (;;)
    static_cast<void>(co_await self.sleep_for(1h));
}

const troupe::child_options patient{
  .worker = {.stopping_grace_period = troupe::infinite, .cleanup_period = 1h}};

int graceful(caf::actor_system& sys, journal& log) {
  script what;
  what.run = doing([] { say("ready"); });
  what.on_shutdown = [](scripted&) -> troupe::task<> {
    say("bye");
    co_return;
  };
  return troupe::run(sys, tree_of(log, what));
}

int stubborn(caf::actor_system& sys, journal& log) {
  script what;
  what.run = mule;
  return troupe::run(sys, tree_of(log, what, patient), {.stop_timeout = 1h});
}

int endless(caf::actor_system& sys, journal& log) {
  script what;
  what.run = mule;
  what.on_shutdown = [](scripted& self) -> troupe::task<> {
    say("cleaning up");
    for (;;)
      static_cast<void>(co_await self.sleep_for(1h));
  };
  return troupe::run(sys, tree_of(log, what, patient), {.stop_timeout = 1h});
}

int stuck(caf::actor_system& sys, journal& log) {
  script what;
  what.run = doing([] {
    std::cout << "not flushed";
    std::cerr << "ready\n" << std::flush;
    sit();
  });
  return troupe::run(sys, tree_of(log, what), {.stop_timeout = 100ms});
}

int stuck_in_input(caf::actor_system& sys, journal& log) {
  script what;
  what.run = doing([] {
    std::fputs("not flushed", stdout);
    std::cerr << "ready\n" << std::flush;
    static_cast<void>(std::getchar());
  });
  return troupe::run(sys, tree_of(log, what), {.stop_timeout = 100ms});
}

int stuck_before(caf::actor_system& sys, journal& log) {
  script what;
  what.run
    = [lives = std::make_shared<int>()](scripted& self) -> troupe::task<> {
    if (++*lives == 1)
      sit();
    say("ready");
    co_await self.stop_requested();
  };
  supervisor_spec tree{.name = "tree"};
  tree.add<scripted>("child",
                     {.worker = {.cleanup_period = 10ms, .force_period = 10ms}},
                     std::ref(log), what);
  script killer;
  killer.run = [&sys](scripted& self) -> troupe::task<> {
    for (auto& x : troupe::detail::runtime::of(sys)->cores())
      if (x->path() == "/tree/child")
        x->force();
    co_await self.stop_requested();
  };
  tree.add<scripted>("killer", {}, std::ref(log), killer);
  return troupe::run(sys, std::move(tree));
}

int returning(caf::actor_system& sys, journal& log) {
  script what;
  what.run = doing([] {
    say("ready");
    sit();
  });
  auto code = troupe::run(sys, tree_of(log, what),
                          {.stop_timeout = 100ms,
                           .on_abandoned = troupe::on_abandoned::return_code});
  say("returned " + std::to_string(code));
  std::_Exit(42);
}

/// Makes a full pipe that nobody reads of it.
void clog(int fd) {
  std::array<int, 2> ends = {};
  if (::pipe2(ends.data(), O_NONBLOCK) != 0)
    throw std::runtime_error{"pipe2"};
  const std::array<char, 4096> part = {};
  while (::write(ends[1], part.data(), part.size()) > 0)
    ; // again
  while (::write(ends[1], part.data(), 1) > 0)
    ; // again
  ::fcntl(ends[1], F_SETFL, 0);
  ::dup2(ends[1], fd);
}

/// Clogs both.
void clog_outputs() {
  clog(STDERR_FILENO);
  clog(STDOUT_FILENO);
}

int clogged(caf::actor_system& sys, journal& log) {
  script what;
  what.run = doing([] {
    say("ready");
    clog_outputs();
    std::cerr << "no room\n";
  });
  return troupe::run(sys, tree_of(log, what), {.stop_timeout = 100ms});
}

/// The same with a report of its own.
int clogged_report(caf::actor_system& sys, journal& log) {
  script what;
  what.run = doing([] {
    say("ready");
    clog_outputs();
    sit();
  });
  run_options options{.stop_timeout = 100ms};
  options.report = [](const troupe::stop_report&) { std::cerr << "no room\n"; };
  return troupe::run(sys, tree_of(log, what), options);
}

/// Says by its exit code that `run` has come back.
int clogged_failure(caf::actor_system& sys, journal& log) {
  script what;
  what.on_startup = support::throwing(std::runtime_error{"no luck today"});
  clog_outputs();
  std::_Exit(40 + troupe::run(sys, tree_of(log, what)));
}

/// The same where nobody will ever read what is printed.
int cut_off_failure(caf::actor_system& sys, journal& log) {
  script what;
  what.on_startup = support::throwing(std::runtime_error{"no luck today"});
  std::array<int, 2> ends = {};
  if (::pipe(ends.data()) != 0)
    throw std::runtime_error{"pipe"};
  ::close(ends[0]);
  ::dup2(ends[1], STDERR_FILENO);
  std::_Exit(40 + troupe::run(sys, tree_of(log, what)));
}

int clogged_return(caf::actor_system& sys, journal& log) {
  script what;
  what.run = doing([] {
    say("ready");
    clog_outputs();
    sit();
  });
  std::_Exit(
    40
    + troupe::run(sys, tree_of(log, what),
                  {.stop_timeout = 100ms,
                   .on_abandoned = troupe::on_abandoned::return_code}));
}

int locked(caf::actor_system& sys, journal& log) {
  script what;
  what.run = doing([] {
    say("ready");
    ::flockfile(stdout);
    ::flockfile(stderr);
    sit();
  });
  return troupe::run(sys, tree_of(log, what), {.stop_timeout = 100ms});
}

/// The log's lines find no room either, and whoever writes one waits.
int clogged_log(caf::actor_system&, journal& log) {
  support::real_system sys{[](support::real_config& config) {
    config.set("caf.logger.console.verbosity", "warning");
  }};
  script what;
  what.run = doing([&sys] {
    say("ready");
    clog_outputs();
    for (;;)
      troupe::detail::runtime::of(sys)->log(troupe::compat::log_warning,
                                            "no room");
  });
  return troupe::run(sys, tree_of(log, what), {.stop_timeout = 100ms});
}

int busy_on_ready(caf::actor_system& sys, journal& log) {
  run_options options{.stop_timeout = 100ms};
  options.on_ready = [](const troupe::supervisor_ref&) {
    say("ready");
    sit();
  };
  return troupe::run(sys, tree_of(log, {}), options);
}

/// Something throws while a worker is stuck.
int throwing_while_stuck(caf::actor_system& sys, journal& log,
                         run_options options) {
  std::binary_semaphore stuck{0};
  script what;
  what.run = doing([&stuck] {
    stuck.release();
    sit();
  });
  options.stop_timeout = 100ms;
  if (!options.on_ready)
    options.on_ready = [](const troupe::supervisor_ref&) {};
  options.on_ready = [&stuck, then = options.on_ready](const auto& tree) {
    stuck.acquire();
    say("ready");
    then(tree);
  };
  try {
    return troupe::run(sys, tree_of(log, what), options);
  } catch (const std::runtime_error&) {
    say("out of run");
    return 0; // and hangs in the end of the actor system
  }
}

int throwing_on_ready(caf::actor_system& sys, journal& log) {
  run_options options;
  options.on_ready = [](const troupe::supervisor_ref&) {
    throw std::runtime_error{"I do not like it"};
  };
  return throwing_while_stuck(sys, log, options);
}

int throwing_report(caf::actor_system& sys, journal& log) {
  run_options options;
  options.report = [](const troupe::stop_report&) {
    throw std::runtime_error{"I do not like it"};
  };
  return throwing_while_stuck(sys, log, options);
}

int twice(caf::actor_system& sys, journal& log) {
  return graceful(sys, log) + graceful(sys, log);
}

int unprotected(caf::actor_system& sys, journal& log) {
  auto code = troupe::run(sys, tree_for(log, 1ms));
  say("ready");
  sit();
  return code;
}

/// Forks a child that does not call exec.
int forking(caf::actor_system& sys, journal& log) {
  auto tree = tree_for(log, 0s);
  tree.children.clear();
  script what;
  what.run = [](scripted&) -> troupe::task<> {
    auto child = ::fork();
    if (child == 0)
      sit();
    say("child " + std::to_string(child));
    auto status = 0;
    ::waitpid(child, &status, 0);
    say("died of "
        + std::to_string(WIFSIGNALED(status) ? WTERMSIG(status) : 0));
    co_return;
  };
  tree.add<scripted>(
    "child", {.restart = troupe::restart::transient, .significant = true},
    std::ref(log), what);
  return troupe::run(sys, std::move(tree));
}

using program = int (*)(caf::actor_system&, journal&);

const std::map<std::string, program> programs = {
  {"graceful", graceful},
  {"stubborn", stubborn},
  {"endless", endless},
  {"stuck", stuck},
  {"stuck_in_input", stuck_in_input},
  {"stuck_before", stuck_before},
  {"returning", returning},
  {"clogged", clogged},
  {"clogged_report", clogged_report},
  {"clogged_failure", clogged_failure},
  {"cut_off_failure", cut_off_failure},
  {"clogged_return", clogged_return},
  {"clogged_log", clogged_log},
  {"locked", locked},
  {"busy_on_ready", busy_on_ready},
  {"throwing_on_ready", throwing_on_ready},
  {"throwing_report", throwing_report},
  {"twice", twice},
  {"unprotected", unprotected},
  {"forking", forking},
};

int play(const std::string& name) {
  journal log;
  support::real_system sys;
  return programs.at(name)(sys, log);
}

/// One of the programs, running. Its standard input stays open, and what it
/// prints, standard error included, can be waited for.
class process {
public:
  explicit process(const std::string& name) {
    std::array<int, 2> in = {};
    std::array<int, 2> out = {};
    if (::pipe2(in.data(), O_CLOEXEC) != 0
        || ::pipe2(out.data(), O_CLOEXEC) != 0)
      throw std::runtime_error{"pipe2"};
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, out[1], STDERR_FILENO);
    std::string flag = "--program";
    auto copy = name;
    std::array<char*, 4> args = {flag.data(), flag.data(), copy.data(),
                                 nullptr};
    auto failed = ::posix_spawn(&pid_, "/proc/self/exe", &files, nullptr,
                                args.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    output_ = out[0];
    if (failed != 0)
      throw std::runtime_error{"posix_spawn"};
  }

  ~process() {
    if (!over_) {
      ::kill(pid_, SIGKILL);
      static_cast<void>(wait());
    }
    ::close(input_);
    ::close(output_);
  }

  process(const process&) = delete;

  process& operator=(const process&) = delete;

  /// Waits until it has printed that.
  bool await(const std::string& what) {
    while (printed_.find(what) == std::string::npos)
      if (!read_more())
        return false;
    return true;
  }

  void signal(int number) const {
    ::kill(pid_, number);
  }

  /// Waits for its end.
  /// @returns the exit code; if it died of a signal, minus its number.
  int wait() {
    while (read_more())
      ; // again
    auto status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR)
      ; // again
    over_ = true;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

  [[nodiscard]] const std::string& printed() const {
    return printed_;
  }

private:
  bool read_more() {
    std::array<char, 512> part;
    for (;;) {
      auto got = ::read(output_, part.data(), part.size());
      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        return false;
      printed_.append(part.data(), static_cast<std::size_t>(got));
      return true;
    }
  }

  pid_t pid_ = 0;
  int input_ = -1;
  int output_ = -1;
  bool over_ = false;
  std::string printed_;
};

} // namespace

int main(int argc, char** argv) {
  if (argc == 3 && argv[1] == std::string{"--program"})
    return play(argv[2]);
  return Catch::Session().run(argc, argv);
}

// -- trees that end by themselves ------------------------------------------------

TEST_CASE("run returns 0 when the tree has ended well") {
  journal log;
  testing_system sys;
  caught_errors errors;
  auto begin = sys.now();
  CHECK(troupe::run(sys, tree_for(log, 1h)) == 0);
  CHECK(sys.now() - begin == 1h);
  CHECK(log.count("after_shutdown") == 1);
  CHECK(errors.text().empty());
}

TEST_CASE("run shows the tree to whoever wants to see it") {
  journal log;
  testing_system sys;
  troupe::worker_handle child;
  auto begin = sys.now();
  auto seen_at = begin;
  script what;
  what.on_startup = support::sleeping(2s);
  what.run = support::sleeping(1s);
  run_options options;
  options.on_ready = [&](const troupe::supervisor_ref& tree) {
    seen_at = sys.now();
    child = tree.child("child");
  };
  auto tree = tree_of(log, what);
  tree.auto_shutdown = troupe::auto_shutdown::any_significant;
  tree.children[0].options.significant = true;
  tree.children[0].options.restart = troupe::restart::transient;
  CHECK(troupe::run(sys, tree, options) == 0);
  CHECK(seen_at - begin == 2s);
  REQUIRE(child.outcome());
  CHECK(child.outcome()->ok());
}

TEST_CASE("run shows no tree that did not start") {
  journal log;
  testing_system sys;
  caught_errors errors;
  script what;
  what.on_startup = support::throwing(std::runtime_error{"no luck today"});
  auto calls = 0;
  run_options options;
  options.on_ready = [&](const troupe::supervisor_ref&) { ++calls; };
  CHECK(troupe::run(sys, tree_of(log, what), options) == 2);
  CHECK(calls == 0);
}

TEST_CASE("F14 an exception of on_ready stops the tree and comes out of run") {
  journal log;
  testing_system sys;
  run_options options;
  options.on_ready = [](const troupe::supervisor_ref&) {
    throw std::runtime_error{"I do not like it"};
  };
  CHECK_THROWS_AS(troupe::run(sys, tree_for(log, 1h), options),
                  std::runtime_error);
  CHECK(log.count("after_shutdown") == 1);
}

TEST_CASE("run can be called again when it has returned") {
  journal log;
  testing_system sys;
  for (int i = 0; i < 3; ++i)
    CHECK(troupe::run(sys, tree_for(log, 1h)) == 0);
  CHECK(log.count("run") == 3);
}

TEST_CASE("run returns 2 and says why when the tree does not start") {
  journal log;
  testing_system sys;
  caught_errors errors;
  script what;
  what.on_startup = support::throwing(std::runtime_error{"no luck today"});
  CHECK(troupe::run(sys, tree_of(log, what)) == 2);
  CHECK_THAT(errors.text(), ContainsSubstring("no luck today")
                              && ContainsSubstring("/tree/child"));
}

TEST_CASE("run returns 2 and says why when the tree gives up") {
  journal log;
  testing_system sys;
  caught_errors errors;
  script what;
  what.run = support::throwing(std::runtime_error{"broken for good"});
  CHECK(troupe::run(sys, tree_of(log, what)) == 2);
  CHECK(log.count("run") == 4);
  CHECK_THAT(errors.text(), ContainsSubstring("gave up")
                              && ContainsSubstring("broken for good"));
}

TEST_CASE("run returns 2 when its root is killed, after its children") {
  journal log;
  testing_system sys;
  caught_errors errors;
  script what;
  what.run = [&sys](scripted& self) -> troupe::task<> {
    for (auto& x : troupe::detail::runtime::of(sys)->cores())
      if (x->path() == "/tree") {
        auto root = caf::actor_cast<caf::actor>(x->actor());
        support::tell(root,
                      caf::exit_msg{root.address(), caf::exit_reason::kill});
      }
    co_await self.stop_requested();
    static_cast<void>(co_await self.sleep_for(0s));
    static_cast<void>(co_await self.sleep_for(1s));
  };
  CHECK(troupe::run(sys, tree_of(log, what)) == 2);
  CHECK(log.count("after_shutdown") == 1);
  CHECK_THAT(errors.text(), ContainsSubstring("(/tree) was ended from outside")
                              && ContainsSubstring("kill"));
}

TEST_CASE("run refuses what makes no sense") {
  journal log;
  journal other;
  testing_system sys;
  SECTION("a wrong spec") {
    CHECK_THROWS_AS(troupe::run(sys, supervisor_spec{}), std::invalid_argument);
  }
  SECTION("a negative timeout") {
    CHECK_THROWS_AS(troupe::run(sys, tree_of(log, {}), {.stop_timeout = -1s}),
                    std::invalid_argument);
  }
  SECTION("a signal that cannot be caught") {
    CHECK_THROWS_AS(troupe::run(sys, tree_of(log, {}),
                                {.signals = {SIGTERM, SIGKILL}}),
                    std::invalid_argument);
  }
  SECTION("to be called by a worker") {
    auto refused = false;
    script what;
    what.run = [&](scripted&) -> troupe::task<> {
      try {
        troupe::run(sys, supervisor_spec{.name = "other"});
      } catch (const std::logic_error&) {
        refused = true;
      }
      co_return;
    };
    auto worker = support::spawn(sys, other, {}, what);
    worker.startup();
    worker.wait_for_shutdown();
    CHECK(refused);
  }
  // Nothing is left behind.
  CHECK_FALSE(log.has("on_startup"));
  CHECK(troupe::run(sys, tree_for(log, 1h)) == 0);
}

TEST_CASE("run gives the signals back to whoever had them") {
  journal log;
  testing_system sys;
  struct sigaction mine = {};
  mine.sa_handler = [](int) {};
  mine.sa_flags = SA_NODEFER;
  sigemptyset(&mine.sa_mask);
  struct sigaction before = {};
  sigaction(SIGTERM, &mine, &before);
  auto signals = std::vector{SIGINT, SIGTERM};
  SECTION("once") {
    // nop
  }
  SECTION("also if one is named twice") {
    signals = {SIGTERM, SIGINT, SIGTERM};
  }
  SECTION("also after an exception") {
    CHECK_THROWS_AS(troupe::run(sys, tree_of(log, {}),
                                {.signals = {SIGTERM, SIGKILL}}),
                    std::invalid_argument);
  }
  CHECK(troupe::run(sys, tree_for(log, 1h), {.signals = signals}) == 0);
  struct sigaction after = {};
  sigaction(SIGTERM, &before, &after);
  CHECK(after.sa_handler == mine.sa_handler);
  CHECK((after.sa_flags & SA_NODEFER) != 0);
}

TEST_CASE("a deadlock in virtual time goes through, and leaves no trace") {
  journal log;
  testing_system sys;
  CHECK_THROWS_AS(troupe::run(sys, tree_of(log, {})),
                  troupe::testing::deadlock);
  CHECK(troupe::shutdown_all(sys, 1h).empty());
  CHECK(troupe::run(sys, tree_for(log, 1h)) == 0);
}

// -- signals that this process raises --------------------------------------------

TEST_CASE("a signal stops the tree, in virtual time too") {
  journal log;
  testing_system sys;
  script what;
  what.run = raising;
  CHECK(troupe::run(sys, tree_of(log, what)) == 0);
  CHECK(log.count("after_shutdown") == 1);
}

TEST_CASE("a signal that all threads block is heard") {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  {
    journal log;
    support::real_system sys;
    script what;
    what.run = doing([] { ::kill(::getpid(), SIGTERM); });
    CHECK(troupe::run(sys, tree_of(log, what)) == 0);
    CHECK(log.has("on_shutdown"));
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("there is one run at a time") {
  journal log;
  std::binary_semaphore running{0};
  support::real_system sys;
  script what;
  what.run = doing([&running] { running.release(); });
  auto code = -1;
  std::jthread first{[&] { code = troupe::run(sys, tree_of(log, what)); }};
  running.acquire();
  journal other;
  CHECK_THROWS_AS(troupe::run(sys, tree_of(other, {})), std::logic_error);
  CHECK_FALSE(other.has("run"));
  ::kill(::getpid(), SIGTERM);
  first.join();
  CHECK(code == 0);
}

TEST_CASE("S17 a signal during the start: who was not started is not started") {
  journal log;
  journal never_started;
  support::real_system sys;
  script what;
  what.on_startup = [](scripted& self) -> troupe::task<> {
    ::raise(SIGINT);
    static_cast<void>(co_await self.sleep_for(1h));
  };
  auto tree = tree_of(log, what);
  tree.add<scripted>("second", {}, std::ref(never_started), script{});
  CHECK(troupe::run(sys, std::move(tree)) == 0);
  CHECK_FALSE(never_started.has("on_startup"));
}

TEST_CASE("S15 who does not stop in time is forced and reported") {
  journal log;
  journal good;
  testing_system sys;
  script what;
  what.run = [](scripted& self) -> troupe::task<> {
    co_await raising(self);
    for (;;)
      static_cast<void>(co_await self.sleep_for(1h));
  };
  supervisor_spec inner{.name = "inner"};
  inner.add<scripted>("mule", patient, std::ref(log), what);
  supervisor_spec tree{.name = "tree"};
  tree.add<scripted>("good", {}, std::ref(good), script{});
  tree.add(std::move(inner));
  auto use_default = GENERATE(false, true);
  run_options options{.stop_timeout = 8s};
  troupe::stop_report report;
  if (!use_default)
    options.report = [&report](const troupe::stop_report& x) { report = x; };
  std::string errors;
  auto begin = sys.now();
  {
    caught_errors caught;
    CHECK(troupe::run(sys, std::move(tree), options) == 1);
    errors = caught.text();
  }
  CHECK(sys.now() - begin >= 6s);
  CHECK(sys.now() - begin <= 8s);
  CHECK(good.has("on_shutdown"));
  if (use_default) {
    CHECK_THAT(errors, ContainsSubstring("/tree/inner/mule is force_stopped")
                         && !ContainsSubstring("good"));
  } else {
    CHECK(errors.empty());
    REQUIRE(report.size() == 1);
    CHECK(report[0].path == "/tree/inner/mule");
    CHECK(report[0].state == worker_state::force_stopped);
    CHECK(report[0].elapsed >= 6s);
  }
}

TEST_CASE("who is forced when the tree ends by itself is reported too") {
  journal log;
  journal mules;
  testing_system sys;
  script stays;
  stays.run = support::stubborn();
  script leader;
  leader.run = support::sleeping(1s);
  supervisor_spec tree{.name = "tree",
                       .auto_shutdown = troupe::auto_shutdown::any_significant};
  tree.add<scripted>("mule", {.worker = {.stopping_grace_period = 3s}},
                     std::ref(mules), stays);
  tree.add<scripted>(
    "leader", {.restart = troupe::restart::transient, .significant = true},
    std::ref(log), leader);
  troupe::stop_report report;
  run_options options;
  options.report = [&report](const troupe::stop_report& x) { report = x; };
  CHECK(troupe::run(sys, std::move(tree), options) == 1);
  REQUIRE(report.size() == 1);
  CHECK(report[0].path == "/tree/mule");
  CHECK(report[0].state == worker_state::force_stopped);
  CHECK(report[0].elapsed == 3s);
}

TEST_CASE("F14 an exception of report comes out of run when the tree is over") {
  journal log;
  testing_system sys;
  script stays;
  stays.run = support::stubborn();
  run_options options;
  options.on_ready = [](const troupe::supervisor_ref& tree) {
    tree.gracefully_stop();
  };
  options.report = [&log](const troupe::stop_report&) {
    log.note("reported");
    throw std::runtime_error{"I do not like it"};
  };
  CHECK_THROWS_AS(troupe::run(sys, tree_of(log, stays), options),
                  std::runtime_error);
  CHECK(log.count("reported") == 1);
  CHECK(log.count("destroyed") == 1);
}

TEST_CASE("who was forced before the signal is not in the report") {
  journal log;
  journal mules;
  support::real_system sys;
  script what;
  what.run = support::stubborn();
  script leader;
  leader.run = [&sys](scripted& self) -> troupe::task<> {
    auto who = *troupe::lookup<scripted>(sys, "/tree/mule");
    who.force_stop();
    co_await who.stopped();
    ::raise(SIGTERM);
    co_await self.stop_requested();
  };
  supervisor_spec tree{.name = "tree"};
  tree.add<scripted>("mule", {}, std::ref(mules), what);
  tree.add<scripted>("leader", {}, std::ref(log), leader);
  CHECK(troupe::run(sys, std::move(tree)) == 0);
}

// -- processes -------------------------------------------------------------------

TEST_CASE("the first signal stops gracefully") {
  auto number = GENERATE(SIGINT, SIGTERM);
  process it{"graceful"};
  REQUIRE(it.await("ready"));
  it.signal(number);
  CHECK(it.wait() == 0);
  CHECK(it.printed() == "ready\nbye\n");
}

TEST_CASE("run stops by a signal each time") {
  process it{"twice"};
  REQUIRE(it.await("ready"));
  it.signal(SIGTERM);
  REQUIRE(it.await("ready\nbye\nready"));
  it.signal(SIGINT);
  CHECK(it.wait() == 0);
  CHECK(it.printed() == "ready\nbye\nready\nbye\n");
}

TEST_CASE("the second signal forces") {
  process it{"stubborn"};
  REQUIRE(it.await("ready"));
  it.signal(SIGTERM);
  REQUIRE(it.await("stop asked"));
  it.signal(SIGINT);
  CHECK(it.wait() == 1);
  CHECK_THAT(it.printed(),
             ContainsSubstring("/tree/child is force_stopped, done"));
}

TEST_CASE("the third signal leaves at once") {
  auto number = GENERATE(SIGINT, SIGTERM);
  process it{"endless"};
  REQUIRE(it.await("ready"));
  it.signal(SIGTERM);
  REQUIRE(it.await("stop asked"));
  it.signal(SIGTERM);
  REQUIRE(it.await("cleaning up"));
  it.signal(number);
  CHECK(it.wait() == 128 + number);
}

TEST_CASE("a stuck thread does not keep the process") {
  auto name = GENERATE("stuck", "stuck_in_input");
  process it{name};
  REQUIRE(it.await("ready"));
  it.signal(SIGTERM);
  CHECK(it.wait() == 1);
  CHECK_THAT(it.printed(),
             ContainsSubstring("/tree/child is force_stopped, abandoned")
               && ContainsSubstring("not flushed"));
}

TEST_CASE("nor does one that was replaced long ago") {
  process it{"stuck_before"};
  REQUIRE(it.await("ready"));
  it.signal(SIGTERM);
  CHECK(it.wait() == 1);
  CHECK_THAT(it.printed(),
             ContainsSubstring("/tree/child is force_stopped, abandoned"));
}

TEST_CASE("but may, if the caller wants to see the code") {
  process it{"returning"};
  REQUIRE(it.await("ready"));
  it.signal(SIGTERM);
  CHECK(it.wait() == 42);
  CHECK_THAT(it.printed(), ContainsSubstring("returned 1"));
}

TEST_CASE("S32 run leaves, whatever standard output and standard error do") {
  auto name = GENERATE("clogged", "clogged_report", "locked", "clogged_log",
                       "busy_on_ready");
  CAPTURE(name);
  process it{name};
  REQUIRE(it.await("ready"));
  it.signal(SIGTERM);
  CHECK(it.wait() == 1);
}

TEST_CASE("S32 run returns, whatever standard output and standard error do") {
  SECTION("when the tree has failed") {
    process it{GENERATE("clogged_failure", "cut_off_failure")};
    CHECK(it.wait() == 42);
  }
  SECTION("when the caller wants to see the code") {
    process it{"clogged_return"};
    REQUIRE(it.await("ready"));
    it.signal(SIGTERM);
    CHECK(it.wait() == 41);
  }
}

TEST_CASE(
  "F14 S32 what on_ready throws does not keep a process with a stuck thread") {
  process it{"throwing_on_ready"};
  CHECK(it.wait() == 1);
  CHECK_THAT(it.printed(),
             ContainsSubstring("/tree/child is force_stopped, abandoned")
               && ContainsSubstring("I do not like it")
               && !ContainsSubstring("out of run"));
}

TEST_CASE(
  "F14 S32 what report throws does not keep a process with a stuck thread") {
  process it{"throwing_report"};
  REQUIRE(it.await("ready"));
  it.signal(SIGTERM);
  CHECK(it.wait() == 1);
  CHECK_THAT(it.printed(), ContainsSubstring("I do not like it")
                             && !ContainsSubstring("out of run"));
}

TEST_CASE("after run, a signal does what it did before") {
  process it{"unprotected"};
  REQUIRE(it.await("ready"));
  it.signal(SIGTERM);
  CHECK(it.wait() == -SIGTERM);
}

TEST_CASE("a forked child is not part of it") {
  process it{"forking"};
  REQUIRE(it.await("child"));
  REQUIRE(it.await("\n"));
  ::kill(std::stoi(it.printed().substr(6)), SIGTERM);
  CHECK(it.wait() == 0);
  CHECK_THAT(it.printed(), ContainsSubstring("died of 15"));
}
