// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/start.hpp"

#include "support/plain_caf.hpp"
#include "support/scenes.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using support::scene;
using troupe::errc;
using troupe::outcome_kind;
using troupe::task;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

using journal = std::vector<std::string>;

/// A child that says what it does.
class child : public troupe::worker {
public:
  child(std::string who, journal& log) : who_(std::move(who)), log_(log) {
    // nop
  }

  ~child() override {
    log_.push_back(who_ + " gone");
  }

  task<> on_startup() override {
    log_.push_back(who_ + " starts");
    co_await sleep_for(1s);
  }

  task<> run() override {
    log_.push_back(who_ + " runs");
    co_await stop_requested();
  }

  task<> on_shutdown() override {
    log_.push_back(who_ + " shuts down");
    co_await sleep_for(1s);
  }

  void after_shutdown(const troupe::outcome& how) override {
    log_.push_back(who_ + " ended: " + to_string(how.kind()));
  }

private:
  std::string who_;
  journal& log_;
};

/// Ignores stops.
class stubborn : public troupe::worker {
public:
  task<> run() override {
    for (;;)
      co_await sleep_for(1h);
  }
};

/// Fails some time after its start.
class failing : public troupe::worker {
public:
  explicit failing(troupe::timespan when) : when_(when) {
    // nop
  }

  task<> run() override {
    co_await sleep_for(when_);
    throw std::runtime_error("the child broke");
  }

private:
  troupe::timespan when_;
};

/// Does not start.
class unstartable : public troupe::worker {
public:
  task<> on_startup() override {
    throw std::runtime_error("no port left");
    co_return;
  }

  task<> run() override {
    co_return;
  }
};

class unborn : public troupe::worker {
public:
  unborn() {
    throw std::runtime_error("not in here");
  }

  task<> run() override {
    co_return;
  }
};

/// Longer than what a std::string keeps inside of itself.
const std::string long_name = "a_child_whose_name_needs_memory_of_its_own";

} // namespace

TEST_CASE("A9 start gives the handle of a child that is ready") {
  journal log;
  testing_system sys;
  troupe::worker_ref<child> kid;
  troupe::worker_state at_return{};
  auto begin = sys.now();
  troupe::timespan took{};
  auto ref
    = troupe::spawn<scene>(sys, {.name = "parent"}, [&](scene& w) -> task<> {
        auto starting = w.start<child>({.name = long_name}, "child", log);
        auto started = co_await std::move(starting);
        took = w.now() - begin;
        kid = *started;
        at_return = kid.state();
        co_await w.stop_requested();
      });
  ref.startup();
  sys.advance(2s);
  CHECK(took == 1s);
  CHECK(at_return == worker_state::running);
  CHECK(kid.path() == "/parent/" + long_name);
  CHECK(log == journal{"child starts", "child runs"});
  CHECK(ref.shutdown()->ok());
  CHECK(kid.outcome()->ok());
}

TEST_CASE("A9 L29 children are stopped and joined before the parent's "
          "on_shutdown") {
  journal log;
  testing_system sys;
  auto ref = troupe::spawn<scene>(
    sys, {},
    [&](scene& w) -> task<> {
      auto first = w.start<child>({}, "one", log);
      static_cast<void>(co_await std::move(first));
      auto second = w.start<child>({}, "two", log);
      static_cast<void>(co_await std::move(second));
      log.push_back("parent returns");
    },
    [&](scene&) -> task<> {
      log.push_back("parent shuts down");
      co_return;
    });
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  auto at = [&](const std::string& what) {
    auto i = std::find(log.begin(), log.end(), what);
    REQUIRE(i != log.end());
    return i - log.begin();
  };
  CHECK(at("parent returns") < at("one shuts down"));
  CHECK(at("parent returns") < at("two shuts down"));
  CHECK(at("one ended: normal") < at("parent shuts down"));
  CHECK(at("two ended: normal") < at("parent shuts down"));
}

TEST_CASE("A9 L29 a child that ignores the stop is forced within the parent's "
          "deadline") {
  testing_system sys;
  troupe::worker_ref<stubborn> kid;
  auto ref = troupe::spawn<scene>(
    sys, {.stopping_grace_period = 5s}, [&](scene& w) -> task<> {
      auto starting = w.start<stubborn>({.stopping_grace_period = 1h});
      auto started = co_await std::move(starting);
      kid = *started;
      co_await w.stop_requested();
    });
  ref.startup();
  sys.run();
  auto begin = sys.now();
  auto how = ref.shutdown();
  REQUIRE(how);
  CHECK(sys.now() - begin <= 6s);
  CHECK(kid.outcome()->kind() == outcome_kind::forced);
}

TEST_CASE("A9 a force of the parent forces the child") {
  journal log;
  testing_system sys;
  troupe::worker_ref<stubborn> kid;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto starting = w.start<stubborn>({});
    auto started = co_await std::move(starting);
    kid = *started;
    co_await w.sleep_for(1h);
  });
  ref.startup();
  sys.run();
  ref.force_stop();
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::forced);
  REQUIRE(kid.outcome());
  CHECK(kid.outcome()->kind() == outcome_kind::forced);
}

TEST_CASE("A9 a child that is still starting is stopped when the wait for it "
          "is destroyed") {
  journal log;
  testing_system sys;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto starting = w.start<child>({}, "child", log);
    static_cast<void>(co_await std::move(starting));
    log.push_back("never");
  });
  ref.startup();
  sys.advance(500ms);
  CHECK(log == journal{"child starts"});
  SECTION("by a force") {
    ref.force_stop();
    CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::forced);
  }
  SECTION("by a kill") {
    support::tell(ref.actor(),
                  caf::exit_msg{ref.actor().address(), caf::exit_reason::kill});
    CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::cancelled);
  }
  CHECK(log == journal{"child starts", "child ended: forced", "child gone"});
}

TEST_CASE("A9 a child that was never awaited does not outlive its parent") {
  journal log;
  testing_system sys;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    {
      auto starting = w.start<child>({}, "child", log);
      static_cast<void>(starting);
    }
    co_await w.sleep_for(1s);
    log.push_back("parent returns");
  });
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(std::find(log.begin(), log.end(), "child starts") == log.end());
  CHECK(std::find(log.begin(), log.end(), "child gone") != log.end());
}

TEST_CASE("A9 start gives the error of a child that does not start") {
  testing_system sys;
  caf::error got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto starting = w.start<unstartable>({.name = long_name});
    auto started = co_await std::move(starting);
    got = started.error();
    co_await w.sleep_for(1s);
  });
  ref.startup();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->ok());
  CHECK(got == errc::start_failed);
  CHECK_THAT(troupe::text_of(got), ContainsSubstring("no port left"));
}

TEST_CASE("A9 what a child's constructor throws comes out of start") {
  testing_system sys;
  std::string got;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    try {
      auto starting = w.start<unborn>({});
      static_cast<void>(co_await std::move(starting));
    } catch (const std::runtime_error& x) {
      got = x.what();
    }
  });
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == "not in here");
}

TEST_CASE("A9 L29 a child that fails fails its parent, with what it threw") {
  testing_system sys;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto starting = w.start<failing>({}, 5s);
    static_cast<void>(co_await std::move(starting));
    co_await w.sleep_for(1h);
  });
  auto begin = sys.now();
  ref.startup();
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::failed);
  CHECK(how->reason() == errc::child_failed);
  CHECK_THAT(troupe::text_of(how->reason()),
             ContainsSubstring("the child broke"));
  CHECK_THROWS_AS(how->rethrow(), std::runtime_error);
  CHECK(sys.now() - begin == 5s);
}

TEST_CASE("A9 L29 a child's failure may be ignored") {
  testing_system sys;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto starting = w.start<failing>({.on_failure = troupe::on_failure::ignore},
                                     5s);
    auto kid = co_await std::move(starting);
    auto ending = kid->stopped();
    auto how = co_await std::move(ending);
    CHECK(how.kind() == outcome_kind::failed);
    co_await w.sleep_for(1min);
  });
  auto begin = sys.now();
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(sys.now() - begin == 1min + 5s);
}

TEST_CASE("A9 a child that ends by itself lets its parent go on") {
  testing_system sys;
  auto ref = troupe::spawn<scene>(sys, {}, [&](scene& w) -> task<> {
    auto body = [](scene& c) -> task<> { co_await c.sleep_for(1s); };
    auto starting = w.start<scene>({}, body);
    auto kid = co_await std::move(starting);
    auto ending = kid->stopped();
    CHECK((co_await std::move(ending)).ok());
    co_await w.sleep_for(1s);
  });
  auto begin = sys.now();
  ref.startup();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(sys.now() - begin == 2s);
}

TEST_CASE("A9 children may have children") {
  testing_system sys;
  std::string path;
  auto ref = troupe::spawn<scene>(sys, {.name = "a"}, [&](scene& w) -> task<> {
    auto inner = [&](scene& c) -> task<> {
      auto innermost = [&](scene& d) -> task<> {
        path = d.path();
        co_await d.stop_requested();
      };
      auto starting = c.start<scene>({.name = "c"}, innermost);
      static_cast<void>(co_await std::move(starting));
      co_await c.stop_requested();
    };
    auto starting = w.start<scene>({.name = "b"}, inner);
    static_cast<void>(co_await std::move(starting));
    co_await w.stop_requested();
  });
  ref.startup();
  sys.run();
  CHECK(path == "/a/b/c");
  auto begin = sys.now();
  CHECK(ref.shutdown()->ok());
  CHECK(sys.now() == begin);
}
