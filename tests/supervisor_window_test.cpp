// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// More children than may begin at the same time.

#include "troupe/child.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker.hpp"

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

using namespace std::chrono_literals;

using troupe::scoped_supervisor;
using troupe::strategy;
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
