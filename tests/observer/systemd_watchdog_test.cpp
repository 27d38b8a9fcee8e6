// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The watchdog of systemd is fed as long as the supervisor answers.

#include "troupe/observer/systemd.hpp"

#include "observer/notify_session.hpp"
#include "support/log_file.hpp"
#include "support/part.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"
#include "support/service_manager.hpp"
#include "system/runtime.hpp"
#include "troupe/config.hpp"
#include "troupe/spawn.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::count_of;
using support::journal;
using support::lines;
using support::part;
using support::service_environment;
using support::service_manager;
using support::stopping_for;
using support::tree_of_one;
using support::without_status;
using troupe::notify_session;
using troupe::systemd_notifier;
using troupe::timespan;
using troupe::worker_handle;
using testing_system = troupe::testing::system;

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
  CHECK(troupe::detail::runtime::of(sys)->time().pending() == 0);
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
      troupe::detail::runtime::of(sys), manager.address(), 20s,
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
    troupe::detail::runtime::of(sys), manager.address(), 20s,
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
    troupe::detail::runtime::of(sys), manager.address(), 200ms,
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
