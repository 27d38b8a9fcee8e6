// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Functions of the user's that throw where nobody could catch it.

#include "support/accounts.hpp"
#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "troupe/call_later.hpp"
#include "troupe/event_log.hpp"
#include "troupe/events.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker_pool.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/type_id.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// A message that cannot be copied when it says so, and perhaps not moved.
struct brittle {
  brittle() = default;

  explicit brittle(int32_t x) : what(x) {
    // nop
  }

  brittle(const brittle& other) : what(other.what) {
    if (what < 0)
      throw std::runtime_error("no copy");
  }

  brittle(brittle&& other) : what(other.what) {
    if (move_fails)
      throw std::runtime_error("no move");
  }

  brittle& operator=(const brittle&) = default;

  int32_t what = 0;

  static inline bool move_fails = false;

  template <class Inspector>
  friend bool inspect(Inspector& f, brittle& x) {
    return f.object(x).fields(f.field("what", x.what));
  }
};

CAF_BEGIN_TYPE_ID_BLOCK(user_functions, caf::first_custom_type_id)
  CAF_ADD_TYPE_ID(user_functions, (brittle))
CAF_END_TYPE_ID_BLOCK(user_functions)

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using support::scene;
using support::scene_consumer;
using support::settled;
using troupe::dead_letter;
using troupe::dead_letter_reason;
using troupe::errc;
using troupe::outcome_kind;
using troupe::task;

namespace {

struct known_types {
  known_types() {
    static const bool once = [] {
      caf::init_global_meta_objects<caf::id_block::user_functions>();
      return true;
    }();
    static_cast<void>(once);
  }
};

class testing_system : known_types, public troupe::testing::system {};

class real_system : known_types, public support::real_system {};

/// Handles numbers.
class clerk : public troupe::queue_consumer<int32_t> {
public:
  task<> run() override {
    while (auto m = co_await get_message())
      static_cast<void>(m);
  }
};

/// A pool that finds no key for numbers below zero.
troupe::pool_ref<clerk> keyed_pool(caf::actor_system& sys) {
  troupe::worker_pool<clerk> spec{{.name = "clerks", .size = 2}};
  spec.key([](int32_t x) {
    if (x < 0)
      throw std::runtime_error("no key");
    return x;
  });
  auto result = troupe::spawn(sys, spec);
  result.startup();
  return result;
}

/// Collects dead letters; any thread.
class letters {
public:
  auto function() {
    return [this](const dead_letter& x) {
      {
        std::unique_lock guard{mtx_};
        all_.push_back(x);
      }
      come_.release();
    };
  }

  /// Waits for one.
  dead_letter next() {
    come_.acquire();
    std::unique_lock guard{mtx_};
    auto result = std::move(all_.front());
    all_.erase(all_.begin());
    return result;
  }

private:
  std::mutex mtx_;
  std::counting_semaphore<> come_{0};
  std::vector<dead_letter> all_;
};

/// What a plain request to `whom` is answered with.
template <class T>
caf::error answer_of(testing_system& sys, const caf::actor& whom, T what) {
  caf::error result;
  caf::scoped_actor self{sys.sys()};
  auto asked = support::request(self, whom, troupe::infinite, std::move(what));
  sys.await_mail(self);
  std::move(asked).receive([] {}, [&](caf::error& x) { result = x; });
  return result;
}

} // namespace

TEST_CASE("F1 a key function that throws does so to who sends with troupe") {
  testing_system sys;
  auto pool = keyed_pool(sys);
  CHECK_THROWS_AS(static_cast<void>(pool.send(-1)), std::runtime_error);
  auto sender = troupe::spawn<scene>(sys, {}, [pool](scene& w) -> task<> {
    auto sending = w.send_to(pool, -1);
    static_cast<void>(co_await std::move(sending));
  });
  sender.startup();
  CHECK(sender.wait_for_shutdown()->kind() == outcome_kind::failed);
  CHECK(pool.queue().sent == 0);
  pool.shutdown();
}

TEST_CASE("F1 a plain message whose key is not found is a dead letter") {
  testing_system sys;
  auto pool = keyed_pool(sys);
  letters dead;
  auto sub = troupe::on_dead_letter(sys, dead.function());
  support::tell(pool.actor(), int32_t{-6});
  sys.run();
  auto x = dead.next();
  CHECK(x.reason == dead_letter_reason::failed);
  CHECK(x.path == "/clerks");
  CHECK(troupe::text_of(x.thrown) == "no key");
  CHECK(x.message.get_as<int32_t>(0) == -6);
  auto refused = answer_of(sys, pool.actor(), int32_t{-5});
  CHECK(refused == errc::invalid_argument);
  CHECK_THAT(troupe::text_of(refused),
             ContainsSubstring("/clerks") && ContainsSubstring("no key"));
  CHECK(!answer_of(sys, pool.actor(), int32_t{5}));
  pool.drain();
  CHECK(pool.wait_for_shutdown()->ok());
  CHECK(pool.queue().sent == 3);
  CHECK(pool.queue().failed == 2);
  CHECK(settled(pool.queue()));
}

TEST_CASE("F1 a message whose key is not found ends no actor and no thread") {
  letters dead;
  real_system sys;
  auto pool = keyed_pool(sys);
  auto sub = troupe::on_dead_letter(sys, dead.function());
  // From an actor, and from the thread of CAF's clock.
  auto sender
    = sys.sys().spawn([to = pool.actor()](caf::event_based_actor* self) {
        support::tell_from(self, to, int32_t{-1});
        support::tell_after(self, 1ms, to, int32_t{-2});
      });
  CHECK(dead.next().message.get_as<int32_t>(0) == -1);
  CHECK(dead.next().message.get_as<int32_t>(0) == -2);
  CHECK(pool.state() == troupe::worker_state::running);
  sub.cancel();
  pool.shutdown();
}

TEST_CASE("F2 a message that does not let itself be copied is a dead letter") {
  testing_system sys;
  letters dead;
  auto sub = troupe::on_dead_letter(sys, dead.function());
  caf::actor actor;
  auto shared = caf::make_message(brittle{-3}); // others have it, too
  std::string path;
  SECTION("in a queue") {
    auto ref = troupe::spawn<scene_consumer<brittle>>(
      sys, {.name = "one"}, [](auto& w) -> task<> {
        while (auto m = co_await w.get_message())
          static_cast<void>(m);
      });
    ref.startup();
    support::tell(ref.actor(), shared);
    auto refused = answer_of(sys, ref.actor(), shared);
    CHECK(refused == errc::invalid_argument);
    CHECK_THAT(troupe::text_of(refused), ContainsSubstring("no copy"));
    CHECK(ref.state() == troupe::worker_state::running);
    ref.shutdown();
    CHECK(ref.queue().failed == 2);
    CHECK(settled(ref.queue()));
  }
  SECTION("in a pool") {
    troupe::worker_pool<scene_consumer<brittle>> spec{
      {.name = "one", .size = 2}, [](auto& w) -> task<> {
        while (auto m = co_await w.get_message())
          static_cast<void>(m);
      }};
    auto ref = troupe::spawn(sys, spec);
    ref.startup();
    support::tell(ref.actor(), shared);
    CHECK(answer_of(sys, ref.actor(), shared) == errc::invalid_argument);
    ref.shutdown();
    CHECK(ref.queue().failed == 2);
    CHECK(settled(ref.queue()));
  }
  auto x = dead.next();
  CHECK(x.path == "/one");
  CHECK(troupe::text_of(x.thrown) == "no copy");
  CHECK(x.message.get_as<brittle>(0).what == -3);
}

TEST_CASE("F2 a worker that gets a message it cannot copy fails") {
  testing_system sys;
  auto sub = troupe::on_dead_letter(sys, [](const dead_letter&) {});
  auto ref
    = troupe::spawn<scene_consumer<brittle>>(sys, {}, [](auto& w) -> task<> {
        while (auto m = co_await w.get_message())
          static_cast<void>(m);
      });
  ref.startup();
  ref.send(brittle{-3});
  auto how = ref.wait_for_shutdown();
  CHECK(how->kind() == outcome_kind::failed);
  CHECK_THAT(troupe::text_of(how->reason()), ContainsSubstring("no copy"));
  CHECK(ref.queue().lost == 1);
  CHECK(settled(ref.queue()));
}

TEST_CASE("F3 a dead letter that cannot be moved goes without its message") {
  testing_system sys;
  letters dead;
  auto sub = troupe::on_dead_letter(sys, dead.function());
  auto ref = troupe::spawn<scene_consumer<brittle>>(
    sys, {}, [](auto&) -> task<> { co_return; });
  ref.send(brittle{3});
  brittle::move_fails = true;
  ref.start();
  ref.shutdown();
  sys.run();
  brittle::move_fails = false;
  auto x = dead.next();
  CHECK(x.reason == dead_letter_reason::discarded);
  CHECK(x.message.empty());
  CHECK(troupe::text_of(x.thrown) == "no move");
}

TEST_CASE("F5 a listener that throws is called again") {
  testing_system sys;
  int events = 0;
  int dead = 0;
  auto listening = troupe::on_event(sys, [&](const troupe::lifecycle_event&) {
    ++events;
    throw 1;
  });
  auto burying = troupe::on_dead_letter(sys, [&](const dead_letter&) {
    ++dead;
    throw std::runtime_error("not today");
  });
  auto ref = troupe::spawn<clerk>(sys);
  ref.startup();
  ref.shutdown();
  ref.send(1);
  ref.send(2);
  sys.run();
  CHECK(events >= 4); // started, ready, stopping, stopped
  CHECK(dead == 2);
}

TEST_CASE("F6 a later call that throws ends nothing") {
  testing_system sys;
  std::atomic<int> calls = 0; // two threads, at the same time
  for (int i = 0; i < 2; ++i)
    troupe::call_later(sys, 1s, [&] {
      ++calls;
      throw std::runtime_error("not today");
    });
  sys.advance(2s);
  CHECK(calls == 2);
}

namespace {

/// Fails wherever it is told to.
class clumsy : public troupe::queue_worker<int32_t> {
public:
  clumsy() : queue_worker([](int32_t) { throw std::runtime_error("never"); }) {
    // nop
  }

  troupe::status_fields describe() override {
    throw std::runtime_error("no words");
  }

  void after_shutdown(const troupe::outcome&) override {
    throw std::runtime_error("no end");
  }

protected:
  troupe::on_error policy_for(const int32_t&, const std::exception_ptr&,
                              int) override {
    throw std::runtime_error("no policy");
  }
};

} // namespace

TEST_CASE("F8 F9 F10 describe(), policy_for() and after_shutdown() throw") {
  testing_system sys;
  auto ref = troupe::spawn<clumsy>(sys);
  ref.startup();
  CHECK(ref.status_tree(1s).fields
        == troupe::status_fields{{"describe() failed", "no words"}});
  ref.send(1);
  auto how = ref.wait_for_shutdown();
  CHECK(how->kind() == outcome_kind::failed);
  CHECK_THAT(troupe::text_of(how->reason()), ContainsSubstring("no policy"));
  CHECK(ref.queue().lost == 1);
  CHECK(settled(ref.queue()));
}

TEST_CASE("F7 what makes a child throws") {
  testing_system sys;
  troupe::supervisor_spec spec{.name = "tree",
                               .strategy = troupe::strategy::dynamic};
  troupe::scoped_supervisor tree{sys, std::move(spec)};
  auto made = tree.ref().start_child(troupe::child_made_by<clerk>(
    "one", {}, []() -> std::unique_ptr<clerk> { throw 7; }));
  CHECK(made.get().error == errc::start_failed);
  auto spawned = tree.ref().start_child(troupe::child_actor(
    "two", {}, []() -> caf::actor { throw std::runtime_error("no actor"); }));
  CHECK(spawned.get().error == errc::start_failed);
  CHECK(tree.ref().state() == troupe::worker_state::running);
}

TEST_CASE("F11 F12 what is called for somebody who waits throws to it") {
  testing_system sys;
  auto ref = troupe::spawn<scene>(sys, {}, [](scene& w) -> task<> {
    auto call = w.offload([]() -> int { throw std::runtime_error("no time"); });
    co_await std::move(call);
  });
  troupe::event_log log{sys};
  ref.startup();
  auto how = ref.wait_for_shutdown();
  CHECK_THAT(troupe::text_of(how->reason()), ContainsSubstring("no time"));
  CHECK_THROWS_AS(log.wait_for([](const auto&) -> bool { throw 3; }), int);
  CHECK(log.wait_for(troupe::event_kind::failed, ref.path()));
}
