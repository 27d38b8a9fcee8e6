// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/tree_status.hpp"

#include "support/clerk.hpp"
#include "support/part.hpp"
#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/trap.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/testing.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::failing_after;
using support::journal;
using support::part;
using troupe::child_kind;
using troupe::outcome_kind;
using troupe::supervisor_spec;
using troupe::tree_status;
using troupe::worker_phase;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

class sink : public troupe::queue_consumer<int32_t> {
public:
  troupe::task<> run() override {
    auto hold_on = hold();
    co_await stop_requested();
  }
};

/// A tree of each kind of child, in each of the places where a child can be.
supervisor_spec everything(journal& log) {
  supervisor_spec inner{.name = "inner"};
  inner.add<part>("leaf", {}, std::ref(log));
  supervisor_spec spec{.name = "tree",
                       .intensity = {.max_restarts = 7, .within = 1min}};
  spec.add<sink>("sink");
  spec.add<part>("waits", {.backoff = {.initial = 30s, .jitter = 0.0}},
                 std::ref(log), failing_after(1s));
  spec.add<part>("again", {}, std::ref(log), failing_after(2s));
  spec.add<part>("done", {.restart = troupe::restart::transient}, std::ref(log),
                 part::body{[](part&) -> troupe::task<> { co_return; }});
  spec.add_actor("plain", {}, [](caf::actor_system& s) {
    return s.spawn([]() -> caf::behavior { return {[](int32_t) {}}; });
  });
  spec.add(inner);
  return spec;
}

void check_everything(const tree_status& x) {
  CHECK(x.kind == child_kind::supervisor);
  CHECK(x.self.path == "/tree");
  CHECK(x.self.state == worker_state::running);
  CHECK(x.self.uptime == 3s);
  CHECK(x.recent_restarts == 1);
  CHECK(x.max_restarts == 7);
  REQUIRE(x.children.size() == 6);
  auto& sink = x.children[0];
  CHECK(sink.self.name == "sink");
  CHECK(sink.kind == child_kind::worker);
  CHECK(sink.queue.queued == 2);
  CHECK(sink.queue.sent == 2);
  CHECK(sink.self.holds == 1);
  CHECK_FALSE(sink.last_end);
  auto& waits = x.children[1];
  CHECK(waits.self.phase == worker_phase::backing_off);
  REQUIRE(waits.next_retry);
  CHECK(*waits.next_retry == 28s);
  REQUIRE(waits.last_end);
  CHECK(waits.last_end->kind() == outcome_kind::failed);
  auto& again = x.children[2];
  CHECK(again.self.incarnation == 2);
  CHECK(again.restarts == 1);
  CHECK_FALSE(again.next_retry);
  CHECK(again.self.state == worker_state::running);
  REQUIRE(again.last_end);
  CHECK(again.last_end->incarnation() == 1);
  auto& done = x.children[3];
  CHECK(done.self.state == worker_state::stopped);
  REQUIRE(done.last_end);
  CHECK(done.last_end->ok());
  CHECK(x.children[4].kind == child_kind::actor);
  CHECK(x.children[4].self.state == worker_state::running);
  auto& inner = x.children[5];
  CHECK(inner.kind == child_kind::supervisor);
  REQUIRE(inner.children.size() == 1);
  CHECK(inner.children[0].self.path == "/tree/inner/leaf");
}

} // namespace

TEST_CASE("S29 the status of a tree shows everybody") {
  journal log;
  testing_system sys;
  auto tree = troupe::spawn(sys, everything(log));
  CHECK(tree.status_tree().self.state == worker_state::init);
  CHECK(tree.status_tree().kind == child_kind::supervisor);
  tree.startup();
  auto sink_ref = *troupe::lookup<sink>(sys, "/tree/sink");
  sink_ref.send(1);
  sink_ref.send(2);
  sys.advance(3s);
  check_everything(tree.status_tree());
  SECTION("the same in a message") {
    support::client client{sys};
    auto answer = client.ask<tree_status>(tree.actor(),
                                          troupe::status_tree_atom_v);
    REQUIRE(answer.value);
    check_everything(*answer.value);
  }
  SECTION("as text") {
    auto text = to_string(tree.status_tree());
    CHECK_THAT(text, ContainsSubstring("/tree: running, ready\n"));
    CHECK_THAT(text, ContainsSubstring("\n  waits: stopped, backing_off, again "
                                       "in 28s, last end: failed"));
    CHECK_THAT(text, ContainsSubstring("\n    leaf: running, ready\n"));
    CHECK_THAT(text, ContainsSubstring("\n  sink: running, ready, 2 queued, 1 "
                                       "holds\n"));
  }
  tree.shutdown();
  auto after = tree.status_tree();
  CHECK(after.self.state == worker_state::stopped);
  // They are shown as they ended.
  REQUIRE(after.children.size() == 6);
  for (const auto& x : after.children)
    CHECK(is_final(x.self.state));
  REQUIRE(after.children[5].children.size() == 1);
}

TEST_CASE("S29 L29 the children of a worker belong to its status") {
  journal log;
  testing_system sys;
  class parent : public troupe::worker {
  public:
    explicit parent(journal& log) : log_(log) {
      // nop
    }

    troupe::task<> run() override {
      for (auto name : {"first", "second"}) {
        auto starting = start<part>({.name = name}, std::ref(log_));
        auto child = co_await std::move(starting);
        if (!child)
          fail(child.error());
      }
      co_await stop_requested();
    }

  private:
    journal& log_;
  };
  auto ref = troupe::spawn<parent>(sys, {}, log);
  ref.startup();
  sys.run();
  auto status = ref.status_tree();
  REQUIRE(status.children.size() == 2);
  CHECK(status.kind == child_kind::worker);
  CHECK(status.children[0].self.path == "/parent/first");
  CHECK(status.children[1].self.path == "/parent/second");
  ref.shutdown();
  CHECK(ref.status_tree().children.empty());
}

TEST_CASE("S29 a worker that is stuck is shown, and keeps nobody waiting") {
  journal log;
  support::trap trap;
  support::real_system sys{1};
  supervisor_spec spec{.name = "tree"};
  spec.add<part>("a", {}, std::ref(log));
  spec.add<part>("stuck", {.worker = {.force_period = 1ms}}, std::ref(log),
                 part::body{[&trap](part&) -> troupe::task<> {
                   trap.sit();
                   co_return;
                 }});
  auto tree = troupe::spawn(sys, spec);
  tree.start();
  trap.await(); // the only thread there is
  auto status = tree.status_tree();
  REQUIRE(status.children.size() == 2);
  CHECK(status.children[1].self.path == "/tree/stuck");
  CHECK(status.children[1].self.state == worker_state::running);
  CHECK_FALSE(tree.shutdown(50ms).empty());
  trap.open();
}

namespace {

/// Says something about itself, or fails to.
class talker : public troupe::worker {
public:
  explicit talker(std::string words) : words_(std::move(words)) {
    // nop
  }

  troupe::task<> run() override {
    co_await stop_requested();
  }

  troupe::status_fields describe() override {
    if (words_.empty())
      throw std::runtime_error{"nothing to say"};
    return {{"words", words_}, {"asked", std::to_string(++asked_)}};
  }

private:
  std::string words_;
  int asked_ = 0;
};

using troupe::status_fields;

} // namespace

TEST_CASE("S29 a worker says more about itself when it is asked") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<talker>("talker", {}, "hello");
  spec.add<talker>("mumbler", {}, "");
  spec.add<part>("silent", {}, std::ref(log));
  spec.add<talker>("gone", {}, "too late");
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  tree.terminate_child("gone").get();
  SECTION("only then") {
    CHECK(tree.status_tree().children[0].fields.empty());
    CHECK(tree.status_tree(1s).children[0].fields.back()
          == troupe::status_field{"asked", "1"});
  }
  SECTION("and waits for no time if it answers") {
    const auto before = sys.now();
    auto status = tree.status_tree(1s);
    CHECK(sys.now() == before);
    REQUIRE(status.children.size() == 4);
    CHECK(status.children[0].fields
          == status_fields{{"words", "hello"}, {"asked", "1"}});
    CHECK(status.children[1].fields
          == status_fields{{"describe() failed", "nothing to say"}});
    CHECK(status.children[2].fields.empty());
    CHECK(status.children[3].fields.empty());
    for (auto& child : status.children)
      CHECK(child.answering);
    CHECK_THAT(to_string(status), ContainsSubstring("words: hello"));
  }
  SECTION("each of all trees, and those in none") {
    auto alone = troupe::spawn<talker>(sys, {.name = "alone"}, "me");
    alone.startup();
    auto unborn = troupe::spawn<talker>(sys, {.name = "unborn"}, "not me");
    auto all = troupe::status_trees(sys, 1s);
    REQUIRE(all.size() == 3);
    CHECK(all[0].self.path == "/tree");
    CHECK(all[1].self.path == "/alone");
    CHECK(all[1].fields.front() == troupe::status_field{"words", "me"});
    CHECK(all[2].self.state == worker_state::init);
    CHECK(all[2].fields.empty());
    CHECK(troupe::status_trees(sys).size() == 3);
    CHECK(troupe::status_trees(sys)[1].fields.empty());
    alone.shutdown();
  }
  tree.shutdown();
  CHECK(tree.status_tree(1s).fields.empty());
}

TEST_CASE("S29 a worker that does not answer is shown as such") {
  support::trap trap;
  support::real_system sys{2};
  class stuck : public talker {
  public:
    explicit stuck(support::trap& where) : talker("stuck"), where_(where) {
      // nop
    }

    troupe::task<> run() override {
      where_.sit();
      co_return;
    }

  private:
    support::trap& where_;
  };
  supervisor_spec spec{.name = "tree"};
  spec.add<talker>("free", {}, "hello");
  spec.add<stuck>("stuck", {.restart = troupe::restart::temporary},
                  std::ref(trap));
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  trap.await();
  // However long it takes the others on a busy machine.
  auto patience = 20ms;
  auto status = tree.status_tree(patience);
  while (status.children[0].fields.empty() || status.overlooked
         || status.children[1].overlooked)
    status = tree.status_tree(patience *= 2);
  REQUIRE(status.children.size() == 2);
  CHECK(status.answering);
  CHECK(status.children[0].answering);
  CHECK(status.children[0].fields.size() == 2);
  CHECK_FALSE(status.children[1].answering);
  CHECK_THAT(to_string(status), ContainsSubstring("stuck: running, ready, does "
                                                  "not answer"));
  trap.open();
  tree.shutdown();
}

TEST_CASE("S29 who was not asked in time is said to") {
  // The system's only thread sits in a handler.
  support::trap trap;
  support::real_system sys{1};
  supervisor_spec spec{.name = "tree"};
  for (int i = 0; i < 200; ++i)
    spec.add<talker>("talker-" + std::to_string(i), {}, "hello");
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  auto sitter = sys.sys().spawn([&trap](caf::event_based_actor*) {
    return caf::behavior{[&trap](troupe::stop_atom) { trap.sit(); }};
  });
  support::tell(sitter, troupe::stop_atom_v);
  trap.await();
  auto status = tree.status_tree(20ms);
  auto& last = status.children.back();
  CHECK(last.overlooked);
  CHECK(last.answering);
  CHECK(last.fields.empty());
  CHECK_THAT(to_string(status), ContainsSubstring("talker-199: running, ready, "
                                                  "was not asked in time"));
  trap.open();
  status = tree.status_tree(1h);
  CHECK_FALSE(status.children.back().overlooked);
  CHECK(status.children.back().fields.size() == 2);
  CHECK_FALSE(tree.status_tree().children.back().overlooked);
  tree.shutdown();
}

TEST_CASE("S29 who must not block is told so") {
  testing_system sys;
  std::string text;
  class asker : public troupe::worker {
  public:
    asker(caf::actor_system& sys, std::string& text) : sys_(sys), text_(text) {
      // nop
    }

    troupe::task<> run() override {
      try {
        static_cast<void>(troupe::status_trees(sys_, 1s));
      } catch (const std::logic_error& e) {
        text_ = e.what();
      }
      co_return;
    }

  private:
    caf::actor_system& sys_;
    std::string& text_;
  };
  auto ref = troupe::spawn<asker>(sys, {}, std::ref<caf::actor_system>(sys),
                                  std::ref(text));
  ref.startup();
  ref.wait_for_shutdown();
  CHECK_THAT(text, ContainsSubstring("would block"));
}

TEST_CASE("S29 many are asked at once, also those that come and go") {
  support::real_system sys{2};
  supervisor_spec spec{.name = "tree",
                       .strategy = troupe::strategy::dynamic,
                       .intensity = {.max_restarts = 1'000'000}};
  for (int i = 0; i < 500; ++i)
    spec.add<talker>("talker-" + std::to_string(i), {}, "hello");
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  std::jthread restless{[&tree](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); i = (i + 1) % 500)
      tree.restart_child("talker-" + std::to_string(i)).get();
  }};
  for (int i = 0; i < 20; ++i) {
    auto status = tree.status_tree(1h);
    CHECK(status.children.size() == 500);
    for (auto& child : status.children)
      CHECK(child.answering);
  }
  restless.request_stop();
  restless.join();
  tree.shutdown();
}

TEST_CASE("S29 nobody has no status") {
  CHECK(troupe::worker_handle{}.status_tree().self.path.empty());
}

TEST_CASE("Q8 S29 dead letters are in the text of a tree") {
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<sink>("sink");
  auto tree = troupe::spawn(sys, spec);
  tree.startup();
  auto ref = *troupe::lookup<sink>(sys, "/tree/sink");
  CHECK_THAT(to_string(tree.status_tree()), !ContainsSubstring("dead letter"));
  ref.send(1);
  ref.send(2);
  tree.terminate_child("sink").get();
  ref.send(3);
  CHECK_THAT(to_string(tree.status_tree()),
             ContainsSubstring("3 dead letters (1 closed, 2 discarded)"));
  tree.shutdown();
}

TEST_CASE("Q8 counts as text leave out what is zero") {
  using troupe::queue_counts;
  CHECK(to_string(queue_counts{}) == "0 sent");
  CHECK(to_string(queue_counts{.sent = 2, .handled = 1, .queued = 1})
        == "2 sent, 1 handled, 1 queued");
  CHECK(to_string(queue_counts{.sent = 9,
                               .handled = 1,
                               .in_progress = 1,
                               .closed = 1,
                               .rejected = 1,
                               .dropped = 1,
                               .discarded = 1,
                               .failed = 1,
                               .lost = 1,
                               .abandoned = 1})
        == "9 sent, 1 handled, 1 in progress, 7 dead letters (1 closed, 1 "
           "rejected, 1 dropped, 1 discarded, 1 failed, 1 lost, 1 abandoned)");
  CHECK(to_string(queue_counts{.sent = 1, .lost = 1})
        == "1 sent, 1 dead letter (1 lost)");
}

TEST_CASE("S15 who is in the way is told with when, and with what") {
  troupe::stop_blocker x;
  x.path = "/tree/hung";
  x.state = worker_state::stopping;
  x.phase = worker_phase::draining;
  x.elapsed = 250ms;
  CHECK(to_string(x)
        == "/tree/hung is stopping, draining, 250ms after it was asked to "
           "stop");
  x.queued = 3;
  x.holds = 1;
  CHECK(to_string(x)
        == "/tree/hung is stopping, draining, 250ms after it was asked to "
           "stop, with 3 queued, 1 hold");
  x.queued = 0;
  x.discarded = 7;
  x.lost = 1;
  x.holds = 2;
  CHECK_THAT(to_string(x),
             ContainsSubstring(", with 7 discarded, 1 lost, 2 holds"));
}
