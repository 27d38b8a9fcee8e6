// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/spawn.hpp"

#include "support/real_system.hpp"
#include "support/scripted.hpp"

#include "troupe/queue_worker.hpp"
#include "troupe/supervisor_spec.hpp"
#include "troupe/testing.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/type_id.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

/// A message whose id block nobody gives to CAF.
struct forgotten_letter {
  int number = 0;

  template <class Inspector>
  friend bool inspect(Inspector& f, forgotten_letter& x) {
    return f.object(x).fields(f.field("number", x.number));
  }
};

CAF_BEGIN_TYPE_ID_BLOCK(forgotten, caf::first_custom_type_id)
  CAF_ADD_TYPE_ID(forgotten, (forgotten_letter))
CAF_END_TYPE_ID_BLOCK(forgotten)

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using support::journal;
using support::lines;
using support::script;
using support::scripted;
using troupe::worker_phase;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

class HTTPServer : public troupe::worker {
public:
  explicit HTTPServer(int at = 80) : port(at) {
    // nop
  }

  troupe::task<> run() override {
    co_await stop_requested();
  }

  int port;
};

template <class T>
class echo_worker : public troupe::worker {
public:
  troupe::task<> run() override {
    co_return;
  }
};

/// Its constructor fails.
class unborn : public troupe::worker {
public:
  explicit unborn(bool standard) {
    if (standard)
      throw std::runtime_error("no such port");
    throw 42;
  }

  troupe::task<> run() override {
    co_return;
  }
};

class owner : public troupe::worker {
public:
  explicit owner(std::unique_ptr<int> x)
    : value(std::move(x)), made_on(std::this_thread::get_id()) {
    // nop
  }

  troupe::task<> run() override {
    ran_on = std::this_thread::get_id();
    co_return;
  }

  std::unique_ptr<int> value;
  std::thread::id made_on;
  std::thread::id ran_on;
};

class collector : public troupe::queue_consumer<int32_t> {
public:
  troupe::task<> run() override {
    while (auto x = co_await get_message())
      got.push_back(*x);
  }

  std::vector<int32_t> got;
};

std::string complaint(caf::actor_system& sys, troupe::worker_options options) {
  try {
    static_cast<void>(troupe::spawn<HTTPServer>(sys, std::move(options)));
  } catch (const std::invalid_argument& x) {
    return x.what();
  }
  return {};
}

} // namespace

// -- L1: spawn -----------------------------------------------------------------

TEST_CASE("L1 a spawned worker is in init and nothing of it runs") {
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  sys.advance(1h);
  CHECK(ref.state() == worker_state::init);
  CHECK(ref.phase() == worker_phase::created);
  CHECK_FALSE(ref.outcome());
  CHECK(ref.worker() == nullptr);
  CHECK(log.lines().empty());
  ref.startup();
  CHECK(log.lines() == lines{"on_startup", "run"});
  ref.shutdown();
}

TEST_CASE("L1 the constructor runs in spawn, on the caller's thread, and takes "
          "what can only be moved") {
  support::real_system sys;
  auto ref = troupe::spawn<owner>(sys, {}, std::make_unique<int>(7));
  ref.startup();
  REQUIRE(ref.wait_for_shutdown());
  REQUIRE(ref.worker() != nullptr);
  CHECK(*ref.worker()->value == 7);
  CHECK(ref.worker()->made_on == std::this_thread::get_id());
  CHECK(ref.worker()->ran_on != std::this_thread::get_id());
}

TEST_CASE("L1 what the constructor throws reaches the caller") {
  testing_system sys;
  CHECK_THROWS_AS(troupe::spawn<unborn>(sys, {}, true), std::runtime_error);
  CHECK_THROWS_AS(troupe::spawn<unborn>(sys, {}, false), int);
  // Nothing is left of it.
  CHECK(sys.run() == 0);
}

TEST_CASE("L1 messages to a worker in init are kept") {
  testing_system sys;
  auto ref = troupe::spawn<collector>(sys);
  CHECK(ref.send(1));
  CHECK(ref.send(2));
  sys.run();
  CHECK(ref.state() == worker_state::init);
  CHECK(ref.queue_size() == 2);
  ref.startup();
  CHECK(ref.send(3));
  ref.drain();
  REQUIRE(ref.wait_for_shutdown());
  CHECK(ref.worker()->got == std::vector<int32_t>{1, 2, 3});
}

TEST_CASE("L1 a worker is spawned from inside an actor as well") {
  testing_system sys;
  troupe::worker_ref<HTTPServer> ref;
  sys.sys().spawn([&ref](caf::event_based_actor* self) {
    ref = troupe::spawn<HTTPServer>(self, {.name = "inner"}, 8080);
  });
  sys.run();
  REQUIRE(ref);
  CHECK(ref.name() == "inner");
  CHECK_FALSE(ref.startup());
  ref.shutdown();
  CHECK(ref.worker()->port == 8080);
}

// -- L2: names -----------------------------------------------------------------

TEST_CASE("L2 a worker is called what it was given, else its class in "
          "snake_case") {
  testing_system sys;
  auto given = troupe::spawn<HTTPServer>(sys, {.name = "Front Door"});
  CHECK(given.name() == "Front Door");
  CHECK(given.path() == "/Front Door");
  auto plain = troupe::spawn<HTTPServer>(sys);
  CHECK(plain.name() == "http_server");
  CHECK(plain.path() == "/http_server");
  CHECK(troupe::spawn<echo_worker<std::vector<int>>>(sys).name()
        == "echo_worker");
}

TEST_CASE("L2 a worker knows its own name and path") {
  journal log;
  testing_system sys;
  script what;
  what.run = [](scripted& self) -> troupe::task<> {
    self.log().note(self.name());
    self.log().note(self.path());
    co_return;
  };
  auto ref = support::spawn(sys, log, {.name = "me"}, what);
  ref.startup();
  CHECK(log.has("me"));
  CHECK(log.has("/me"));
}

TEST_CASE("L2 a name with a slash is refused") {
  testing_system sys;
  CHECK_THAT(complaint(sys, {.name = "a/b"}), ContainsSubstring("a/b"));
}

// -- L3: the grace period --------------------------------------------------------

TEST_CASE("L3 the grace period is 10 s unless an option says otherwise") {
  journal log;
  testing_system sys;
  script what;
  what.run = support::stubborn();
  auto measure = [&](troupe::worker_options options) {
    auto ref = support::spawn(sys, log, std::move(options), what);
    ref.startup();
    auto begin = sys.now();
    auto how = ref.shutdown();
    REQUIRE(how);
    CHECK(how->kind() == troupe::outcome_kind::forced);
    return sys.now() - begin;
  };
  CHECK(measure({}) == 10s);
  CHECK(measure({.stopping_grace_period = 3s}) == 3s);
  CHECK(measure({.stopping_grace_period = 5h}) == 5h);
}

TEST_CASE("L3 a negative duration is an error that names worker and field") {
  testing_system sys;
  auto grace = complaint(sys, {.name = "w", .stopping_grace_period = -1ns});
  CHECK_THAT(grace, ContainsSubstring("\"w\"")
                      && ContainsSubstring("stopping_grace_period"));
  CHECK_THAT(complaint(sys, {.start_timeout = -1s}),
             ContainsSubstring("\"http_server\"")
               && ContainsSubstring("start_timeout"));
  CHECK_THAT(complaint(sys, {.cleanup_period = -1s}),
             ContainsSubstring("cleanup_period"));
  CHECK_THAT(complaint(sys, {.force_period = -1s}),
             ContainsSubstring("force_period"));
  CHECK(complaint(sys, {.stopping_grace_period = 0s,
                        .start_timeout = 0s,
                        .cleanup_period = 0s,
                        .force_period = 0s})
          .empty());
}

TEST_CASE("L1 a type of messages whose id block is missing is an error") {
  const auto says = ContainsSubstring("CAF does not know the message type "
                                      "forgotten_letter: the id block");
  testing_system sys;
  SECTION("in a queue") {
    using worker = troupe::queue_worker<forgotten_letter>;
    CHECK_THROWS_MATCHES(troupe::spawn<worker>(sys, {},
                                               [](const forgotten_letter&) {}),
                         std::logic_error, MessageMatches(says));
  }
  SECTION("in a queue of several types") {
    using letter = std::variant<int, forgotten_letter>;
    using worker = troupe::queue_worker<letter>;
    CHECK_THROWS_MATCHES(troupe::spawn<worker>(sys, {}, [](const letter&) {}),
                         std::logic_error, MessageMatches(says));
  }
  SECTION("in the queue of a child") {
    troupe::supervisor_spec spec{.name = "tree"};
    spec.add<troupe::queue_worker<forgotten_letter>>(
      "post", {}, [](const forgotten_letter&) {});
    CHECK_THAT(check(spec),
               says
                 && ContainsSubstring("supervisor \"tree\": child \"post\""));
  }
  SECTION("of a handler") {
    journal log;
    script what;
    what.handlers = [](scripted&) {
      return troupe::message_handlers{[](const forgotten_letter&) {}};
    };
    auto ref = support::spawn(sys, log, {.name = "w"}, what);
    CHECK_THAT(text_of(ref.startup()), says);
  }
}

namespace {

/// Has members that are called like hooks, or nearly, and are none.
class odd_names : public HTTPServer {
public:
  int handlers = 0;

  void on_start(int) {
    // nop
  }

  troupe::task<> on_startup() override {
    return on_ready();
  }

protected:
  virtual troupe::task<> on_ready() {
    co_return;
  }
};

} // namespace

TEST_CASE("L8 members of one's own that are called like hooks compile") {
  testing_system sys;
  auto ref = troupe::spawn<odd_names>(sys);
  CHECK_FALSE(ref.startup());
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("L3 a fraction of a second is given by to_timespan") {
  const troupe::worker_options options{
    .stopping_grace_period = troupe::to_timespan(0.5s), .start_timeout = 2s};
  CHECK(options.stopping_grace_period == 500ms);
  CHECK(options.start_timeout == 2s);
}
