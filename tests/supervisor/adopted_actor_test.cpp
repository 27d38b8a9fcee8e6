// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Plain CAF actors as children, from factories that wait.

#include "support/plain_caf.hpp"
#include "troupe/event.hpp"
#include "troupe/offload.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/testing.hpp"

#include <caf/actor_addr.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/system_messages.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cstdint>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using troupe::errc;
using troupe::event;
using troupe::supervisor_ref;
using troupe::supervisor_spec;
using troupe::task;
using troupe::worker_phase;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

caf::behavior listener(caf::event_based_actor* self) {
  return {[self](std::int32_t x) {
    if (x < 0)
      self->quit(caf::sec::runtime_error);
  }};
}

/// A tree with one plain actor, which comes when the test says so.
struct scene {
  explicit scene(troupe::child_options options = {}) {
    supervisor_spec spec{.name = "tree"};
    spec.add_actor("plain", std::move(options),
                   [this](caf::actor_system& there) -> task<caf::actor> {
                     ++calls;
                     co_await come;
                     if (fails)
                       throw std::runtime_error{"nobody is there"};
                     co_return none ? caf::actor{} : there.spawn(listener);
                   });
    tree = troupe::spawn(sys, spec);
  }

  /// Starts the tree, which waits for the factory then.
  void begin() {
    tree.start();
    sys.run();
  }

  int calls = 0;
  bool fails = false;
  bool none = false;
  event come;
  testing_system sys;
  supervisor_ref tree;
};

} // namespace

TEST_CASE("S23 a factory that waits holds up the start of its child alone") {
  scene here;
  here.begin();
  CHECK(here.tree.phase() == worker_phase::starting);
  auto plain = here.tree.child("plain");
  CHECK(plain.phase() == worker_phase::starting);
  CHECK_FALSE(plain.actor());
  here.come.set();
  here.sys.run();
  CHECK(plain.phase() == worker_phase::ready);
  auto first = plain.actor();
  REQUIRE(first);
  // Each life has an actor of its own.
  support::tell(first, std::int32_t{-1});
  here.sys.run();
  CHECK(here.calls == 2);
  CHECK(plain.incarnation() == 2);
  REQUIRE(plain.actor());
  CHECK(plain.actor() != first);
  CHECK(here.tree.shutdown()->ok());
}

TEST_CASE("S23 a factory that waits and fails is a failed start") {
  scene here;
  SECTION("it throws") {
    here.fails = true;
  }
  SECTION("it gives nobody") {
    here.none = true;
  }
  here.come.set();
  auto err = here.tree.startup();
  CHECK(err == errc::start_failed);
  CHECK_THAT(troupe::text_of(err), ContainsSubstring("/tree/plain"));
  CHECK_THAT(troupe::text_of(err),
             ContainsSubstring(here.fails ? "nobody is there" : "null handle"));
}

TEST_CASE("S23 a stop ends the wait of a factory") {
  scene here;
  here.begin();
  auto begin = here.sys.now();
  auto how = here.tree.shutdown();
  REQUIRE(how);
  CHECK(how->ok());
  CHECK(here.sys.now() == begin);
  CHECK_FALSE(here.tree.child("plain").actor());
}

TEST_CASE("S23 a stop sets the token of a factory's offloaded call") {
  testing_system sys;
  auto asked = false;
  supervisor_spec spec{.name = "tree"};
  spec.add_actor("plain", [&asked](caf::actor_system&) -> task<caf::actor> {
    auto looking = troupe::offload([&asked](const std::stop_token& stop) {
      std::binary_semaphore told{0};
      const std::stop_callback tell{stop, [&told] { told.release(); }};
      told.acquire();
      asked = true;
      return caf::actor{};
    });
    auto found = co_await std::move(looking);
    co_return found;
  });
  auto tree = troupe::spawn(sys, spec);
  tree.start();
  while (!tree.child("plain")
         || tree.child("plain").phase() == worker_phase::created)
    sys.step();
  auto how = tree.shutdown();
  REQUIRE(how);
  CHECK(how->ok());
  CHECK(asked);
}

TEST_CASE("S23 start_timeout bounds the wait of a factory") {
  scene here{{.worker = {.start_timeout = 5s}}};
  auto begin = here.sys.now();
  auto err = here.tree.startup();
  CHECK(err == errc::start_failed);
  CHECK_THAT(troupe::text_of(err), ContainsSubstring("/tree/plain"));
  CHECK(here.sys.now() - begin == 5s);
}

TEST_CASE("S23 a forced tree waits for no factory") {
  scene here;
  here.begin();
  here.tree.force_stop();
  auto how = here.tree.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == troupe::outcome_kind::forced);
}

TEST_CASE("S23 a factory may own what it is made with, and return a typed "
          "handle") {
  using typed = caf::typed_actor<caf::result<std::int32_t>(std::int32_t)>;
  testing_system sys;
  event come;
  std::optional<supervisor_spec> spec{{.name = "tree"}};
  spec->add_actor("plain",
                  [text = std::string(100, 'x'),
                   &come](caf::actor_system& there) -> task<typed> {
                    co_await come;
                    auto size = static_cast<std::int32_t>(text.size());
                    co_return there.spawn([size]() -> typed::behavior_type {
                      return {
                        [size](std::int32_t x) -> caf::result<std::int32_t> {
                          return x + size;
                        }};
                    });
                  });
  auto tree = troupe::spawn(sys, *spec);
  spec.reset();
  tree.start();
  sys.run();
  come.set();
  sys.run();
  auto sum = troupe::ask<std::int32_t>(tree.child("plain"), 1s, 1);
  REQUIRE(sum);
  CHECK(*sum == 101);
  CHECK(tree.shutdown()->ok());
}

TEST_CASE("S23 on_stopped is called when the actor of a life has ended") {
  event may_go_on;
  std::vector<caf::actor> ended;
  testing_system sys;
  supervisor_spec spec{.name = "tree", .intensity = {.max_restarts = 1}};
  auto make = [](caf::actor_system& there) { return there.spawn(listener); };
  SECTION("a function") {
    spec.add_actor("plain", {}, make,
                   [&](const caf::actor& old) { ended.push_back(old); });
    auto tree = troupe::spawn(sys, spec);
    CHECK_FALSE(tree.startup());
    auto child = tree.child("plain");
    auto first = child.actor();
    support::tell(first, std::int32_t{-1});
    sys.run();
    CHECK(ended == std::vector{first});
    auto second = child.actor();
    REQUIRE(second);
    CHECK(tree.shutdown()->ok());
    CHECK(ended == std::vector{first, second});
  }
  SECTION("after a force as well") {
    spec.add_actor("plain", {}, make,
                   [&](const caf::actor& old) { ended.push_back(old); });
    auto tree = troupe::spawn(sys, spec);
    CHECK_FALSE(tree.startup());
    tree.force_stop();
    CHECK(tree.wait_for_shutdown()->kind() == troupe::outcome_kind::forced);
    CHECK(ended.size() == 1);
  }
  SECTION("a coroutine, for which the next life waits") {
    spec.add_actor("plain", {}, make, [&](caf::actor old) -> task<> {
      co_await may_go_on;
      ended.push_back(old);
    });
    auto tree = troupe::spawn(sys, spec);
    CHECK_FALSE(tree.startup());
    auto child = tree.child("plain");
    auto first = child.actor();
    support::tell(first, std::int32_t{-1});
    sys.run();
    CHECK(child.incarnation() == 1);
    CHECK(ended.empty());
    may_go_on.set();
    sys.run();
    CHECK(ended == std::vector{first});
    CHECK(child.incarnation() == 2);
    CHECK(tree.shutdown()->ok());
  }
  SECTION("one that throws fails the child") {
    spec.add_actor("plain", {}, make, [](const caf::actor&) {
      throw std::runtime_error{"it is stuck"};
    });
    auto tree = troupe::spawn(sys, spec);
    CHECK_FALSE(tree.startup());
    auto child = tree.child("plain");
    support::tell(child.actor(),
                  caf::exit_msg{caf::actor_addr{},
                                caf::exit_reason::user_shutdown});
    sys.run();
    REQUIRE(child.outcome());
    CHECK_THAT(to_string(*child.outcome()), ContainsSubstring("it is stuck"));
    CHECK(child.incarnation() == 2);
  }
}

TEST_CASE("S23 on_stopped follows no start that has failed") {
  auto calls = 0;
  testing_system sys;
  supervisor_spec spec{.name = "tree"};
  spec.add_actor(
    "plain", {},
    [](caf::actor_system&) -> task<caf::actor> {
      throw std::runtime_error{"nobody is there"};
      co_return caf::actor{};
    },
    [&calls](const caf::actor&) { ++calls; });
  auto tree = troupe::spawn(sys, spec);
  CHECK(tree.startup() == errc::start_failed);
  CHECK(calls == 0);
}
