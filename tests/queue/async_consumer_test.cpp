// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/async_consumer.hpp"

#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
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
