// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// What a child process finds of its parent's actor system.

#include "support/captured_stderr.hpp"
#include "support/loop_strand.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"
#include "troupe/ask.hpp"
#include "troupe/call_later.hpp"
#include "troupe/error.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/run.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/shutdown_all.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker_pool.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <coroutine>
#include <csignal>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::journal;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

/// Runs `f` in a child process.
/// @returns what it gives; the child does not live for ever.
std::string in_child(const std::function<std::string()>& f) {
  std::array<int, 2> ends = {};
  if (::pipe(ends.data()) != 0)
    throw std::runtime_error{"pipe"};
  auto child = ::fork();
  if (child == 0) {
    ::alarm(60);
    auto text = f();
    auto written = ::write(ends[1], text.data(), text.size());
    ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string result;
  std::array<char, 512> part;
  for (;;) {
    auto got = ::read(ends[0], part.data(), part.size());
    if (got > 0)
      result.append(part.data(), static_cast<std::size_t>(got));
    else if (got == 0 || errno != EINTR)
      break;
  }
  ::close(ends[0]);
  auto status = 0;
  ::waitpid(child, &status, 0);
  return status == 0 ? result : "the child hung";
}

/// What a call has to say in a child process.
std::string said(const std::function<caf::error()>& call) {
  return in_child([&call] {
    try {
      return to_string(call());
    } catch (const std::exception& what) {
      return "threw: " + std::string{what.what()};
    }
  });
}

class clerk : public troupe::queue_consumer<int32_t> {
public:
  task<> run() override {
    while (auto m = co_await get_message())
      continue;
  }
};

troupe::supervisor_spec small_tree(journal& log) {
  troupe::supervisor_spec result{.name = "tree"};
  result.add<support::scripted>("child", {}, std::ref(log), support::script{});
  return result;
}

} // namespace

TEST_CASE("L37 after fork(), a call that needs the system's threads says so") {
  journal log;
  support::real_system sys;
  auto running = support::spawn(sys, log, {.name = "running"}, {});
  auto waiting = support::spawn(sys, log, {.name = "waiting"}, {});
  REQUIRE_FALSE(running.startup());
  troupe::scoped_supervisor tree{sys, small_tree(log)};
  auto& root = tree.ref();
  auto pool = troupe::spawn(sys, troupe::worker_pool<clerk>{{.size = 1}});
  REQUIRE_FALSE(pool.startup());

  const std::vector<std::function<caf::error()>> calls = {
    [&] { return waiting.startup(); },
    [&] { return waiting.start(); },
    [&] { return running.shutdown().error(); },
    [&] { return running.wait_for_shutdown(1h).error(); },
    [&] { return troupe::ask<int>(running, 1h, 1).error(); },
    [&] { return root.terminate_child("child").get().error; },
    [&] { return root.restart_child("child").get().error; },
    [&] { return pool.resize(2).get().error; },
  };
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CAPTURE(i);
    CHECK_THAT(said(calls[i]), ContainsSubstring("forked")
                                 && ContainsSubstring("fork()")
                                 && ContainsSubstring("exec()"));
  }

  const std::vector<std::function<void()>> throwing = {
    [&] { static_cast<void>(support::spawn(sys, log, {}, {})); },
    [&] { troupe::run(sys, small_tree(log)); },
    [&] { troupe::shutdown_all(sys, 1h); },
    [&] { root.shutdown(1h); },
    [&] { troupe::call_later(sys, 0s, [] {}); },
  };
  for (std::size_t i = 0; i < throwing.size(); ++i) {
    CAPTURE(i);
    CHECK_THAT(said([&] {
                 throwing[i]();
                 return caf::error{};
               }),
               ContainsSubstring("threw: ") && ContainsSubstring("fork()"));
  }

  // The parent goes on.
  CHECK_FALSE(waiting.startup());
  CHECK(waiting.shutdown()->ok());
  CHECK(running.shutdown()->ok());
  CHECK(pool.shutdown()->ok());
}

TEST_CASE("L37 a child process may be the first that uses the system") {
  journal log;
  support::real_system sys;
  CHECK_THAT(said([&] {
               static_cast<void>(support::spawn(sys, log, {}, {}));
               return caf::error{};
             }),
             ContainsSubstring("threw: ") && ContainsSubstring("fork()"));
  auto here = support::spawn(sys, log, {}, {});
  CHECK_FALSE(here.startup());
  CHECK(here.shutdown()->ok());
}

TEST_CASE("L37 a system that is made after fork() works") {
  CHECK(said([]() -> caf::error {
          journal log;
          support::real_system sys;
          auto here = support::spawn(sys, log, {}, {});
          if (auto err = here.startup())
            return err;
          return here.shutdown().error();
        })
        == "none");
}

TEST_CASE("L37 virtual time needs no threads, and works after fork()") {
  journal log;
  testing_system sys;
  auto here = support::spawn(sys, log, {}, {});
  CHECK(said([&]() -> caf::error {
          if (auto err = here.startup())
            return err;
          return here.shutdown().error();
        })
        == "none");
}

// -- a process that ends itself ------------------------------------------------

TEST_CASE("a coroutine that nobody can resume ends the process with a text") {
  support::captured_stderr out;
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL); // not that of the test framework
    troupe::testing::loop_strand strand;
    troupe::detail::fiber f{strand};
    auto wait = []() -> task<> { co_await std::suspend_always{}; };
    f.start(wait(), [](troupe::detail::completion<void>) {});
    ::_exit(0);
  }
  auto status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
  const auto said = out.lines();
  REQUIRE_FALSE(said.empty());
  CHECK(said[0].starts_with("troupe: a coroutine has suspended, and nobody can "
                            "resume it"));
}
