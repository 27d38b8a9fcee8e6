// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Who waits for an actor of another node. Here it is a local one, with which
// CAF deals in the same way; tests/io has real ones.

#include "system/ask_targets.hpp"

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"

#include <caf/actor_cast.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/sec.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

using Catch::Matchers::ContainsSubstring;
using support::real_system;
using troupe::detail::ask_targets;

namespace {

struct listener final : ask_targets::waiter {
  void target_lost(const caf::error& x) noexcept override {
    why = x;
    ++told;
    told.notify_all();
  }

  caf::error why;
  std::atomic<int> told{0};
};

/// An actor, and who waits for it.
struct stage {
  caf::actor spawn() {
    return sys->sys().spawn(
      [] { return caf::behavior{[](std::int32_t x) { return x; }}; });
  }

  void add(listener& x, const caf::actor& whom) {
    targets->add(x, *caf::actor_cast<caf::actor_control_block*>(whom),
                 ask_targets::known_by::attachable);
  }

  void end(const caf::actor& whom) {
    support::tell(whom, caf::exit_msg{whom.address(),
                                      caf::exit_reason::user_shutdown});
    caf::scoped_actor self{*sys};
    self->wait_for(whom);
  }

  /// How many attachables are left in actors: each holds it.
  long attached() const {
    return targets.use_count() - 1;
  }

  /// The same when the system, and so each actor that has ended, is gone.
  long left_over() {
    sys = nullptr;
    return attached();
  }

  std::unique_ptr<real_system> sys = std::make_unique<real_system>();
  std::shared_ptr<ask_targets> targets = std::make_shared<ask_targets>();
};

} // namespace

TEST_CASE("A5 all who wait for an actor of another node are told of its end") {
  stage here;
  auto whom = here.spawn();
  listener one;
  listener two;
  here.add(one, whom);
  here.add(two, whom);
  CHECK(here.attached() == 1);
  here.end(whom);
  one.told.wait(0);
  two.told.wait(0);
  CHECK(one.why == caf::sec::request_receiver_down);
  CHECK_THAT(to_string(two.why), ContainsSubstring("another node"));
  here.targets->remove(one);
  here.targets->remove(two);
  CHECK(one.told == 1);
  // One that comes too late is told at once.
  listener late;
  here.add(late, whom);
  CHECK(late.told == 1);
  here.targets->remove(late);
  CHECK(here.left_over() == 0);
}

TEST_CASE("A5 a wait that ends leaves nothing with an actor of another node") {
  stage here;
  auto whom = here.spawn();
  listener one;
  listener two;
  for (int i = 0; i < 100; ++i) {
    here.add(one, whom);
    here.add(two, whom);
    here.targets->remove(one);
    CHECK(here.attached() == 1);
    here.targets->remove(two);
    CHECK(here.attached() == 0);
  }
  here.end(whom);
  CHECK(one.told == 0);
  CHECK(two.told == 0);
}

TEST_CASE("A5 who waits for one actor is not told of another one") {
  stage here;
  auto whom = here.spawn();
  auto other = here.spawn();
  listener one;
  listener two;
  here.add(one, whom);
  here.add(two, other);
  here.end(other);
  two.told.wait(0);
  CHECK(one.told == 0);
  here.targets->remove(one);
  here.targets->remove(two);
  here.end(whom);
  CHECK(here.left_over() == 0);
}

TEST_CASE("A5 waits that come and go while the actor ends") {
  stage here;
  std::atomic<int> wrong{0};
  for (int round = 0; round < 20; ++round) {
    auto whom = here.spawn();
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i)
      threads.emplace_back([&here, &whom, &wrong] {
        listener kept;
        here.add(kept, whom);
        for (int k = 0; k < 100; ++k) {
          listener brief;
          here.add(brief, whom);
          here.targets->remove(brief);
        }
        kept.told.wait(0);
        here.targets->remove(kept);
        wrong += kept.told != 1;
      });
    here.end(whom);
  }
  CHECK(wrong == 0);
  CHECK(here.left_over() == 0);
}
