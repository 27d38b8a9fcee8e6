// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The result of `supervisor_spec::add`, as an argument and in calls. (S31)

#include "support/part.hpp"
#include "support/plain_caf.hpp"
#include "troupe/path.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/supervisor_spec.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker_pool.hpp"

#include <caf/actor_system.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using Catch::Matchers::ContainsSubstring;
using support::journal;
using support::part;
using troupe::child_name;
using troupe::errc;
using troupe::supervisor_ref;
using troupe::supervisor_spec;
using lines = std::vector<std::string>;
using testing_system = troupe::testing::system;

namespace {

/// Takes the handle of another one, and writes down whose it is.
template <class Handle>
class user : public troupe::worker {
public:
  user(Handle whom, journal& log) : whom_(std::move(whom)), log_(log) {
    // nop
  }

  troupe::task<> run() override {
    if constexpr (std::is_same_v<Handle, caf::actor>)
      log_.note(whom_ ? "an actor" : "nobody");
    else
      log_.note(path() + " uses " + whom_.path());
    co_await stop_requested();
  }

private:
  Handle whom_;
  journal& log_;
};

class counter : public troupe::queue_consumer<int> {
public:
  troupe::task<> run() override {
    while (auto x = co_await get_message())
      ;
  }
};

caf::behavior echo(caf::event_based_actor*) {
  return {[](int x) { return x; }};
}

using part_user = user<troupe::worker_ref<part>>;

} // namespace

TEST_CASE("S31 the name of a child is an argument of its sibling") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  SECTION("with its class") {
    const auto out = spec.add<part>("out", std::ref(log));
    STATIC_REQUIRE(std::is_same_v<decltype(out), const child_name<part>>);
    spec.add<part_user>("in", out, std::ref(log));
    auto tree = troupe::spawn(sys, spec);
    REQUIRE(!tree.startup());
    sys.run();
    CHECK(log.lines() == lines{"+out", "/tree/in uses /tree/out"});
    CHECK(tree.child(out).path() == "/tree/out");
    CHECK(tree.shutdown()->ok());
  }
  SECTION("a pool") {
    const auto pool
      = spec.add(troupe::worker_pool<counter>{{.name = "pool", .size = 1}});
    spec.add<user<troupe::pool_ref<counter>>>("in", pool, std::ref(log));
    auto tree = troupe::spawn(sys, spec);
    REQUIRE(!tree.startup());
    sys.run();
    CHECK(log.lines() == lines{"/tree/in uses /tree/pool"});
    CHECK(tree.child(pool).send(1));
    CHECK(tree.shutdown()->ok());
  }
  SECTION("a supervisor") {
    const auto inner = spec.add(supervisor_spec{.name = "inner"});
    spec.add<user<supervisor_ref>>("in", inner, std::ref(log));
    auto tree = troupe::spawn(sys, spec);
    REQUIRE(!tree.startup());
    sys.run();
    CHECK(log.lines() == lines{"/tree/in uses /tree/inner"});
    auto started
      = tree.child(inner).start_child(troupe::child<part>("x", std::ref(log)));
    CHECK(started.get());
    CHECK(tree.shutdown()->ok());
  }
  SECTION("a plain actor") {
    const auto plain = spec.add_actor("plain", [](caf::actor_system& there) {
      return there.spawn(echo);
    });
    STATIC_REQUIRE(
      std::is_same_v<decltype(plain), const child_name<caf::actor>>);
    spec.add<user<caf::actor>>("in", plain, std::ref(log));
    auto tree = troupe::spawn(sys, spec);
    REQUIRE(!tree.startup());
    sys.run();
    CHECK(log.lines() == lines{"an actor"});
    CHECK(tree.shutdown()->ok());
  }
  SECTION("whatever it is") {
    const auto any = spec.add(troupe::child<part>("out", std::ref(log)));
    spec.add<user<troupe::worker_handle>>("in", any, std::ref(log));
    auto tree = troupe::spawn(sys, spec);
    REQUIRE(!tree.startup());
    sys.run();
    CHECK(log.lines() == lines{"+out", "/tree/in uses /tree/out"});
    CHECK(tree.shutdown()->ok());
  }
}

TEST_CASE("S31 a name means the nearest child above that has it") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  const auto out = spec.add<part>("out", std::ref(log));
  supervisor_spec inner{.name = "inner"};
  SECTION("one of an outer supervisor") {
    inner.add<part_user>("in", out, std::ref(log));
    spec.add(inner);
    auto tree = troupe::spawn(sys, spec);
    REQUIRE(!tree.startup());
    sys.run();
    CHECK(log.lines() == lines{"+out", "/tree/inner/in uses /tree/out"});
    CHECK(tree.shutdown()->ok());
  }
  SECTION("never the child itself") {
    inner.add<part_user>("out", out, std::ref(log));
    spec.add(inner);
    auto tree = troupe::spawn(sys, spec);
    REQUIRE(!tree.startup());
    sys.run();
    CHECK(log.lines() == lines{"+out", "/tree/inner/out uses /tree/out"});
    CHECK(tree.shutdown()->ok());
  }
  SECTION("its own sibling first") {
    inner.add<part>("out", std::ref(log));
    inner.add<part_user>("in", out, std::ref(log));
    spec.add(inner);
    auto tree = troupe::spawn(sys, spec);
    REQUIRE(!tree.startup());
    sys.run();
    CHECK(log.lines()
          == lines{"+out", "+out", "/tree/inner/in uses /tree/inner/out"});
    CHECK(tree.shutdown()->ok());
  }
}

TEST_CASE("S31 a name that nobody has is a failed start that says so") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add<part_user>("in", child_name<part>{"out"}, std::ref(log));
  auto tree = troupe::spawn(sys, spec);
  CHECK_THAT(troupe::text_of(tree.startup()),
             ContainsSubstring("there is no child \"out\" beside /tree/in, nor "
                               "of a supervisor above it"));
  tree.wait_for_shutdown();
  auto path = troupe::path_from_here(sys, "out");
  REQUIRE(!path);
  CHECK(path.error() == errc::invalid_argument);
}

TEST_CASE("S31 calls about a child take its name, and give it its class") {
  journal log;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  const auto out = spec.add<part>("out", std::ref(log));
  spec.add(supervisor_spec{.name = "inner"});
  auto tree = troupe::spawn(sys, spec);
  REQUIRE(!tree.startup());
  CHECK(tree.terminate_child(out).get());
  CHECK(tree.start_child(out).get());
  CHECK(tree.child(out));
  CHECK_FALSE(tree.child(child_name<part_user>{"out"}));
  CHECK(tree.child<supervisor_ref>("inner").count_children().specs == 0);
  CHECK_FALSE(tree.child<supervisor_ref>("out"));
  CHECK(troupe::lookup<supervisor_ref>(sys, "/tree/inner"));
  auto wrong = troupe::lookup<supervisor_ref>(sys, "/tree/out");
  REQUIRE(!wrong);
  CHECK(troupe::text_of(wrong.error())
        == "the worker at /tree/out is a support::part, not a supervisor");
  CHECK(tree.shutdown()->ok());
}
