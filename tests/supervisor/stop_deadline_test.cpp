// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Trees that are stopped within a deadline while code of a worker does not
// return. How the time is split: deadlines_test.cpp.

#include "troupe/supervisor_ref.hpp"

#include "support/real_system.hpp"
#include "support/stuck.hpp"
#include "support/trap.hpp"
#include "troupe/run.hpp"
#include "troupe/shutdown_all.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <caf/deep_to_string.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <utility>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::trap;
using troupe::outcome_kind;
using troupe::supervisor_spec;
using troupe::timespan;
using troupe::worker_phase;
using testing_system = troupe::testing::system;

namespace {

/// Sits in a call that does not return, and leaves its actor's thread free.
class hung : public troupe::worker {
public:
  hung(trap& where, bool in_cleanup) : where_(where), in_cleanup_(in_cleanup) {
    // nop
  }

  troupe::task<> run() override {
    return in_cleanup_ ? waits() : sits();
  }

  troupe::task<> on_shutdown() override {
    return in_cleanup_ ? sits() : worker::on_shutdown();
  }

private:
  troupe::task<> sits() {
    auto call = offload([this] { where_.sit(); });
    co_await std::move(call);
  }

  troupe::task<> waits() {
    co_await stop_requested();
  }

  trap& where_;
  bool in_cleanup_;
};

class idle : public troupe::worker {
public:
  troupe::task<> run() override {
    co_await stop_requested();
  }
};

/// `/tree/inner/stuck` with some neighbours.
template <class W, class... Ts>
supervisor_spec tree_around(Ts... xs) {
  supervisor_spec inner{.name = "inner"};
  inner.add<idle>("before");
  inner.add<W>("stuck", {}, xs...);
  inner.add<idle>("after");
  supervisor_spec spec{.name = "tree"};
  spec.add<idle>("first");
  spec.add(std::move(inner));
  spec.add<idle>("last");
  return spec;
}

void check_report(const troupe::stop_report& report) {
  REQUIRE(report.size() == 1);
  CHECK(report[0].path == "/tree/inner/stuck");
  CHECK(report[0].phase == worker_phase::abandoned);
}

} // namespace

TEST_CASE("S15 L17 who does not return is abandoned before the deadline") {
  auto deadline = GENERATE(0ms, 100ms, 1000ms, 1600ms, 8000ms, 25000ms);
  auto in_cleanup = GENERATE(false, true);
  CAPTURE(deadline, in_cleanup);
  trap there;
  testing_system sys{{.patience = 0s}};
  auto tree = troupe::spawn(sys,
                            tree_around<hung>(std::ref(there), in_cleanup));
  CHECK_FALSE(tree.startup());
  if (!in_cleanup)
    there.await();
  auto inner = troupe::supervisor_ref{tree.child("inner")};
  auto stuck = inner.child("stuck");
  auto begin = sys.now();
  auto report = tree.shutdown(deadline);
  auto took = sys.now() - begin;
  // The tree is over, and in time.
  CHECK(tree.outcome());
  CHECK(inner.outcome());
  const timespan whole = deadline;
  CHECK(took <= std::max<timespan>(whole, whole * 15 / 16 + 100ms));
  REQUIRE(stuck.outcome());
  CHECK(stuck.outcome()->abandoned());
  if (deadline == 0ms && in_cleanup) {
    // It sees neither the stop nor the force as others do.
    CHECK_FALSE(report.empty());
  } else if (deadline > 0ms) {
    check_report(report);
    CHECK(report[0].elapsed == took);
  }
  there.open();
  sys.patience(10s);
  sys.run();
}

TEST_CASE("S15 L17 who is abandoned is told with the time it really had") {
  trap there;
  testing_system sys{{.patience = 0s}};
  auto tree = troupe::spawn(sys, tree_around<hung>(std::ref(there), false));
  CHECK_FALSE(tree.startup());
  there.await();
  auto stuck = troupe::supervisor_ref{tree.child("inner")}.child("stuck");
  auto had = timespan{0};
  SECTION("within a deadline") {
    static_cast<void>(tree.shutdown(1s));
    had = 218750us; // from three quarters of it on
  }
  SECTION("without one") {
    static_cast<void>(tree.shutdown());
    had = 1s;
  }
  REQUIRE(stuck.outcome());
  CHECK_THAT(to_string(stuck.outcome()->reason()),
             ContainsSubstring("did not return within "
                               + caf::deep_to_string(had)
                               + " of being forced"));
  there.open();
  sys.patience(10s);
  sys.run();
}

TEST_CASE("S15 with real threads the tree is over when the call returns") {
  auto threads = GENERATE(std::size_t{1}, std::size_t{2});
  auto deadline = GENERATE(0ms, 1000ms);
  CAPTURE(threads, deadline);
  trap there;
  support::real_system sys{threads};
  auto tree = troupe::spawn(sys, tree_around<support::stuck>(std::ref(there)));
  tree.start();
  there.await();
  auto inner = troupe::supervisor_ref{tree.child("inner")};
  auto report = tree.shutdown(deadline);
  CHECK(tree.outcome());
  CHECK(inner.outcome());
  auto i = std::find_if(report.begin(), report.end(), [](const auto& x) {
    return x.path == "/tree/inner/stuck";
  });
  REQUIRE(i != report.end());
  CHECK(i->phase == worker_phase::abandoned);
  // No supervisor is to blame, also not for having had no thread.
  for (auto& x : report) {
    CHECK(x.path != "/tree");
    CHECK(x.path != "/tree/inner");
  }
  there.open();
}

TEST_CASE("L30 shutdown_all abandons who does not return before its deadline") {
  trap there;
  testing_system sys{{.patience = 0s}};
  auto tree = troupe::spawn(sys, tree_around<hung>(std::ref(there), false));
  CHECK_FALSE(tree.startup());
  there.await();
  auto begin = sys.now();
  auto report = troupe::shutdown_all(sys, 4s);
  CHECK(sys.now() - begin < 4s);
  CHECK(tree.outcome());
  check_report(report);
  there.open();
  sys.patience(10s);
  sys.run();
}

TEST_CASE("S15 a deadline bounds linked children that do not return") {
  /// Has linked children, the last of which sits in code.
  class ancestor : public troupe::worker {
  public:
    ancestor(trap& where, int below) : where_(where), below_(below) {
      // nop
    }

    troupe::task<> run() override {
      if (below_ == 0) {
        auto call = offload([this] { where_.sit(); });
        co_await std::move(call);
        co_return;
      }
      auto child = start<ancestor>({.name = "kid", .force_period = 1h},
                                   std::ref(where_), below_ - 1);
      co_await std::move(child);
      co_await stop_requested();
    }

  private:
    trap& where_;
    int below_;
  };
  auto deadline = GENERATE(200ms, 1600ms, 25000ms);
  auto depth = GENERATE(1, 3);
  CAPTURE(deadline, depth);
  trap there;
  testing_system sys{{.patience = 0s}};
  supervisor_spec spec{.name = "tree"};
  spec.add<ancestor>("top", {.worker = {.force_period = 1h}}, std::ref(there),
                     depth);
  auto tree = troupe::spawn(sys, spec);
  CHECK_FALSE(tree.startup());
  sys.run();
  there.await();
  auto begin = sys.now();
  auto report = tree.shutdown(deadline);
  const timespan whole = deadline;
  CHECK(sys.now() - begin
        <= std::max<timespan>(whole, whole * 15 / 16 + 100ms));
  CHECK(tree.outcome());
  std::string stuck = "/tree/top";
  for (int i = 0; i < depth; ++i)
    stuck += "/kid";
  REQUIRE(report.size() == 1);
  CHECK(report[0].path == stuck);
  CHECK(report[0].phase == worker_phase::abandoned);
  there.open();
  sys.patience(10s);
  sys.run();
}

TEST_CASE("S15 a destructor that does not return holds up no deadline") {
  /// Where destructors wait: on a slow machine there may be another life.
  struct gate {
    std::atomic<int> came{0};
    std::atomic<bool> open{false};
  };
  class clinging : public troupe::worker {
  public:
    explicit clinging(gate& where) : where_(where) {
      // nop
    }

    ~clinging() override {
      ++where_.came;
      where_.came.notify_all();
      where_.open.wait(false);
    }

    troupe::task<> run() override {
      co_await stop_requested();
    }

  private:
    gate& where_;
  };
  gate there;
  support::real_system sys;
  troupe::stop_report report;
  SECTION("of a tree") {
    auto tree = troupe::spawn(sys, tree_around<clinging>(std::ref(there)));
    CHECK_FALSE(tree.startup());
    report = tree.shutdown(100ms);
  }
  SECTION("of all") {
    auto tree = troupe::spawn(sys, tree_around<clinging>(std::ref(there)));
    CHECK_FALSE(tree.startup());
    report = troupe::shutdown_all(sys, 100ms);
  }
  SECTION("of run") {
    auto tell = [&report](const troupe::stop_report& x) { report = x; };
    auto code = troupe::run(sys, tree_around<clinging>(std::ref(there)),
                            {.stop_timeout = 100ms,
                             .on_abandoned = troupe::on_abandoned::return_code,
                             .report = tell,
                             .on_ready = [](const troupe::supervisor_ref& x) {
                               x.gracefully_stop();
                             }});
    CHECK(code == 1);
  }
  there.came.wait(0);
  there.open = true;
  there.open.notify_all();
  // The thread that lets go of it last sits there, which may be that of its
  // supervisor. On a slow machine others are late as well.
  CHECK(std::any_of(report.begin(), report.end(), [](const auto& x) {
    return x.path.starts_with("/tree/inner");
  }));
}
