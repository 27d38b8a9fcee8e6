// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Workers that sit in code that does not return. Real threads and real time:
// what is tested is that deadlines hold when nothing else does.

#include "troupe/worker.hpp"

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"
#include "support/trap.hpp"

#include "troupe/event_log.hpp"
#include "troupe/scoped_worker.hpp"
#include "troupe/shutdown_all.hpp"
#include "troupe/spawn.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/supervisor_spec.hpp"
#include "troupe/testing.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <functional>
#include <semaphore>
#include <string>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::journal;
using support::lines;
using support::script;
using support::scripted;
using support::trap;
using troupe::errc;
using troupe::outcome_kind;
using troupe::worker_phase;
using troupe::worker_state;

namespace {

/// As the first base of a class, tells when its object is gone, all of it.
class last_word {
public:
  explicit last_word(std::binary_semaphore& gone) : gone_(gone) {
    // nop
  }

  ~last_word() {
    gone_.release();
  }

  last_word(const last_word&) = delete;
  last_word& operator=(const last_word&) = delete;

private:
  std::binary_semaphore& gone_;
};

/// Tells when the worker object is destroyed.
class mortal : private last_word, public scripted {
public:
  mortal(journal& log, script what, std::binary_semaphore& gone)
    : last_word(gone), scripted(log, std::move(what)) {
    // nop
  }

  ~mortal() override {
    log().note("object gone");
  }
};

const troupe::worker_options impatient{.name = "stuck",
                                       .stopping_grace_period = 10ms,
                                       .cleanup_period = 10ms,
                                       .force_period = 10ms};

void expect_abandoned(const troupe::worker_ref<mortal>& ref) {
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->abandoned());
  CHECK(ref.state() == worker_state::force_stopped);
  CHECK(ref.phase() == worker_phase::abandoned);
  CHECK(ref.worker() == nullptr);
}

} // namespace

TEST_CASE("L17 a worker that does not return is abandoned, and destroyed when "
          "it does") {
  journal log;
  std::binary_semaphore gone{0};
  trap there;
  support::real_system sys;
  script what;
  auto kind = outcome_kind::forced;
  auto kill = false;
  auto in_startup = false;
  lines before;
  lines after;
  SECTION("in run") {
    what.run = [&](scripted& self) -> troupe::task<> {
      support::farewell last{self.log(), "frame gone"};
      there.sit();
      co_await self.sleep_for(1h);
      self.log().note("resumed");
    };
    before = {"on_startup", "run"};
    after = {"frame gone"};
  }
  SECTION("in run, which then returns") {
    what.run = [&](scripted& self) -> troupe::task<> {
      support::farewell last{self.log(), "frame gone"};
      there.sit();
      co_return;
    };
    before = {"on_startup", "run"};
    after = {"frame gone"};
  }
  SECTION("in run, which then throws") {
    what.run = [&](scripted& self) -> troupe::task<> {
      support::farewell last{self.log(), "frame gone"};
      there.sit();
      throw 42;
      co_return;
    };
    before = {"on_startup", "run"};
    after = {"frame gone"};
  }
  SECTION("in on_startup") {
    in_startup = true;
    what.on_startup = [&](scripted& self) -> troupe::task<> {
      support::farewell last{self.log(), "frame gone"};
      there.sit();
      co_return;
    };
    before = {"on_startup"};
    after = {"frame gone"};
  }
  SECTION("in on_shutdown") {
    what.run = [](scripted&) -> troupe::task<> { co_return; };
    what.on_shutdown = [&](scripted& self) -> troupe::task<> {
      support::farewell last{self.log(), "frame gone"};
      there.sit();
      co_return;
    };
    before = {"on_startup", "run", "on_shutdown"};
    after = {"frame gone"};
  }
  SECTION("in on_shutdown, after a failure") {
    kind = outcome_kind::failed;
    what.run = support::throwing(42);
    what.on_shutdown = [&](scripted&) -> troupe::task<> {
      there.sit();
      co_return;
    };
    before = {"on_startup", "run", "on_shutdown"};
  }
  SECTION("killed in run") {
    kill = true;
    kind = outcome_kind::cancelled;
    what.run = [&](scripted&) -> troupe::task<> {
      there.sit();
      co_return;
    };
    before = {"on_startup", "run"};
  }
  auto ref = troupe::spawn<mortal>(sys, impatient, log, what, gone);
  if (in_startup)
    ref.start();
  else
    CHECK_FALSE(ref.startup());
  there.await();
  if (kill)
    caf::anon_send_exit(ref.actor(), caf::exit_reason::kill);
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(how->kind() == kind);
  expect_abandoned(ref);
  CHECK(log.lines() == before);
  // What is left of it goes when the code returns, and no hook runs.
  there.open();
  gone.acquire();
  before.insert(before.end(), after.begin(), after.end());
  before.insert(before.end(), {"object gone", "destroyed"});
  CHECK(log.lines() == before);
  expect_abandoned(ref);
  CHECK(ref.outcome()->kind() == kind);
}

TEST_CASE("L17 an abandoned worker is reported by its path") {
  journal log;
  std::binary_semaphore gone{0};
  trap there;
  support::real_system sys;
  script what;
  what.run = [&](scripted&) -> troupe::task<> {
    there.sit();
    co_return;
  };
  auto ref = troupe::spawn<mortal>(sys, impatient, log, what, gone);
  ref.startup();
  there.await();
  auto report = troupe::shutdown_all(sys, 1h);
  REQUIRE(report.size() == 1);
  CHECK(report[0].path == "/stuck");
  CHECK(report[0].phase == worker_phase::abandoned);
  CHECK(report[0].state == worker_state::force_stopped);
  CHECK(report[0].elapsed >= 20ms);
  CHECK_THAT(to_string(report[0]), ContainsSubstring("/stuck"));
  auto how = ref.outcome();
  REQUIRE(how);
  CHECK(how->reason() == errc::abandoned);
  CHECK_THAT(troupe::text_of(how->reason()), ContainsSubstring("/stuck"));
  there.open();
  gone.acquire();
}

TEST_CASE("L17 the object of an abandoned worker cannot be had") {
  journal log;
  std::binary_semaphore gone{0};
  trap there;
  support::real_system sys;
  script what;
  what.run = [&](scripted&) -> troupe::task<> {
    there.sit();
    co_return;
  };
  {
    troupe::scoped_worker<mortal> worker{sys, impatient, log, what, gone};
    there.await();
    auto done = worker.shutdown();
    CHECK(done.kind() == outcome_kind::forced);
    CHECK_FALSE(done.has_worker());
    CHECK_THROWS_AS(done.worker(), std::logic_error);
  }
  there.open();
  gone.acquire();
}

TEST_CASE("L17 the handle of an abandoned worker may go first") {
  journal log;
  std::binary_semaphore gone{0};
  trap there;
  support::real_system sys;
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    there.sit();
    co_await self.sleep_for(1h);
  };
  {
    auto ref = troupe::spawn<mortal>(sys, impatient, log, what, gone);
    ref.startup();
    there.await();
    ref.shutdown();
    expect_abandoned(ref);
  }
  CHECK_FALSE(log.has("object gone"));
  there.open();
  gone.acquire();
  CHECK(log.count("object gone") == 1);
}

TEST_CASE("L17 a worker stuck in a handler is abandoned as well") {
  journal log;
  std::binary_semaphore gone{0};
  trap there;
  support::real_system sys;
  script what;
  what.handlers = [&](scripted&) -> troupe::message_handlers {
    return {[&](int32_t) { there.sit(); }};
  };
  auto ref = troupe::spawn<mortal>(sys, impatient, log, what, gone);
  ref.startup();
  support::tell(ref.actor(), int32_t{1});
  there.await();
  ref.shutdown();
  expect_abandoned(ref);
  there.open();
  gone.acquire();
  CHECK_FALSE(log.has("on_shutdown"));
}

TEST_CASE("L17 deadlines hold when every scheduler thread is stuck") {
  constexpr std::size_t threads = 2;
  journal log;
  journal last_log;
  std::binary_semaphore gone{0};
  trap there[threads];
  support::real_system sys{threads};
  std::vector<support::scripted_ref> refs;
  for (auto& x : there) {
    script what;
    what.run = [&x](scripted&) -> troupe::task<> {
      x.sit();
      co_return;
    };
    refs.push_back(support::spawn(sys, log, impatient, what));
    refs.back().start();
    x.await();
  }
  // One that would behave, had it a thread to run on.
  auto last = troupe::spawn<mortal>(sys, impatient, last_log, script{}, gone);
  last.start();
  auto report = troupe::shutdown_all(sys, 1h);
  CHECK(report.size() == threads + 1);
  CHECK(std::all_of(report.begin(), report.end(), [](auto& x) {
    return x.phase == worker_phase::abandoned;
  }));
  for (auto& ref : refs)
    CHECK(ref.outcome()->abandoned());
  expect_abandoned(last);
  CHECK(last_log.lines().empty());
  for (auto& x : there)
    x.open();
  gone.acquire();
  CHECK(last_log.lines() == lines{"object gone", "destroyed"});
}

TEST_CASE("L17 a start is timed out when every scheduler thread is stuck") {
  journal log;
  std::binary_semaphore gone{0};
  trap there;
  support::real_system sys{1};
  script what;
  what.run = [&](scripted&) -> troupe::task<> {
    there.sit();
    co_return;
  };
  auto first = support::spawn(sys, log, impatient, what);
  first.start();
  there.await();
  auto options = impatient;
  options.start_timeout = 10ms;
  journal second_log;
  auto second = troupe::spawn<mortal>(sys, options, second_log, script{}, gone);
  CHECK(second.startup() == errc::start_timeout);
  CHECK(second.outcome()->kind() == outcome_kind::failed);
  first.shutdown();
  there.open();
  gone.acquire();
  CHECK(second_log.lines() == lines{"object gone", "destroyed"});
}

TEST_CASE("L17 a worker that awaits an offloaded call that does not return is "
          "abandoned") {
  journal log;
  std::binary_semaphore gone{0};
  trap there;
  support::real_system sys;
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    support::farewell last{self.log(), "frame gone"};
    auto call = self.offload([&there] { there.sit(); });
    co_await std::move(call);
    self.log().note("resumed");
  };
  auto ref = troupe::spawn<mortal>(sys, impatient, log, what, gone);
  ref.startup();
  there.await();
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  expect_abandoned(ref);
  CHECK(log.lines() == lines{"on_startup", "run"});
  there.open();
  gone.acquire();
  CHECK(
    log.lines()
    == lines{"on_startup", "run", "frame gone", "object gone", "destroyed"});
}

TEST_CASE("L17 an offloaded call that returns within the force period is only "
          "a forced end") {
  journal log;
  trap there;
  support::real_system sys;
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    support::farewell last{self.log(), "frame gone"};
    auto call = self.offload([&there] { there.sit(); });
    co_await std::move(call);
    self.log().note("resumed");
  };
  auto options = impatient;
  options.cleanup_period = 1h;
  options.force_period = 1h;
  auto ref = support::spawn(sys, log, options, what);
  ref.startup();
  there.await();
  ref.force_stop();
  CHECK(ref.state() == worker_state::stopping);
  CHECK_FALSE(ref.outcome());
  there.open();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::forced);
  CHECK_FALSE(how->abandoned());
  CHECK(ref.phase() == worker_phase::done);
  CHECK(log.lines()
        == lines{"on_startup", "run", "frame gone", "on_shutdown",
                 "after_shutdown"});
}

TEST_CASE("L17 the periods of a stop add up and no more") {
  journal log;
  trap there;
  troupe::testing::system sys{{.patience = 0s}};
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    auto call = self.offload([&there] { there.sit(); });
    co_await std::move(call);
  };
  auto ref = support::spawn(sys, log, {.force_period = 7s}, what);
  ref.startup();
  there.await();
  auto begin = sys.now();
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(how->abandoned());
  CHECK(sys.now() - begin == 17s);
  there.open();
  sys.patience(10s);
  sys.run();
  CHECK(log.lines() == lines{"on_startup", "run", "destroyed"});
}

TEST_CASE("L17 L18 a worker that is forced while its clean-up begins is not "
          "abandoned") {
  // Two threads have to meet within some instructions: many tries find that.
  class idle : public troupe::worker {
  public:
    troupe::task<> run() override {
      co_await stop_requested();
    }
  };
  support::real_system sys;
  auto abandoned = 0;
  for (int i = 0; i < 2000; ++i) {
    auto ref = troupe::spawn<idle>(sys, {.stopping_grace_period = 0s,
                                         .cleanup_period = 0s,
                                         .force_period = 1min});
    ref.startup();
    auto how = ref.shutdown();
    if (!how || how->abandoned())
      ++abandoned;
  }
  CHECK(abandoned == 0);
}

TEST_CASE("L19 an after_shutdown() that does not return is abandoned") {
  class lingering : public troupe::worker {
  public:
    lingering(trap& where, bool& was_normal)
      : where_(where), was_normal_(was_normal) {
      // nop
    }

    troupe::task<> run() override {
      co_await stop_requested();
    }

    void after_shutdown(const troupe::outcome& how) override {
      where_.sit();
      was_normal_ = how.kind() == outcome_kind::normal && !how.abandoned();
    }

  private:
    trap& where_;
    bool& was_normal_;
  };
  trap there;
  auto was_normal = false;
  support::real_system sys;
  troupe::event_log events{sys};
  troupe::worker_handle stuck;
  troupe::supervisor_ref tree;
  SECTION("a worker of its own") {
    auto ref = troupe::spawn<lingering>(sys, impatient, std::ref(there),
                                        std::ref(was_normal));
    ref.startup();
    ref.gracefully_stop();
    stuck = ref;
  }
  SECTION("a child") {
    troupe::supervisor_spec spec{.name = "tree"};
    spec.add<lingering>("stuck", {.worker = impatient}, std::ref(there),
                        std::ref(was_normal));
    tree = troupe::spawn(sys, spec);
    tree.startup();
    stuck = tree.child("stuck");
    CHECK_FALSE(tree.terminate_child("stuck").get().error);
  }
  SECTION("a child, within a deadline") {
    troupe::supervisor_spec spec{.name = "tree"};
    spec.add<lingering>("stuck", {.worker = {.force_period = 1h}},
                        std::ref(there), std::ref(was_normal));
    tree = troupe::spawn(sys, spec);
    tree.startup();
    stuck = tree.child("stuck");
    auto report = tree.shutdown(50ms);
    REQUIRE(report.size() == 1);
    CHECK(report[0].path == "/tree/stuck");
    CHECK(report[0].phase == worker_phase::abandoned);
    CHECK(tree.outcome());
  }
  if (!tree)
    CHECK(stuck.wait_for_shutdown());
  auto how = stuck.outcome();
  REQUIRE(how);
  CHECK(how->abandoned());
  CHECK(how->kind() == outcome_kind::forced);
  CHECK_THAT(to_string(how->reason()), ContainsSubstring("did not return")
                                         && ContainsSubstring("of its end"));
  CHECK(stuck.phase() == worker_phase::abandoned);
  there.open();
  CHECK(events.wait_for(troupe::event_kind::came_back, stuck.path()));
  CHECK(was_normal);
  CHECK(troupe::shutdown_all(sys, 1h).empty());
}
