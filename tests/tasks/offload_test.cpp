// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/offload.hpp"

#include "troupe/task.hpp"
#include "troupe/when.hpp"

#include "support/counted.hpp"
#include "support/gate.hpp"
#include "support/loop_strand.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::detail;
using testing::counted;
using testing::gate;
using testing::loop_strand;

namespace {

// Returns when a stop is asked for.
void await_stop(std::stop_token stop) {
  std::promise<void> asked;
  std::stop_callback on_stop{stop, [&asked] { asked.set_value(); }};
  asked.get_future().wait();
}

struct fixture {
  fixture() {
    counted::reset();
  }

  ~fixture() {
    fibers.clear();
    strand.join();
    CHECK(strand.refs == 0);
    CHECK(counted::alive() == 0);
    CHECK(counted::mistakes() == 0);
  }

  template <class T>
  fiber& start(task<T> body, completion<T>& result) {
    fibers.push_back(std::make_unique<fiber>(strand));
    fibers.back()->start(std::move(body), [out = &result](completion<T> how) {
      *out = std::move(how);
    });
    return *fibers.back();
  }

  // Runs a task to its end.
  template <class T>
  completion<T> run(task<T> body) {
    completion<T> result;
    auto& f = start(std::move(body), result);
    strand.run_until([&f] { return !f.active(); });
    return result;
  }

  loop_strand strand;
  std::vector<std::unique_ptr<fiber>> fibers;
};

} // namespace

TEST_CASE_METHOD(fixture, "A6 offload runs a function on another thread") {
  auto body = []() -> task<std::thread::id> {
    co_return co_await offload([] { return std::this_thread::get_id(); });
  };
  CHECK(run(body()).take() != std::this_thread::get_id());
}

TEST_CASE_METHOD(fixture, "A6 the coroutine goes on on its own thread") {
  auto body = []() -> task<std::thread::id> {
    co_await offload([] {});
    co_return std::this_thread::get_id();
  };
  CHECK(run(body()).take() == std::this_thread::get_id());
}

TEST_CASE_METHOD(fixture, "A6 what the function throws comes out") {
  auto body = []() -> task<int> {
    co_await offload([] { throw std::string{"no"}; });
    co_return 1;
  };
  auto result = run(body());
  CHECK_THROWS_AS(result.take(), std::string);
}

TEST_CASE_METHOD(fixture, "A6 a function may be movable only, and its result") {
  auto body = []() -> task<int> {
    auto f = [p = std::make_unique<int>(4)]() mutable { return std::move(p); };
    auto x = co_await offload(std::move(f));
    co_return *x;
  };
  CHECK(run(body()).take() == 4);
}

TEST_CASE_METHOD(fixture, "A6 a function may return a reference") {
  int x = 0;
  auto body = [&x]() -> task<int*> {
    auto& y = co_await offload([&x]() -> int& { return x; });
    co_return &y;
  };
  CHECK(run(body()).take() == &x);
}

TEST_CASE_METHOD(fixture,
                 "A6 the function is gone when the coroutine goes on") {
  auto body = []() -> task<std::size_t> {
    std::optional<counted> x{std::in_place};
    auto f = [y = *x] { y.check(); };
    x.reset();
    co_await offload(std::move(f));
    co_return counted::alive();
  };
  // The closure that was moved from is still there, and nothing else.
  CHECK(run(body()).take() == 1);
}

TEST_CASE_METHOD(fixture, "A6 the result is destroyed on the strand's thread") {
  struct noted {
    explicit noted(std::thread::id& out) : out_(&out) {
      // nop
    }
    noted(noted&& other) noexcept : out_(std::exchange(other.out_, nullptr)) {
      // nop
    }
    ~noted() {
      if (out_ != nullptr)
        *out_ = std::this_thread::get_id();
    }
    std::thread::id* out_;
  };
  std::thread::id where;
  completion<void> result;
  auto body = [&where]() -> task<> {
    auto x = co_await offload([&where] { return noted{where}; });
    (void) x;
  };
  auto& f = start(body(), result);
  bool gone = f.cancel();
  CHECK_FALSE(gone);
  strand.run_until([&f] { return !f.active(); });
  CHECK(where == std::this_thread::get_id());
}

TEST_CASE_METHOD(fixture, "A6 a stop sets the function's token") {
  auto body = []() -> task<bool> {
    co_return co_await offload([](std::stop_token stop) {
      await_stop(stop);
      return stop.stop_requested();
    });
  };
  completion<bool> result;
  auto& f = start(body(), result);
  CHECK(f.in_flight() == 1);
  f.request_stop();
  strand.run_until([&f] { return !f.active(); });
  CHECK(result.take());
  CHECK(f.in_flight() == 0);
}

TEST_CASE_METHOD(fixture, "A6 a function that begins after the stop sees it") {
  gate g;
  auto body = [&g]() -> task<bool> {
    co_await g;
    co_return co_await offload(
      [](std::stop_token stop) { return stop.stop_requested(); });
  };
  completion<bool> result;
  auto& f = start(body(), result);
  f.request_stop();
  g.open();
  strand.run_until([&f] { return !f.active(); });
  CHECK(result.take());
}

TEST_CASE_METHOD(fixture,
                 "A6 a stop does not interrupt a function without one") {
  std::promise<int> value;
  auto body = [&value]() -> task<int> {
    co_return co_await offload([&value] { return value.get_future().get(); });
  };
  completion<int> result;
  auto& f = start(body(), result);
  f.request_stop();
  strand.run();
  CHECK(f.active());
  value.set_value(3);
  strand.run_until([&f] { return !f.active(); });
  CHECK(result.take() == 3);
}

TEST_CASE_METHOD(fixture, "A6 a frame lives until the function has returned") {
  std::promise<void> let_go;
  std::atomic<bool> returned = false;
  struct fragile {
    std::atomic<bool>& returned;
    ~fragile() {
      CHECK(returned);
    }
  };
  auto body = [&]() -> task<> {
    fragile x{returned};
    counted y;
    auto f = [&](std::stop_token stop) {
      await_stop(stop);
      let_go.get_future().wait();
      y.check();
      returned = true;
    };
    co_await offload(std::move(f));
    FAIL("it was cancelled");
  };
  completion<void> result;
  auto& f = start(body(), result);
  bool gone = false;
  CHECK_FALSE(f.cancel([out = &gone](fiber&) { *out = true; }));
  strand.run();
  CHECK(f.in_flight() == 1);
  CHECK_FALSE(gone);
  let_go.set_value();
  strand.run_until([&gone] { return gone; });
  CHECK_FALSE(f.active());
}

TEST_CASE_METHOD(fixture,
                 "A6 a fiber destroyed meanwhile lets go of the call") {
  std::promise<void> let_go;
  auto body = [&]() -> task<> {
    counted x;
    auto f = [&let_go, y = x] {
      let_go.get_future().wait();
      y.check();
      return y;
    };
    (void) co_await offload(std::move(f));
  };
  completion<void> result;
  start(body(), result);
  fibers.clear();
  CHECK(counted::alive() == 1); // the function's own
  let_go.set_value();
  strand.join();
  CHECK(strand.run() == 0);
}

TEST_CASE_METHOD(fixture, "A6 no thread to be had is an exception") {
  strand.refuse_threads = true;
  auto body = []() -> task<int> {
    counted x;
    auto f = [x] { return x; };
    auto y = co_await offload(std::move(f));
    co_return y.value;
  };
  auto result = run(body());
  CHECK_THROWS_AS(result.take(), std::runtime_error);
  CHECK_FALSE(strand.has_ready());
}

TEST_CASE_METHOD(fixture,
                 "A6 a function that is never called is an exception") {
  strand.drop_functions = true;
  auto body = []() -> task<int> {
    counted x;
    auto f = [x] { return x; };
    auto y = co_await offload(std::move(f));
    co_return y.value;
  };
  auto result = run(body());
  CHECK_THROWS_AS(result.take(), std::runtime_error);
}

// GCC 12 and temporaries that own memory: what has a name is safe, and so is a
// function that captures nothing, or references.
TEST_CASE_METHOD(fixture, "A6 the function may own memory") {
  auto body = []() -> task<std::string> {
    std::string text = "a text that is too long to fit into the string itself";
    auto f = [text] { return text + "!"; };
    auto x = co_await offload(f);
    auto y = co_await offload(std::move(f));
    auto z = co_await offload([&y] { return y.substr(0, 6); });
    co_return x == y ? z : x;
  };
  CHECK(run(body()).take() == "a text");
}

TEST_CASE_METHOD(fixture, "A6 a loser of when_any is stopped and waited for") {
  gate g;
  std::atomic<bool> returned = false;
  auto body = [&]() -> task<std::size_t> {
    auto f = [&](std::stop_token stop) {
      await_stop(stop);
      returned = true;
    };
    const auto first = co_await when_any(offload(std::move(f)), g);
    CHECK(returned);
    co_return first.index;
  };
  completion<std::size_t> result;
  auto& f = start(body(), result);
  CHECK(f.in_flight() == 1);
  g.open();
  strand.run_until([&f] { return !f.active(); });
  CHECK(result.take() == 1);
}

TEST_CASE_METHOD(fixture, "A6 the token reaches the parts of a group") {
  auto body = []() -> task<int> {
    auto f = [](std::stop_token stop) {
      await_stop(stop);
      return 1;
    };
    std::vector<offload_awaitable<decltype(f)>> calls;
    for (int i = 0; i < 4; ++i)
      calls.push_back(offload(f));
    int sum = 0;
    for (auto x : co_await when_all(std::move(calls)))
      sum += x;
    co_return sum;
  };
  completion<int> result;
  auto& f = start(body(), result);
  CHECK(f.in_flight() == 4);
  f.request_stop();
  strand.run_until([&f] { return !f.active(); });
  CHECK(result.take() == 4);
}

TEST_CASE_METHOD(fixture, "A6 offloads that end while they are cancelled") {
  for (int i = 0; i < 200; ++i) {
    completion<int> result;
    auto body = [i]() -> task<int> {
      counted x{i};
      auto f = [x](std::stop_token stop) {
        return stop.stop_requested() ? 0 : x.value;
      };
      const auto y = co_await offload(f);
      const auto z = co_await offload(std::move(f));
      co_return y + z;
    };
    auto& f = start(body(), result);
    if (i % 3 == 0)
      std::this_thread::yield();
    if (i % 2 == 0)
      strand.run();
    bool gone = false;
    if (!f.cancel([out = &gone](fiber&) { *out = true; }))
      strand.run_until([&gone] { return gone; });
    CHECK_FALSE(f.active());
    fibers.clear();
    strand.join();
  }
}

// -- calls that wait for a thread ------------------------------------------------

TEST_CASE_METHOD(fixture, "A6 a coroutine that is destroyed takes back a call "
                          "that has not begun") {
  strand.keep_queued = true;
  bool called = false;
  auto body = [&called]() -> task<> {
    counted x;
    auto f = [&called, x] { called = true; };
    co_await offload(std::move(f));
    FAIL("it was cancelled");
  };
  completion<void> result;
  auto& f = start(body(), result);
  CHECK(f.in_flight() == 1);
  CHECK(f.cancel());
  CHECK_FALSE(f.active());
  CHECK(counted::alive() == 0);
  CHECK(strand.queued.empty());
  CHECK(strand.refs == 0);
  CHECK(strand.run() == 0);
  CHECK_FALSE(called);
}

TEST_CASE_METHOD(fixture,
                 "A6 a fiber destroyed meanwhile takes its call back") {
  strand.keep_queued = true;
  auto body = []() -> task<> {
    counted x;
    auto f = [x] { return x; };
    (void) co_await offload(std::move(f));
  };
  completion<void> result;
  start(body(), result);
  fibers.clear();
  CHECK(strand.queued.empty());
  CHECK(counted::alive() == 0);
}

TEST_CASE_METHOD(fixture, "A6 a stop sets the token of a call that waits, and "
                          "it is called all the same") {
  strand.keep_queued = true;
  auto body = []() -> task<bool> {
    co_return co_await offload(
      [](std::stop_token stop) { return stop.stop_requested(); });
  };
  completion<bool> result;
  auto& f = start(body(), result);
  f.request_stop();
  CHECK(f.active());
  REQUIRE(strand.queued.size() == 1);
  strand.queued.front()->run();
  strand.queued.clear();
  strand.run();
  CHECK_FALSE(f.active());
  CHECK(result.take());
}

TEST_CASE_METHOD(fixture, "A6 a loser of when_any that waits for a thread is "
                          "taken back") {
  strand.keep_queued = true;
  gate g;
  auto body = [&g]() -> task<std::size_t> {
    auto either = when_any(offload([] {}), g);
    const auto first = co_await std::move(either);
    co_return first.index;
  };
  completion<std::size_t> result;
  auto& f = start(body(), result);
  g.open();
  strand.run();
  CHECK_FALSE(f.active());
  CHECK(result.take() == 1);
  CHECK(strand.queued.empty());
}

TEST_CASE_METHOD(fixture,
                 "A6 of many parts, those that wait go at once and the "
                 "one that runs is waited for") {
  strand.keep_queued = true;
  std::vector<int> calls;
  auto body = [&calls]() -> task<> {
    auto f = [&calls](std::stop_token stop) {
      calls.push_back(stop.stop_requested() ? 1 : 0);
    };
    std::vector<offload_awaitable<decltype(f)>> all;
    for (int i = 0; i < 10; ++i)
      all.push_back(offload(f));
    auto parts = when_all(std::move(all));
    co_await std::move(parts);
  };
  completion<void> result;
  auto& f = start(body(), result);
  CHECK(f.in_flight() == 10);
  REQUIRE(strand.queued.size() == 10);
  // One has left the queue, and is about to begin.
  auto begun = std::move(strand.queued[3]);
  strand.queued.erase(strand.queued.begin() + 3);
  bool gone = false;
  CHECK_FALSE(f.cancel([out = &gone](fiber&) { *out = true; }));
  CHECK(strand.queued.empty());
  CHECK(f.in_flight() == 1);
  begun->run();
  begun.reset();
  strand.run();
  CHECK(gone);
  CHECK(calls == std::vector{1});
}
