// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// What is left in a queue is handed over.

#include "support/accounts.hpp"
#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using support::balanced;
using support::settled;
using troupe::errc;
using troupe::on_stop;
using troupe::outcome_kind;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

using lines = std::vector<std::string>;

/// Writes down what happens to it. `log` outlives it.
class writer : public troupe::queue_consumer<std::string> {
public:
  using hook = std::function<task<>(writer&)>;

  explicit writer(lines& log, hook handing = {}, hook work = {})
    : log_(log), handing_(std::move(handing)), work_(std::move(work)) {
    // nop
  }

  using queue_consumer::fail;
  using queue_consumer::finish;
  using queue_consumer::sleep_for;

  task<> run() override {
    while (auto m = co_await get_message()) {
      log_.push_back("handled " + *m);
      if (work_) {
        auto call = work_(*this);
        co_await std::move(call);
      } else {
        co_await sleep_for(1s);
      }
    }
    log_.push_back("run over");
  }

  task<> hand_over(lines rest) override {
    log_.push_back("hand_over " + std::to_string(rest.size()));
    if (handing_) {
      auto call = handing_(*this);
      co_await std::move(call);
    }
    for (auto& x : rest)
      log_.push_back("rest " + x);
  }

  task<> on_shutdown() override {
    log_.push_back("on_shutdown");
    co_return;
  }

private:
  lines& log_;
  hook handing_;
  hook work_;
};

const troupe::worker_options options{.stopping_grace_period = 10s,
                                     .queue = {.on_stop = on_stop::hand_over}};

/// Three messages, the first of which is in progress.
auto busy_writer(testing_system& sys, lines& log, writer::hook handing = {}) {
  auto ref = troupe::spawn<writer>(sys, options, log, std::move(handing));
  ref.startup();
  for (auto x : {"1", "2", "3"})
    ref.send(x);
  sys.run();
  return ref;
}

} // namespace

TEST_CASE("Q6 at a stop the rest is handed over, before on_shutdown()") {
  lines log;
  testing_system sys;
  auto ref = busy_writer(sys, log);
  ref.gracefully_stop();
  CHECK_FALSE(ref.send("4"));
  CHECK(ref.queue().queued == 2);
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(log
        == lines{"handled 1", "run over", "hand_over 2", "rest 2", "rest 3",
                 "on_shutdown"});
  auto x = ref.queue();
  CHECK(x.handled == 1);
  CHECK(x.handed_over == 2);
  CHECK(x.closed == 1);
  CHECK(settled(x));
}

TEST_CASE("Q6 an empty queue is not handed over") {
  lines log;
  testing_system sys;
  auto ref = troupe::spawn<writer>(sys, options, log);
  ref.startup();
  CHECK(ref.shutdown()->ok());
  CHECK(log == lines{"run over", "on_shutdown"});
}

TEST_CASE(
  "Q6 what a worker has not begun with is handed over, if it was started") {
  lines log;
  testing_system sys;
  auto ref = troupe::spawn<writer>(sys, options, log);
  ref.send("1");
  SECTION("a stop before run()") {
    ref.start();
    ref.gracefully_stop();
    CHECK(ref.wait_for_shutdown()->ok());
    CHECK(log == lines{"hand_over 1", "rest 1", "on_shutdown"});
    CHECK(ref.queue().handed_over == 1);
  }
  SECTION("never started") {
    auto actor = ref.actor();
    support::tell(actor, caf::exit_msg{actor.address(),
                                       caf::exit_reason::user_shutdown});
    sys.run();
    CHECK(log.empty());
    CHECK(ref.queue().discarded == 1);
  }
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q6 a drain first finishes what it can, the rest is handed over") {
  lines log;
  testing_system sys;
  auto ref = troupe::spawn<writer>(
    sys,
    {.stopping_grace_period = 1500ms, .queue = {.on_stop = on_stop::hand_over}},
    log, writer::hook{}, [](writer& w) -> task<> {
      const auto slept = co_await w.sleep_for(1s);
      if (!slept)
        co_await w.sleep_for(1s);
    });
  ref.startup();
  for (auto x : {"1", "2", "3", "4"})
    ref.send(x);
  sys.run();
  ref.drain();
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::forced);
  CHECK(log
        == lines{"handled 1", "handled 2", "hand_over 2", "rest 3", "rest 4",
                 "on_shutdown"});
  auto x = ref.queue();
  CHECK(x.handled == 1);
  CHECK(x.lost == 1);
  CHECK(x.handed_over == 2);
  CHECK(settled(x));
}

TEST_CASE("Q6 the rest is handed over when the worker ends by itself, too") {
  lines log;
  testing_system sys;
  auto end = writer::hook{};
  auto kind = outcome_kind::normal;
  SECTION("it fails") {
    end = [](writer&) -> task<> {
      throw std::runtime_error("cannot write");
      co_return;
    };
    kind = outcome_kind::failed;
  }
  SECTION("it is finished") {
    end = [](writer& w) -> task<> {
      w.finish();
      co_return;
    };
  }
  auto ref = troupe::spawn<writer>(sys, options, log, writer::hook{}, end);
  for (auto x : {"1", "2", "3"})
    ref.send(x);
  ref.startup();
  CHECK(ref.wait_for_shutdown()->kind() == kind);
  CHECK(
    log
    == lines{"handled 1", "hand_over 2", "rest 2", "rest 3", "on_shutdown"});
  auto x = ref.queue();
  CHECK(x.handled == (kind == outcome_kind::normal ? 1 : 0));
  CHECK(x.lost == (kind == outcome_kind::failed ? 1 : 0));
  CHECK(x.handed_over == 2);
  CHECK(settled(x));
}

TEST_CASE("Q6 a hand-over that fails fails the worker, and the messages are "
          "lost") {
  lines log;
  testing_system sys;
  auto text = std::string{"no place to put it"};
  auto handing = writer::hook{};
  SECTION("it throws at once") {
    handing = [&](writer&) -> task<> {
      throw std::runtime_error(text);
      co_return;
    };
  }
  SECTION("it throws later") {
    handing = [&](writer& w) -> task<> {
      co_await w.sleep_for(1s);
      co_await w.sleep_for(1s);
      throw std::runtime_error(text);
    };
  }
  SECTION("it calls fail()") {
    handing = [&](writer& w) -> task<> {
      w.fail(caf::make_error(errc::worker_failed, text));
      co_return;
    };
  }
  auto ref = busy_writer(sys, log, handing);
  ref.gracefully_stop();
  auto how = ref.wait_for_shutdown();
  CHECK(how->kind() == outcome_kind::failed);
  CHECK_THAT(troupe::text_of(how->reason()), ContainsSubstring(text));
  // What comes after it still has its turn.
  CHECK(log == lines{"handled 1", "run over", "hand_over 2", "on_shutdown"});
  auto x = ref.queue();
  CHECK(x.handled == 1);
  CHECK(x.lost == 2);
  CHECK(settled(x));
}

TEST_CASE("Q6 a hand-over that takes too long is destroyed, on_shutdown() is "
          "not") {
  lines log;
  testing_system sys;
  auto ref = busy_writer(sys, log, [](writer& w) -> task<> {
    for (;;)
      co_await w.sleep_for(1h);
  });
  auto begin = sys.now();
  ref.gracefully_stop();
  sys.advance(1s);
  CHECK(ref.queue().in_progress == 2);
  CHECK(balanced(ref.queue()));
  auto how = ref.wait_for_shutdown();
  CHECK(how->kind() == outcome_kind::forced);
  CHECK(sys.now() - begin == 10s);
  CHECK(log == lines{"handled 1", "run over", "hand_over 2", "on_shutdown"});
  CHECK(ref.queue().lost == 2);
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q6 a kill during the hand-over loses what is being handed over") {
  lines log;
  testing_system sys;
  auto ref = busy_writer(sys, log, [](writer& w) -> task<> {
    co_await w.sleep_for(1h);
    co_await w.sleep_for(1h);
  });
  auto actor = ref.actor();
  ref.gracefully_stop();
  sys.run();
  support::tell(actor, caf::exit_msg{actor.address(), caf::exit_reason::kill});
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::cancelled);
  CHECK(log == lines{"handled 1", "run over", "hand_over 2"});
  CHECK(ref.queue().lost == 2);
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q6 on_stop::hand_over without a hand_over() is a failure, not a "
          "silent loss") {
  class forgetful : public troupe::queue_consumer<std::string> {
  public:
    task<> run() override {
      co_await stop_requested();
    }
  };
  testing_system sys;
  auto ref = troupe::spawn<forgetful>(sys, options);
  ref.startup();
  ref.send("1");
  auto how = ref.shutdown();
  CHECK(how->kind() == outcome_kind::failed);
  CHECK_THAT(troupe::text_of(how->reason()), ContainsSubstring("hand_over()"));
  CHECK(ref.queue().lost == 1);
  CHECK(settled(ref.queue()));
}

TEST_CASE("Q6 a child hands over when it is stopped for good, not when it is "
          "restarted") {
  lines log;
  testing_system sys;
  int lives = 0;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add(troupe::child_made_by<writer>("writer", {.worker = options}, [&] {
    auto fails = ++lives == 1;
    return std::make_unique<writer>(
      log, writer::hook{}, [fails](writer& w) -> task<> {
        co_await w.sleep_for(1s);
        if (fails)
          throw std::runtime_error("cannot write");
      });
  }));
  troupe::scoped_supervisor tree{sys, std::move(spec)};
  troupe::worker_ref<writer> ref{tree->child("writer")};
  for (auto x : {"1", "2", "3"})
    ref.send(x);
  sys.run();
  sys.advance(1s);
  CHECK(lives == 2);
  tree.shutdown();
  CHECK(log
        == lines{"handled 1", "on_shutdown", "handled 2", "run over",
                 "hand_over 1", "rest 3", "on_shutdown"});
  auto x = ref.queue();
  CHECK(x.lost == 1);
  CHECK(x.handled == 1);
  CHECK(x.handed_over == 1);
  CHECK(settled(x));
}
