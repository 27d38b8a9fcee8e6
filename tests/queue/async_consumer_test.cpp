// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/async_consumer.hpp"

#include "support/real_system.hpp"

#include "troupe/event.hpp"
#include "troupe/path.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
using troupe::outcome_kind;
using troupe::task;
using testing_system = troupe::testing::system;

namespace {

using lines = std::vector<std::string>;

/// Messages are strings: their type is what stands before the first space.
std::string first_word(const std::string& x) {
  return x.substr(0, x.find(' '));
}

class desk : public troupe::async_consumer<std::string> {
public:
  explicit desk(lines& log) : async_consumer(first_word), log_(log) {
    dispatcher().register_handler("order.slow",
                                  [this](const std::string& x) -> task<> {
                                    static_cast<void>(co_await sleep_for(1s));
                                    log_.push_back("slow " + x);
                                  });
    dispatcher().register_handler("order.quick", [this](const std::string& x) {
      log_.push_back("quick " + x);
    });
    dispatcher().register_handler("bad.fails", [this](const std::string&) {
      ++failures_;
      throw std::runtime_error{"no"};
    });
    dispatcher().register_handler("bad.slow", [this](std::string x) -> task<> {
      static_cast<void>(co_await sleep_for(1s));
      log_.push_back("slow " + x);
    });
  }

  [[nodiscard]] int failures() const {
    return failures_;
  }

  [[nodiscard]] std::uint64_t unhandled() {
    return dispatcher().unhandled();
  }

private:
  lines& log_;
  int failures_ = 0;
};

} // namespace

TEST_CASE("Q11 a consumer gives each message to every handler of its type") {
  lines log;
  testing_system sys;
  auto ref = troupe::spawn<desk>(sys, {}, log);
  ref.startup();
  ref.send("order 1");
  ref.send("order 2");
  sys.advance(1h);
  CHECK(ref.shutdown()->ok());
  // One message after another.
  CHECK(
    log
    == lines{"quick order 1", "slow order 1", "quick order 2", "slow order 2"});
  CHECK(ref.queue().handled == 2);
}

TEST_CASE("Q13 a message without a handler is handled, and counted") {
  lines log;
  testing_system sys;
  auto ref = troupe::spawn<desk>(sys, {}, log);
  ref.startup();
  ref.send("unheard of");
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(ref.queue().handled == 1);
  CHECK(ref.worker()->unhandled() == 1);
}

TEST_CASE("Q12 when a handler fails, the others finish, and then the worker "
          "fails") {
  lines log;
  testing_system sys;
  auto ref = troupe::spawn<desk>(sys, {}, log);
  ref.startup();
  ref.send("bad 1");
  auto how = ref.wait_for_shutdown();
  REQUIRE(how);
  CHECK(how->kind() == outcome_kind::failed);
  CHECK_THROWS_AS(how->rethrow(), std::runtime_error);
  CHECK(log == lines{"slow bad 1"});
}

TEST_CASE("Q12 a message on which a handler has failed may be skipped") {
  lines log;
  testing_system sys;
  auto ref = troupe::spawn<desk>(
    sys, {.queue = {.on_error = troupe::on_error::skip}}, log);
  ref.startup();
  ref.send("bad 1");
  ref.send("order 2");
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(log == lines{"slow bad 1", "quick order 2", "slow order 2"});
  CHECK(ref.queue().failed == 1);
  CHECK(ref.queue().handled == 1);
}

TEST_CASE("Q12 a retry calls all handlers again") {
  lines log;
  testing_system sys;
  auto ref = troupe::spawn<desk>(
    sys, {.queue = {.on_error = troupe::on_error::retry(2, {.initial = 1s})}},
    log);
  ref.startup();
  ref.send("bad 1");
  sys.advance(1h);
  CHECK(ref.queue().failed == 1);
  CHECK(log == lines{"slow bad 1", "slow bad 1", "slow bad 1"});
  ref.shutdown();
  CHECK(ref.worker()->failures() == 3);
}

TEST_CASE(
  "Q11 a consumer of a variant, with a dispatcher that was made before") {
  using message = std::variant<int32_t, std::string>;
  lines log;
  testing_system sys;
  troupe::async_dispatcher<message> handlers;
  handlers.register_handler<int32_t>(
    [&log](int32_t x) { log.push_back(std::to_string(x)); });
  handlers.register_handler<std::string>([&log](std::string x) -> task<> {
    log.push_back(x);
    co_return;
  });
  auto ref = troupe::spawn<troupe::async_consumer<message>>(
    sys, {.name = "consumer"}, std::move(handlers));
  ref.startup();
  ref.send(int32_t{7});
  ref.send(std::string{"seven"});
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(log == lines{"7", "seven"});
}

TEST_CASE("Q12 a force destroys the handlers where they wait") {
  lines log;
  testing_system sys;
  auto ref = troupe::spawn<desk>(sys, {}, log);
  ref.startup();
  ref.send("order 1");
  sys.run();
  ref.force_stop();
  CHECK(ref.wait_for_shutdown()->kind() == outcome_kind::forced);
  sys.advance(1h);
  CHECK(log == lines{"quick order 1"});
  CHECK(ref.queue().lost == 1);
}

// -- handlers from outside ----------------------------------------------------

TEST_CASE("Q17 what becomes of a message when handlers change") {
  struct row {
    const char* what;
    bool there_before; // when the message in flight begins
    bool there_after;
    lines guests_got;
  };
  const std::vector<row> table{
    {"added", false, true, {"order 2"}},
    {"removed", true, false, {"order 1"}},
    {"as it was", true, true, {"order 1", "order 2"}},
  };
  for (const auto& x : table) {
    INFO(x.what);
    lines log;
    lines got;
    testing_system sys;
    auto ref = troupe::spawn<desk>(sys, {}, log);
    auto add = [&] {
      CHECK(!desk::add_handler(ref, "order.guest", [&](const std::string& y) {
        got.push_back(y);
      }));
    };
    if (x.there_before)
      add();
    ref.startup();
    ref.send("order 1"); // takes a second
    ref.send("order 2"); // is queued meanwhile
    sys.run();
    if (x.there_after && !x.there_before)
      add();
    if (x.there_before && !x.there_after)
      CHECK(!desk::remove_handler(ref, "order.guest"));
    sys.advance(1h);
    CHECK(got == x.guests_got);
    CHECK(log
          == lines{"quick order 1", "slow order 1", "quick order 2",
                   "slow order 2"});
    CHECK(ref.shutdown()->ok());
  }
}

TEST_CASE("Q17 a handler that is removed ends what it has begun, and goes") {
  lines log;
  testing_system sys;
  troupe::event go_on;
  auto ref = troupe::spawn<desk>(sys, {}, log);
  ref.startup();
  std::weak_ptr<int> owned;
  {
    auto one = std::make_shared<int>(1);
    owned = one;
    CHECK(!desk::add_handler(ref, "news", [&, one](std::string x) -> task<> {
      co_await go_on;
      log.push_back(x + std::to_string(*one));
    }));
  }
  ref.send("news ");
  sys.run();
  CHECK(!desk::remove_handler(ref, "news"));
  CHECK_FALSE(owned.expired());
  go_on.set();
  sys.run();
  CHECK(log == lines{"news 1"});
  ref.send("news ");
  sys.run();
  CHECK(log.size() == 1);
  CHECK(owned.expired());
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("Q17 a handler from outside stays, and stands beside those inside") {
  lines log;
  testing_system sys;
  troupe::supervisor_spec spec{.name = "tree"};
  spec.add<desk>("desk", {}, std::ref(log));
  troupe::scoped_supervisor tree{sys, spec};
  auto ref = troupe::worker_at<desk>(sys, "/tree/desk");
  // The class has one of that name as well.
  CHECK(!desk::add_handler(ref, "order.quick", [&](const std::string& x) {
    log.push_back("guest " + x);
  }));
  ref.send("order 1");
  sys.advance(1s);
  CHECK(log == lines{"quick order 1", "guest order 1", "slow order 1"});
  ref.send("bad 2"); // the worker fails, and begins another life
  sys.advance(1s);
  log.clear();
  // Another one of that name takes its place.
  CHECK(!desk::add_handler(ref, "order.quick", [&](const std::string& x) {
    log.push_back("visitor " + x);
  }));
  ref.send("order 3");
  sys.advance(1s);
  CHECK(log == lines{"quick order 3", "visitor order 3", "slow order 3"});
}

TEST_CASE("Q17 a consumer of a variant takes handlers of its alternatives") {
  using message = std::variant<int32_t, std::string>;
  using consumer = troupe::async_consumer<message>;
  lines log;
  testing_system sys;
  auto ref = troupe::spawn<consumer>(sys, {.name = "consumer"});
  ref.startup();
  CHECK(!consumer::add_handler<int32_t>(ref, "plain", [&log](int32_t x) {
    log.push_back(std::to_string(x));
  }));
  ref.send(int32_t{7});
  sys.run();
  CHECK(consumer::remove_handler<std::string>(ref, "plain")
        == troupe::errc::not_found);
  CHECK(!consumer::remove_handler<int32_t>(ref, "plain"));
  ref.send(int32_t{8});
  sys.run();
  CHECK(log == lines{"7"});
  CHECK(ref.shutdown()->ok());
}

TEST_CASE("Q17 changes of handlers that mean nothing are refused") {
  lines log;
  testing_system sys;
  auto nothing = [](const std::string&) {};
  auto ref = troupe::spawn<desk>(sys, {.name = "desk"}, log);
  auto unknown = desk::remove_handler(ref, "order.quick");
  CHECK(unknown == troupe::errc::not_found);
  CHECK(troupe::text_of(unknown)
        == "worker \"desk\" (/desk) has no handler that was added as "
           "\"order.quick\"; those of its own class cannot be removed from "
           "outside");
  CHECK_THROWS_AS(desk::add_handler(ref, "a.b.c", nothing),
                  std::invalid_argument);
  CHECK_THROWS_AS(desk::add_handler(ref, "a",
                                    std::function<void(std::string)>{}),
                  std::invalid_argument);
  CHECK_THROWS_AS(desk::remove_handler(ref, "a.b.c"), std::invalid_argument);
  CHECK(desk::add_handler(troupe::worker_ref<desk>{}, "a", nothing)
        == troupe::errc::invalid_argument);
  // Before the start they are taken.
  CHECK(!desk::add_handler(ref, "a", nothing));
  ref.startup();
  ref.shutdown();
  CHECK(desk::add_handler(ref, "a", nothing) == troupe::errc::queue_closed);
  CHECK(desk::remove_handler(ref, "a") == troupe::errc::queue_closed);
}

TEST_CASE("Q17 handlers change from any thread while messages come") {
  support::real_system sys{2};
  lines log;
  auto ref = troupe::spawn<desk>(sys, {}, log);
  ref.startup();
  std::atomic<int> got = 0;
  std::atomic<int> refused = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&, name = "tick." + std::to_string(i)] {
      for (int j = 0; j < 200; ++j) {
        auto handler = [&, one = std::make_shared<int>(1)](const std::string&) {
          got += *one;
        };
        if (desk::add_handler(ref, name, std::move(handler)))
          ++refused;
        ref.send("tick");
        if (desk::remove_handler(ref, name))
          ++refused;
      }
    });
  threads.clear();
  CHECK(refused == 0);
  CHECK(!desk::add_handler(ref, "tick.last",
                           [&](const std::string&) { got = 1000; }));
  ref.send("tick");
  ref.drain();
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(got == 1000);
  CHECK(ref.queue().handled == 601);
}
