// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The messages of a service to systemd, over a socket such as systemd's.

#include "troupe/observer/systemd.hpp"

#include "observer/notify_socket.hpp"
#include "support/log_file.hpp"
#include "support/part.hpp"
#include "support/scripted.hpp"
#include "support/service_manager.hpp"
#include "system/runtime.hpp"
#include "troupe/config.hpp"
#include "troupe/run.hpp"
#include "troupe/spawn.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

using support::failing_after;
using support::journal;
using support::lines;
using support::only_status;
using support::part;
using support::service_environment;
using support::service_manager;
using support::stopping_for;
using support::tree_of_one;
using support::without_status;
using troupe::notify_socket;
using troupe::supervisor_spec;
using troupe::systemd_notifier;
using testing_system = troupe::testing::system;

TEST_CASE("without NOTIFY_SOCKET a notifier does nothing at all") {
  for (const auto& socket :
       {std::optional<std::string>{}, std::optional<std::string>{""}}) {
    const service_environment env{socket, "1000000"};
    journal log;
    testing_system sys;
    const systemd_notifier notify{sys};
    CHECK_FALSE(notify.active());
    auto rt = troupe::detail::runtime::of(sys);
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
    CHECK_FALSE(troupe::detail::runtime::of(sys)->events().wanted());
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
