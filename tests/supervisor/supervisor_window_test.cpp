// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// More children than may begin at the same time.

#include "troupe/child.hpp"
#include "troupe/detail/message_queue.hpp"
#include "troupe/error.hpp"
#include "troupe/event_log.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker.hpp"

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

using troupe::scoped_supervisor;
using troupe::strategy;
using troupe::timespan;
using testing_system = troupe::testing::system;

namespace {

constexpr std::size_t many = 300;

struct counts {
  std::size_t begun = 0;
  std::size_t running = 0;
  std::size_t over = 0;
};

/// Takes a second to start.
class slow_starter : public troupe::worker {
public:
  explicit slow_starter(counts& x) : counts_(x) {
    // nop
  }

  troupe::task<> on_startup() override {
    ++counts_.begun;
    co_await sleep_for(1s);
  }

  troupe::task<> run() override {
    ++counts_.running;
    co_await stop_requested();
  }

  void after_shutdown(const troupe::outcome&) override {
    ++counts_.over;
  }

private:
  counts& counts_;
};

std::vector<troupe::child_call> start_many(scoped_supervisor& tree,
                                           counts& of) {
  std::vector<troupe::child_call> result;
  for (std::size_t i = 0; i < many; ++i)
    result.push_back(tree->start_child(
      troupe::child<slow_starter>(std::to_string(i), std::ref(of))));
  return result;
}

} // namespace

TEST_CASE("S18 S30 many that start at run time: a slow start keeps nobody "
          "waiting") {
  counts of;
  testing_system sys;
  scoped_supervisor tree{sys, {.name = "t", .strategy = strategy::dynamic}};
  auto begin = sys.now();
  auto calls = start_many(tree, of);
  for (auto& x : calls)
    CHECK(x.get());
  CHECK(of.running == many);
  CHECK(sys.now() - begin == 1s);
}

TEST_CASE("S19 many are stopped before they have begun") {
  counts of;
  testing_system sys;
  scoped_supervisor tree{sys, {.name = "t", .strategy = strategy::dynamic}};
  auto starts = start_many(tree, of);
  std::vector<troupe::child_call> stops;
  for (std::size_t i = 0; i < many; ++i)
    stops.push_back(tree->terminate_child(std::to_string(i)));
  for (auto& x : stops)
    CHECK(x.get());
  for (auto& x : starts)
    CHECK_FALSE(x.get());
  CHECK(of.running == 0);
  CHECK(of.over == of.begun);
  CHECK(tree->count_children().active == 0);
  // There is room for others as before.
  std::vector<troupe::child_call> again;
  for (std::size_t i = 0; i < many; ++i)
    again.push_back(tree->restart_child(std::to_string(i)));
  for (auto& x : again)
    CHECK(x.get());
  CHECK(of.running == many);
}

TEST_CASE("S14 S17 a stop, and a force, find many that have not begun") {
  auto by_force = false;
  SECTION("a stop") {
    by_force = false;
  }
  SECTION("a force") {
    by_force = true;
  }
  counts of;
  testing_system sys;
  scoped_supervisor tree{sys, {.name = "t", .strategy = strategy::dynamic}};
  auto starts = start_many(tree, of);
  if (by_force)
    tree.ref().force_stop();
  else
    tree.ref().gracefully_stop();
  CHECK(tree.ref().wait_for_shutdown());
  for (auto& x : starts)
    CHECK_FALSE(x.get());
  CHECK(of.running == 0);
  CHECK(of.over == of.begun);
}

namespace {

/// Waits, and ends at a stop when it is let go.
class lingerer : public troupe::worker {
public:
  lingerer(std::shared_ptr<int> keeps, timespan how_long)
    : keeps_(std::move(keeps)), how_long_(how_long) {
    // nop
  }

  troupe::task<> run() override {
    co_await stop_requested();
  }

  troupe::task<> on_shutdown() override {
    co_await sleep_for(how_long_);
  }

private:
  std::shared_ptr<int> keeps_;
  timespan how_long_;
};

std::vector<std::string> names_of(const troupe::supervisor_ref& tree) {
  std::vector<std::string> result;
  for (const auto& x : tree.which_children())
    result.push_back(x.name);
  return result;
}

} // namespace

TEST_CASE("S14 who is over is no child any more while a dynamic supervisor "
          "stops") {
  testing_system sys;
  troupe::worker_handle mine;
  const auto kept = std::make_shared<int>(1);
  scoped_supervisor tree{sys, {.name = "t", .strategy = strategy::dynamic}};
  auto start = [&](const char* name, timespan how_long) {
    return tree->start_child(
      troupe::child<lingerer>(name, std::make_shared<int>(*kept), how_long));
  };
  mine = start("quick", 0s).get().child;
  REQUIRE(start("slow", 500ms).get());
  REQUIRE(tree->start_child(troupe::child<lingerer>("holder", kept, 0s)).get());
  REQUIRE(kept.use_count() > 1);
  tree.ref().gracefully_stop();
  sys.run();
  CHECK(names_of(tree.ref()) == std::vector<std::string>{"slow"});
  CHECK(tree->count_children().specs == 1);
  CHECK(tree->status_tree().children.size() == 1);
  CHECK_FALSE(tree->child("quick"));
  // What the user gave to a child is gone with it, and a handle is as good as
  // ever.
  CHECK(kept.use_count() == 1);
  CHECK(mine.state() == troupe::worker_state::stopped);
  CHECK(mine.outcome()->ok());
  CHECK(tree.ref().wait_for_shutdown());
}

TEST_CASE("S18 what a refused call was to start goes when it is refused") {
  testing_system sys;
  const auto kept = std::make_shared<int>(1);
  scoped_supervisor tree{
    sys, {.name = "t", .strategy = strategy::dynamic, .max_children = 1}};
  auto start = [&](const char* name, troupe::child_options options = {}) {
    return tree->start_child(troupe::child<lingerer>(name, options, kept, 0s));
  };
  REQUIRE(start("a").get());
  const auto before = kept.use_count();
  const auto twice = start("a");
  const auto too_many = start("b");
  const auto wrong = start("c", {.worker = {.start_timeout = -1s}});
  CHECK(twice.get().error == troupe::errc::already_started);
  CHECK(too_many.get().error == troupe::errc::too_many_children);
  CHECK(wrong.get().error == troupe::errc::invalid_argument);
  CHECK(kept.use_count() == before);
}

namespace {

/// Fails after a second.
class failing : public troupe::worker {
public:
  troupe::task<> run() override {
    co_await sleep_for(1s);
    throw std::runtime_error("no more");
  }
};

/// Calls a function when its supervisor makes the child's queue: somebody has
/// the turn for as long.
class interrupting_factory final : public troupe::child_factory {
public:
  explicit interrupting_factory(std::function<void()> f) : f_(std::move(f)) {
    // nop
  }

  std::unique_ptr<troupe::worker> make(caf::actor_system&) const override {
    return std::make_unique<lingerer>(nullptr, 0s);
  }

  std::shared_ptr<troupe::detail::message_queue> make_queue() const override {
    f_();
    return nullptr;
  }

  const std::type_info& type() const noexcept override {
    return typeid(lingerer);
  }

private:
  std::function<void()> f_;
};

} // namespace

TEST_CASE("S30 what becomes of a child comes before calls that wait") {
  testing_system sys;
  scoped_supervisor tree{sys, {.name = "t", .strategy = strategy::dynamic}};
  REQUIRE(tree->start_child(troupe::child<failing>("early")).get());
  const troupe::event_log log{sys};
  std::optional<troupe::child_call> late;
  auto meanwhile = [&] {
    late = tree->start_child(troupe::child<failing>("late"));
    sys.advance(1s);
  };
  REQUIRE(tree
            ->start_child(
              {.name = "x",
               .factory = std::make_shared<interrupting_factory>(meanwhile)})
            .get());
  REQUIRE(late->get());
  std::vector<std::string> begun;
  for (const auto& x : log.events())
    if (x.kind == troupe::event_kind::started
        || x.kind == troupe::event_kind::restarted)
      begun.push_back(x.path);
  CHECK(begun == std::vector<std::string>{"/t/x", "/t/early", "/t/late"});
}
