// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/call_later.hpp"

#include "support/real_system.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"
#include "troupe/worker.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using troupe::call_later;
using troupe::task;
using troupe::worker_state;
using testing_system = troupe::testing::system;

namespace {

class patient : public troupe::worker {
public:
  task<> run() override {
    co_await stop_requested();
  }
};

} // namespace

TEST_CASE("call_later calls its function when the time has come") {
  testing_system sys;
  std::atomic<int> calls = 0;
  call_later(sys, 10min, [&] { ++calls; });
  sys.advance(9min);
  CHECK(calls == 0);
  sys.advance(1min);
  CHECK(calls == 1);
  sys.advance(1h);
  CHECK(calls == 1);
}

TEST_CASE("call_later with no or negative delay calls at once, but not inside "
          "of the call") {
  support::real_system sys;
  for (auto delay :
       {troupe::timespan{0}, troupe::timespan{-1h}, troupe::timespan::min()}) {
    auto called = std::make_shared<std::promise<std::thread::id>>();
    call_later(sys, delay,
               [called] { called->set_value(std::this_thread::get_id()); });
    CHECK(called->get_future().get() != std::this_thread::get_id());
  }
}

TEST_CASE(
  "call_later calls on a thread that may block, and may be called there") {
  std::promise<bool> stopped;
  support::real_system sys;
  auto ref = troupe::spawn<patient>(sys);
  ref.startup();
  call_later(sys, 1ms, [&stopped, &sys, ref] {
    call_later(sys, 1ms, [ref] { ref.gracefully_stop(); });
    auto how = ref.wait_for_shutdown();
    stopped.set_value(how && how->ok());
  });
  CHECK(stopped.get_future().get());
}

TEST_CASE("call_later in virtual time stops a worker") {
  testing_system sys;
  auto ref = troupe::spawn<patient>(sys);
  ref.startup();
  auto begin = sys.now();
  call_later(sys, 5s, [=] { ref.gracefully_stop(); });
  CHECK(ref.wait_for_shutdown()->ok());
  CHECK(sys.now() - begin == 5s);
}

TEST_CASE("call_later can be taken back, once and before the call") {
  testing_system sys;
  std::atomic<int> calls = 0;
  auto owned = std::make_shared<int>(1);
  auto first = call_later(sys, 5s, [&, owned] { calls += *owned; });
  auto second = call_later(sys, 5s, [&] { ++calls; });
  CHECK(owned.use_count() == 2);
  CHECK(first.cancel());
  CHECK_FALSE(first.cancel());
  sys.advance(10s);
  CHECK(calls == 1);
  CHECK_FALSE(second.cancel());
  CHECK_FALSE(troupe::delayed_call{}.cancel());
  first = troupe::delayed_call{};
  CHECK(owned.use_count() == 1);
}

TEST_CASE("call_later survives what its function throws") {
  testing_system sys;
  std::atomic<int> calls = 0;
  call_later(sys, 1s, [] { throw std::runtime_error("for the log"); });
  call_later(sys, 1s, [] { throw 42; });
  call_later(sys, 2s, [&] { ++calls; });
  sys.advance(3s);
  CHECK(calls == 1);
}

TEST_CASE("call_later is dropped with its actor system") {
  std::atomic<int> calls = 0;
  auto owned = std::make_shared<int>(1);
  troupe::delayed_call pending;
  {
    support::real_system sys;
    pending = call_later(sys, 1h, [&, owned] { calls += *owned; });
  }
  CHECK(calls == 0);
  CHECK_FALSE(pending.cancel());
  pending = troupe::delayed_call{};
  CHECK(owned.use_count() == 1);
}

TEST_CASE(
  "call_later: a call that has begun is waited for when the actor system "
  "goes") {
  std::promise<void> begun;
  std::atomic<bool> done = false;
  {
    support::real_system sys;
    call_later(sys, 0s, [&] {
      begun.set_value();
      std::this_thread::yield();
      done = true;
    });
    begun.get_future().wait();
  }
  CHECK(done);
}
