// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// What plain CAF actors can do with a worker's actor: the messages of the
// protocol. Exits and monitors: exit_test.cpp.

#include "troupe/type_ids.hpp"

#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "support/scripted.hpp"

#include "troupe/status.hpp"
#include "troupe/testing.hpp"

#include <caf/expected.hpp>
#include <caf/scoped_actor.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <semaphore>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

using Catch::Matchers::ContainsSubstring;
using support::journal;
using support::lines;
using support::script;
using support::scripted;
using troupe::errc;
using troupe::outcome_kind;
using troupe::shutdown_atom_v;
using troupe::start_atom_v;
using troupe::status_atom_v;
using troupe::stop_atom_v;
using troupe::worker_phase;
using troupe::worker_state;
using troupe::worker_status;
using testing_system = troupe::testing::system;

namespace {

/// Sends a request from a plain CAF actor and returns the reply.
template <class R, class T>
caf::expected<R> ask(testing_system& sys, const caf::actor& whom, T what) {
  caf::scoped_actor self{sys.sys()};
  auto response = support::request(self, whom, 1h, what);
  sys.await_mail(self);
  caf::expected<R> result{caf::error{}};
  if constexpr (std::is_void_v<R>)
    std::move(response).receive([&] { result = caf::expected<R>{}; },
                                [&](caf::error& err) { result = err; });
  else
    std::move(response).receive([&](R& x) { result = std::move(x); },
                                [&](caf::error& err) { result = err; });
  return result;
}

template <class R, class T>
caf::error error_of(testing_system& sys, const caf::actor& whom, T what) {
  auto reply = ask<R>(sys, whom, what);
  return reply ? caf::error{} : reply.error();
}

} // namespace

// -- start_atom ----------------------------------------------------------------------

TEST_CASE("L5 start_atom starts a worker and is answered when it is ready") {
  journal log;
  testing_system sys;
  script what;
  what.on_startup = support::sleeping(2s);
  auto ref = support::spawn(sys, log, {}, what);
  auto begin = sys.now();
  CHECK(ask<void>(sys, ref.actor(), start_atom_v));
  CHECK(sys.now() - begin == 2s);
  CHECK(ref.phase() == worker_phase::ready);
  ref.shutdown();
}

TEST_CASE("L5 start_atom is answered with the error of a failed start") {
  journal log;
  testing_system sys;
  script what;
  what.on_startup = [](scripted& self) -> troupe::task<> {
    static_cast<void>(co_await self.sleep_for(1s));
    throw std::runtime_error("no disk");
  };
  auto ref = support::spawn(sys, log, {}, what);
  auto err = error_of<void>(sys, ref.actor(), start_atom_v);
  CHECK(err == errc::start_failed);
  CHECK_THAT(troupe::text_of(err), ContainsSubstring("no disk"));
}

TEST_CASE("L7 a second start_atom is refused at once") {
  journal log;
  testing_system sys;
  script what;
  what.on_startup = support::sleeping(2s);
  auto ref = support::spawn(sys, log, {.name = "once"}, what);
  support::tell(ref.actor(), start_atom_v);
  auto begin = sys.now();
  auto err = error_of<void>(sys, ref.actor(), start_atom_v);
  CHECK(err == errc::already_started);
  CHECK_THAT(troupe::text_of(err),
             ContainsSubstring("\"once\"") && ContainsSubstring("running"));
  CHECK(sys.now() == begin);
  CHECK(ref.startup() == errc::already_started);
  sys.advance(2s);
  CHECK(log.lines() == lines{"on_startup", "run"});
  ref.shutdown();
}

// -- stop_atom -------------------------------------------------------------------------

TEST_CASE("L9 stop_atom asks for a stop and is answered at once") {
  journal log;
  testing_system sys;
  script what;
  what.on_shutdown = support::sleeping(3s);
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  auto begin = sys.now();
  CHECK(ask<void>(sys, ref.actor(), stop_atom_v));
  CHECK(sys.now() == begin);
  CHECK(ref.state() == worker_state::stopping);
  CHECK(ask<void>(sys, ref.actor(), stop_atom_v));
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(sys.now() - begin == 3s);
}

TEST_CASE("L9 stop_atom has no effect in init") {
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  CHECK(ask<void>(sys, ref.actor(), stop_atom_v));
  CHECK(ref.state() == worker_state::init);
  CHECK_FALSE(ref.startup());
  ref.shutdown();
}

TEST_CASE("L9 stop_atom overtakes a backlog") {
  journal log;
  testing_system sys;
  int handled = 0;
  script what;
  what.handlers = [&](scripted&) -> troupe::message_handlers {
    return {[&handled](int32_t) { ++handled; }};
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  auto hdl = ref.actor();
  for (int32_t i = 0; i < 10'000; ++i)
    support::tell(hdl, i);
  support::tell(hdl, stop_atom_v);
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(handled < 1'000);
}

// -- shutdown_atom ----------------------------------------------------------------------

TEST_CASE("L15 shutdown_atom stops and is answered with the outcome") {
  journal log;
  testing_system sys;
  script what;
  auto kind = outcome_kind::normal;
  auto took = 3s;
  SECTION("normal") {
    what.on_shutdown = support::sleeping(3s);
  }
  SECTION("failed") {
    kind = outcome_kind::failed;
    what.run = [](scripted& self) -> troupe::task<> {
      co_await self.stop_requested();
      static_cast<void>(co_await self.sleep_for(0s));
      static_cast<void>(co_await self.sleep_for(3s));
      throw std::runtime_error("boom");
    };
  }
  SECTION("forced") {
    kind = outcome_kind::forced;
    took = 10s;
    what.run = support::stubborn();
  }
  auto ref = support::spawn(sys, log, {}, what);
  ref.startup();
  auto begin = sys.now();
  auto how = ask<troupe::outcome>(sys, ref.actor(), shutdown_atom_v);
  REQUIRE(how);
  CHECK(how->kind() == kind);
  CHECK(to_string(how->reason()) == to_string(ref.outcome()->reason()));
  CHECK(sys.now() - begin == took);
  CHECK(log.lines().back() == "after_shutdown");
}

TEST_CASE("L15 shutdown_atom in init is refused and has no effect") {
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  CHECK(error_of<troupe::outcome>(sys, ref.actor(), shutdown_atom_v)
        == errc::not_started);
  CHECK(ref.state() == worker_state::init);
}

TEST_CASE("L15 shutdown_atom without a sender is a stop") {
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  ref.startup();
  support::tell(ref.actor(), shutdown_atom_v);
  CHECK(ref.state() == worker_state::stopping);
  CHECK(ref.wait_for_shutdown()->ok());
}

TEST_CASE("L22 the protocol is answered after the end as well") {
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  ref.startup();
  auto hdl = ref.actor();
  ref.shutdown();
  sys.run();
  CHECK(error_of<void>(sys, hdl, start_atom_v) == errc::already_started);
  CHECK(ask<void>(sys, hdl, stop_atom_v));
  auto how = ask<troupe::outcome>(sys, hdl, shutdown_atom_v);
  REQUIRE(how);
  CHECK(how->ok());
  auto status = ask<worker_status>(sys, hdl, status_atom_v);
  REQUIRE(status);
  CHECK(status->ended);
  CHECK(status->state == worker_state::stopped);
}

// -- status_atom --------------------------------------------------------------------------

TEST_CASE("L22 status_atom is answered in every phase") {
  journal log;
  testing_system sys;
  script what;
  what.on_startup = support::sleeping(1s);
  what.run = [](scripted& self) -> troupe::task<> {
    auto token = self.hold();
    co_await self.stop_requested();
    static_cast<void>(co_await self.sleep_for(0s));
    static_cast<void>(co_await self.sleep_for(1s));
  };
  what.on_shutdown = support::sleeping(1s);
  auto ref = support::spawn(sys, log, {.name = "w"}, what);
  auto status = [&] {
    auto reply = ask<worker_status>(sys, ref.actor(), status_atom_v);
    REQUIRE(reply);
    return *reply;
  };
  auto x = status();
  CHECK(x.name == "w");
  CHECK(x.path == "/w");
  CHECK(x.state == worker_state::init);
  CHECK(x.phase == worker_phase::created);
  CHECK(x.incarnation == 1);
  CHECK(x.uptime == 0s);
  CHECK(x.holds == 0);
  CHECK_FALSE(x.ended);
  ref.start();
  sys.run();
  x = status();
  CHECK(x.state == worker_state::running);
  CHECK(x.phase == worker_phase::starting);
  sys.advance(5s);
  x = status();
  CHECK(x.phase == worker_phase::ready);
  CHECK(x.uptime == 5s);
  CHECK(x.holds == 1);
  ref.gracefully_stop();
  sys.run();
  x = status();
  CHECK(x.state == worker_state::stopping);
  CHECK(x.phase == worker_phase::draining);
  sys.advance(1s);
  x = status();
  CHECK(x.state == worker_state::stopping);
  CHECK(x.phase == worker_phase::cleaning_up);
  CHECK(x.holds == 0);
  CHECK(ref.wait_for_shutdown()->ok());
}

TEST_CASE("L22 status_atom and stop_atom reach a worker whose actor is stuck") {
  journal log;
  std::binary_semaphore stuck{0};
  std::binary_semaphore go_on{0};
  support::real_system sys{1};
  script what;
  what.run = [&](scripted& self) -> troupe::task<> {
    stuck.release();
    go_on.acquire();
    co_await self.stop_requested();
  };
  auto ref = support::spawn(sys, log, {}, what);
  ref.start();
  stuck.acquire();
  caf::scoped_actor self{sys.sys()};
  support::request(self, ref.actor(), 1h, status_atom_v)
    .receive([](worker_status& x) { CHECK(x.phase == worker_phase::ready); },
             [](caf::error& err) { FAIL(to_string(err)); });
  support::request(self, ref.actor(), 1h, stop_atom_v)
    .receive([] {}, [](caf::error& err) { FAIL(to_string(err)); });
  CHECK(ref.state() == worker_state::stopping);
  go_on.release();
  CHECK(ref.wait_for_shutdown()->ok());
}

TEST_CASE("L23 an error that is sent as a message does not end a worker") {
  journal log;
  testing_system sys;
  auto ref = support::spawn(sys, log, {}, {});
  ref.startup();
  support::tell(ref.actor(), caf::make_error(caf::sec::runtime_error));
  sys.run();
  CHECK(ref.state() == worker_state::running);
  CHECK(ref.shutdown()->ok());
}
