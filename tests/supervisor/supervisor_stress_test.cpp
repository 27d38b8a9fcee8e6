// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Trees under load: many threads, many children, deep trees, and ends at the
// worst of times.

#include "troupe/supervisor_ref.hpp"

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/trap.hpp"
#include "support/tree_probe.hpp"
#include "support/tree_schedule.hpp"
#include "troupe/shutdown_all.hpp"
#include "troupe/testing.hpp"
#include "troupe/tree_status.hpp"

#include <caf/exit_reason.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

using support::adds_up;
using support::dice;
using support::habits;
using support::probe;
using support::tree_scene;
using troupe::strategy;
using troupe::supervisor_ref;
using troupe::supervisor_spec;
using troupe::worker_handle;
using troupe::worker_phase;
using testing_system = troupe::testing::system;

namespace {

using lines = std::vector<std::string>;

constexpr auto plenty = troupe::restart_intensity{.max_restarts = 1'000'000,
                                                  .within = 1s};

/// How fast things go in real time, in percent.
constexpr std::uint64_t pace = 2;

support::tree_taste hasty() {
  return {.depth = 2, .most_children = 6, .pace = pace, .most_restarts = 1};
}

/// Gives all supervisors of a tree all the restarts they want.
void never_give_up(supervisor_spec& x) {
  x.intensity = plenty;
  x.auto_shutdown = troupe::auto_shutdown::never;
  if (x.strategy == strategy::stop_all)
    x.strategy = strategy::one_for_one;
  for (auto& child : x.children)
    child.options.significant = false;
}

supervisor_spec lasting_tree(tree_scene& scene, dice& d) {
  supervisor_spec result{.name = "t"};
  never_give_up(result);
  for (int i = 0; i < 4; ++i) {
    auto inner = support::some_tree(scene, "/t", "c" + std::to_string(i), d,
                                    hasty(), 1);
    never_give_up(inner);
    result.add(std::move(inner));
  }
  for (int i = 4; i < 8; ++i)
    result.add(
      support::some_child(scene, "/t", "c" + std::to_string(i), d, pace));
  return result;
}

/// All that have to end have that in common.
troupe::timespan left_until(std::chrono::steady_clock::time_point limit) {
  return std::max(troupe::timespan{0},
                  troupe::timespan{limit - std::chrono::steady_clock::now()});
}

/// Does whatever can be done to a tree, for a while.
class meddler {
public:
  meddler(tree_scene& scene, std::uint64_t seed) : scene_(scene), dice_(seed) {
    // nop
  }

  void act() {
    auto where = scene_.find_supervisor("/t");
    std::string path = "/t";
    if (dice_.chance(60)) {
      auto name = "c" + std::to_string(dice_.below(4));
      path += "/" + name;
      where = supervisor_ref{where.child(name)};
    }
    if (!where)
      return;
    auto name = "c" + std::to_string(dice_.below(8));
    auto child = where.child(name);
    if (child)
      handles_.push_back(child);
    switch (dice_.below(14)) {
      case 0:
      case 1:
        scene_.watch.mark_asked_for(path);
        calls_.push_back(where.start_child(scene_.another(path, name, dice_)));
        break;
      case 2:
        calls_.push_back(where.terminate_child(name));
        break;
      case 3:
      case 4:
        scene_.watch.mark_asked_for(path);
        calls_.push_back(where.restart_child(name));
        break;
      case 5:
        calls_.push_back(where.delete_child(name));
        break;
      case 6:
        static_cast<void>(where.retry_now(name));
        break;
      case 7:
        // Of one that has ended they are nobody, whose queue is empty.
        for (auto& x : where.which_children())
          if (!adds_up(x.child.queue()))
            scene_.watch.complain(path + "/" + x.name + " does not add up");
        static_cast<void>(where.count_children());
        break;
      case 8:
        child.gracefully_stop();
        break;
      case 9:
        child.force_stop();
        break;
      case 10:
        static_cast<void>(child.status());
        static_cast<void>(child.outcome());
        static_cast<void>(child.wait_for_shutdown(1ms));
        break;
      case 11:
        end(child);
        break;
      case 12:
        if (path != "/t" && dice_.chance(20))
          end(where);
        break;
      default:
        std::this_thread::yield();
        break;
    }
    if (calls_.size() > 50)
      await_calls();
  }

  void send() {
    auto where = scene_.find_supervisor(
      dice_.chance(50) ? "/t" : "/t/c" + std::to_string(dice_.below(4)));
    auto child = where.child("c" + std::to_string(dice_.below(8)));
    if (auto actor = child.actor())
      for (int i = 0; i < 20; ++i)
        support::tell(actor, static_cast<std::int32_t>(
                               dice_.chance(2) ? -1 : dice_.below(9)));
    if (!adds_up(child.queue()))
      scene_.watch.complain("a queue does not add up");
    std::this_thread::yield();
  }

  /// Waits for the ends of all calls.
  void await_calls() {
    const auto limit = std::chrono::steady_clock::now() + 30s;
    for (auto& x : calls_)
      if (x.get(left_until(limit)).error == troupe::errc::timed_out)
        scene_.watch.complain("a call to a supervisor does not end");
    calls_.clear();
  }

  [[nodiscard]] const std::vector<worker_handle>& handles() const {
    return handles_;
  }

private:
  void end(const worker_handle& who) {
    auto actor = who.actor();
    if (!actor)
      return;
    auto kill = dice_.chance(30);
    support::tell(actor, caf::exit_msg{actor.address(),
                                       kill ? caf::exit_reason::kill
                                            : caf::exit_reason::user_shutdown});
  }

  tree_scene& scene_;
  dice dice_;
  std::vector<troupe::child_call> calls_;
  std::vector<worker_handle> handles_;
};

void set_root(tree_scene& scene, supervisor_ref root) {
  std::unique_lock guard{scene.mtx};
  scene.root = std::move(root);
}

void let_children_start_others(tree_scene& scene) {
  scene.another = [&scene](const std::string& supervisor,
                           const std::string& name, dice& d) {
    return support::some_child(scene, supervisor, name, d, pace);
  };
}

} // namespace

TEST_CASE("S16 any thread may do anything to a tree at any time") {
  tree_scene scene{42};
  let_children_start_others(scene);
  {
    support::real_system sys{3};
    dice d{7};
    auto tree = troupe::spawn(sys, lasting_tree(scene, d));
    set_root(scene, tree);
    static_cast<void>(tree.startup());
    auto until = std::chrono::steady_clock::now() + 800ms;
    // On a busy machine it takes longer until there is something to be seen.
    auto goes_on = [&scene, until] {
      const auto now = std::chrono::steady_clock::now();
      return now < until || (scene.watch.made() < 50 && now < until + 30s);
    };
    std::vector<std::unique_ptr<meddler>> all;
    for (std::uint64_t i = 0; i < 4; ++i)
      all.push_back(std::make_unique<meddler>(scene, i));
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < all.size(); ++i)
        threads.emplace_back([&, i] {
          while (goes_on())
            i == 3 ? all[i]->send() : all[i]->act();
        });
    }
    auto report = tree.shutdown(20s);
    std::set<std::string> named;
    for (auto& x : report)
      named.insert(x.path);
    for (auto& x : scene.watch.active())
      if (named.count(x) == 0)
        FAIL_CHECK(x << " runs after the end of the tree");
    CHECK(tree.wait_for_shutdown(20s));
    const auto limit = std::chrono::steady_clock::now() + 20s;
    for (auto& x : all) {
      x->await_calls();
      for (auto& y : x->handles()) {
        if (!y.wait_for_shutdown(left_until(limit)))
          FAIL_CHECK(y.path() << " does not end: " << to_string(y.phase()));
        CHECK(adds_up(y.queue()));
      }
    }
    all.clear();
    tree = {};
    set_root(scene, {});
  }
  CHECK(scene.watch.made() > 20);
  CHECK(scene.watch.alive() == 0);
  CHECK(scene.watch.complaints() == lines{});
}

TEST_CASE("S17 a stop that races with the start ends the tree") {
  tree_scene scene{1};
  {
    support::real_system sys;
    supervisor_spec spec{.name = "t"};
    spec.add<probe>("a", {}, std::ref(scene), "/t/a", habits{});
    spec.add<probe>("b", {}, std::ref(scene), "/t/b", habits{});
    for (int i = 0; i < 300; ++i) {
      auto tree = troupe::spawn(sys, spec);
      std::jthread stopper{[&tree, i] {
        while (tree.state() == troupe::worker_state::init)
          ;
        for (int n = i * 10; n > 0; --n)
          static_cast<void>(tree.phase());
        if (i % 2 == 0)
          tree.gracefully_stop();
        else
          tree.force_stop();
      }};
      static_cast<void>(tree.start());
      REQUIRE(tree.wait_for_shutdown(30s));
      REQUIRE(scene.watch.active() == lines{});
    }
  }
  CHECK(scene.watch.alive() == 0);
}

TEST_CASE("S30 a hundred thousand children") {
  tree_scene scene{1};
  constexpr std::size_t many = 100'000;
  {
    support::real_system sys;
    auto tree = troupe::spawn(sys,
                              {.name = "t", .strategy = strategy::dynamic});
    REQUIRE_FALSE(tree.startup());
    std::vector<troupe::child_call> calls;
    for (std::size_t i = 0; i < many; ++i) {
      auto name = "c" + std::to_string(i);
      calls.push_back(tree.start_child(troupe::child<probe>(
        name, {}, std::ref(scene), "/t/" + name, habits{})));
    }
    std::size_t ready = 0;
    const auto limit = std::chrono::steady_clock::now() + 60s;
    for (auto& x : calls)
      ready += x.get(left_until(limit)) ? 1 : 0;
    CHECK(ready == many);
    auto counts = tree.count_children();
    CHECK(counts.specs == many);
    CHECK(counts.active == many);
    CHECK(counts.workers == many);
    CHECK(tree.which_children().size() == many);
    CHECK(tree.terminate_child("c777").get());
    CHECK(tree.count_children().active == many - 1);
    CHECK(tree.shutdown(60s).empty());
    CHECK(scene.watch.active() == lines{});
  }
  CHECK(scene.watch.alive() == 0);
}

TEST_CASE("S15 a tree fifty deep") {
  tree_scene scene{1};
  {
    testing_system sys;
    std::string path;
    for (int i = 0; i < 50; ++i)
      path += "/s" + std::to_string(i);
    supervisor_spec spec{.name = "s49"};
    auto how = habits{.ignores_stops = 100};
    spec.add<probe>("leaf", {}, std::ref(scene), path + "/leaf", how);
    for (int i = 48; i >= 0; --i) {
      supervisor_spec outer{.name = "s" + std::to_string(i)};
      outer.add(std::move(spec));
      spec = std::move(outer);
    }
    auto tree = troupe::spawn(sys, spec);
    REQUIRE_FALSE(tree.startup());
    CHECK(troupe::lookup(sys.sys(), path + "/leaf"));
    auto begin = sys.now();
    auto report = tree.shutdown(4s);
    CHECK(sys.now() - begin <= 4s);
    REQUIRE(report.size() == 1);
    CHECK(report[0].path == path + "/leaf");
    CHECK(scene.watch.active() == lines{});
  }
  CHECK(scene.watch.alive() == 0);
}

TEST_CASE("S26 a supervisor may be killed at any moment") {
  // Starts, runs, restarts its group, stops: killed after so many steps.
  for (int when = 0; when < 120; ++when) {
    CAPTURE(when);
    tree_scene scene{3};
    {
      testing_system sys;
      auto how = habits{.fails = 40, .start_time = 5, .run_time = 20};
      supervisor_spec inner{.name = "i",
                            .strategy = strategy::one_for_all,
                            .intensity = plenty};
      for (auto* name : {"a", "b", "c"})
        inner.add<probe>(name, {}, std::ref(scene), std::string{"/t/i/"} + name,
                         how);
      supervisor_spec spec{.name = "t", .intensity = plenty};
      spec.add(inner);
      auto tree = troupe::spawn(sys, spec);
      static_cast<void>(tree.start());
      auto victim = worker_handle{};
      for (int i = 0; i < when; ++i) {
        if (!sys.step())
          sys.advance(1ms);
        if (i == 100)
          tree.gracefully_stop();
      }
      if (when % 2 == 0)
        victim = tree.child("i");
      else
        victim = tree;
      if (auto actor = victim.actor())
        support::tell(actor,
                      caf::exit_msg{actor.address(), caf::exit_reason::kill});
      sys.advance(30ms);
      static_cast<void>(tree.shutdown(2s));
      CHECK(tree.wait_for_shutdown());
      sys.advance(20s);
      CHECK(scene.watch.active() == lines{});
    }
    CHECK(scene.watch.alive() == 0);
  }
}

TEST_CASE("L17 a child that is stuck in its constructor is left behind, and "
          "the next one takes its place") {
  struct stage {
    std::atomic<int> made = 0;
    std::atomic<int> alive = 0;
    support::trap trap;
    std::promise<void> done;
  };
  class slow_starter : public troupe::queue_consumer<std::int32_t> {
  public:
    explicit slow_starter(stage& here) : here_(here), number_(++here.made) {
      ++here.alive;
      if (number_ == 2)
        here.trap.sit();
    }

    ~slow_starter() override {
      --here_.alive;
      if (number_ == 2)
        here_.done.set_value();
    }

    troupe::task<> run() override {
      while (auto x = co_await get_message())
        if (*x < 0)
          throw std::runtime_error{"not that"};
    }

  private:
    stage& here_;
    int number_;
  };
  stage here;
  {
    support::real_system sys{3};
    // Also if a check fails: the system would wait for it.
    const std::unique_ptr<support::trap, void (*)(support::trap*)> opens{
      &here.trap, [](support::trap* x) { x->open(); }};
    supervisor_spec spec{.name = "t", .intensity = plenty};
    // Much longer than the first start takes on a busy machine.
    spec.add<slow_starter>(
      "a", {.worker = {.start_timeout = 2s, .force_period = 100ms}},
      std::ref(here));
    auto tree = troupe::spawn(sys, spec);
    REQUIRE_FALSE(tree.startup());
    auto a = tree.child("a");
    auto first_actor = a.actor();
    support::tell(first_actor, std::int32_t{-1});
    first_actor = nullptr;
    auto until = std::chrono::steady_clock::now() + 30s;
    while ((here.made < 3 || a.phase() != worker_phase::ready)
           && std::chrono::steady_clock::now() < until)
      std::this_thread::yield();
    CHECK(here.made == 3);
    CHECK(a.phase() == worker_phase::ready);
    CHECK(a == tree.child("a"));
    CHECK(a.incarnation() == 3);
    REQUIRE(a.outcome());
    CHECK(a.outcome()->abandoned());
    CHECK(adds_up(a.queue()));
    for (std::int32_t i = 0; i < 10; ++i)
      support::tell(a.actor(), i);
    here.trap.open();
    here.done.get_future().wait();
    CHECK(a.phase() == worker_phase::ready);
    CHECK(tree.shutdown(20s).empty());
    CHECK(adds_up(a.queue()));
    CHECK(a.queue().sent == 11);
    CHECK(a.queue().lost == 1);
    CHECK(here.alive == 1); // as long as there is a handle
  }
  CHECK(here.alive == 0);
}

TEST_CASE("L30 an actor system may go down in the middle of things") {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    CAPTURE(seed);
    tree_scene scene{seed};
    let_children_start_others(scene);
    supervisor_ref tree;
    {
      support::real_system sys{3};
      dice d{seed};
      tree = troupe::spawn(sys, lasting_tree(scene, d));
      set_root(scene, tree);
      static_cast<void>(tree.start());
      meddler some{scene, seed};
      for (std::uint64_t i = 0; i < seed * 10; ++i)
        some.act();
      static_cast<void>(troupe::shutdown_all(sys, 20s));
      // The system waits for those, so they are named before.
      for (const auto& x : troupe::status_trees(sys))
        if (!troupe::is_final(x.self.state)
            && x.self.state != troupe::worker_state::init)
          FAIL_CHECK("it goes on: " << to_string(x));
    }
    // A handle that outlives all that is of no harm.
    static_cast<void>(tree.child("c0"));
    static_cast<void>(tree.which_children());
    static_cast<void>(tree.terminate_child("c0").get());
    set_root(scene, {});
    tree = {};
    CHECK(scene.watch.alive() == 0);
    CHECK(scene.watch.complaints() == lines{});
  }
}

TEST_CASE("L15 S15 a nested supervisor that is shut down within a deadline "
          "stays down") {
  tree_scene scene{1};
  {
    testing_system sys;
    supervisor_spec inner{.name = "i"};
    inner.add<probe>("a", {}, std::ref(scene), "/t/i/a", habits{});
    supervisor_spec spec{.name = "t"};
    spec.add(inner);
    auto tree = troupe::spawn(sys, spec);
    REQUIRE_FALSE(tree.startup());
    auto nested = supervisor_ref{tree.child("i")};
    auto begin = sys.now();
    CHECK(nested.shutdown(4s).empty());
    CHECK(sys.now() == begin);
    sys.advance(1min);
    CHECK(nested.state() == troupe::worker_state::stopped);
    CHECK(scene.watch.active() == lines{});
    CHECK(tree.shutdown()->ok());
  }
  CHECK(scene.watch.alive() == 0);
}

TEST_CASE("S15 who was forced long before is not in the way of a shutdown") {
  tree_scene scene{1};
  testing_system sys;
  supervisor_spec spec{.name = "t"};
  spec.add<probe>("a", {}, std::ref(scene), "/t/a", habits{});
  auto tree = troupe::spawn(sys, spec);
  REQUIRE_FALSE(tree.startup());
  tree.child("a").force_stop();
  sys.advance(1h);
  CHECK(tree.shutdown(4s).empty());
}

TEST_CASE("Q6 a drain that somebody asked for is not that of the next life") {
  tree_scene scene{1};
  testing_system sys;
  supervisor_spec spec{.name = "t"};
  // Takes a while for each message that three divides.
  spec.add<support::queue_probe>("a", {}, std::ref(scene), "/t/a", habits{});
  auto tree = troupe::spawn(sys, spec);
  REQUIRE_FALSE(tree.startup());
  auto a = tree.child("a");
  a.drain();
  CHECK(a.wait_for_shutdown());
  REQUIRE(tree.restart_child("a").get());
  for (int i = 0; i < 5; ++i)
    support::tell(a.actor(), std::int32_t{3});
  CHECK(tree.shutdown()->ok());
  CHECK(a.queue().closed == 0); // It was open again.
  CHECK(a.queue().discarded >= 4);
}
