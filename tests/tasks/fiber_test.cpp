// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/fiber.hpp"

#include "troupe/task.hpp"
#include "troupe/yield.hpp"

#include "support/counted.hpp"
#include "support/gate.hpp"
#include "support/loop_strand.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::detail;
using testing::counted;
using testing::errand;
using testing::gate;
using testing::loop_strand;

namespace {

task<int> pass(gate& g) {
  counted x;
  co_return co_await g;
}

task<> pass_forever(gate& g) {
  counted x;
  for (;;)
    co_await g;
}

task<bool> send(errand& e) {
  counted x;
  co_return co_await e;
}

void check_all_gone() {
  CHECK(counted::alive() == 0);
  CHECK(counted::mistakes() == 0);
}

} // namespace

// -- sizes --------------------------------------------------------------------

TEST_CASE("a worker's share of all this is small") {
  CHECK(sizeof(wait) <= 32);
  CHECK(sizeof(fiber) <= 48);
  CHECK(sizeof(strand) <= 32);
  CHECK(sizeof(task_promise<void>) <= 32);
}

// -- start and end ------------------------------------------------------------

TEST_CASE("a fiber runs until it suspends for the first time") {
  loop_strand strand;
  gate g;
  fiber f{strand};
  int result = 0;
  CHECK_FALSE(f.active());
  f.start(pass(g), [out = &result](completion<int> x) { *out = x.take(); });
  CHECK(f.active());
  CHECK_FALSE(f.running());
  CHECK(g.waiting.size() == 1);
  CHECK(strand.run() == 0);
  g.open();
  CHECK(result == 0);
  CHECK(strand.run() == 1);
  CHECK(result == 1);
  CHECK_FALSE(f.active());
}

TEST_CASE("a fiber that does not suspend is done when start returns") {
  loop_strand strand;
  fiber f{strand};
  bool done = false;
  auto body = []() -> task<> { co_return; };
  f.start(body(), [out = &done](completion<void> x) { *out = x.has_value(); });
  CHECK(done);
  CHECK_FALSE(f.active());
}

TEST_CASE("the frames are gone when on_done is called") {
  counted::reset();
  loop_strand strand;
  fiber f{strand};
  std::size_t alive = 100;
  auto body = [](counted) -> task<> {
    counted y;
    co_return;
  };
  auto x = body(counted{});
  CHECK(counted::alive() == 1);
  f.start(std::move(x),
          [out = &alive](completion<void>) { *out = counted::alive(); });
  CHECK(alive == 0);
  check_all_gone();
}

TEST_CASE("a fiber knows that it is running") {
  loop_strand strand;
  fiber f{strand};
  bool running = false;
  auto body = [&]() -> task<> {
    running = f.running();
    co_return;
  };
  f.start(body(), [](completion<void>) {});
  CHECK(running);
}

TEST_CASE("on_done may destroy the fiber") {
  loop_strand strand;
  gate g;
  struct owner {
    std::optional<fiber> f;
    int result = 0;
  } x;
  x.f.emplace(strand);
  x.f->start(pass(g), [self = &x](completion<int> how) {
    self->result = how.take();
    self->f.reset();
  });
  g.open();
  strand.run();
  CHECK(x.result == 1);
  CHECK_FALSE(x.f);
}

TEST_CASE("on_done may start the fiber anew") {
  loop_strand strand;
  gate g;
  struct owner {
    fiber f;
    gate& g;
    int rounds = 0;
    void start() {
      f.start(pass(g), [this](completion<int>) {
        if (++rounds < 3)
          start();
      });
    }
  } x{fiber{strand}, g};
  x.start();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(x.f.active());
    g.open();
    strand.run();
  }
  CHECK(x.rounds == 3);
  CHECK_FALSE(x.f.active());
}

TEST_CASE("a fiber started by another one runs at once") {
  loop_strand strand;
  gate g;
  fiber inner{strand};
  auto body = [&]() -> task<> {
    inner.start(pass(g), [](completion<int>) {});
    CHECK(g.waiting.size() == 1);
    co_return;
  };
  fiber outer{strand};
  bool done = false;
  outer.start(body(), [out = &done](completion<void>) { *out = true; });
  CHECK(done);
  CHECK(inner.active());
  g.open();
  strand.run();
  CHECK_FALSE(inner.active());
}

// -- cancel -------------------------------------------------------------------

TEST_CASE("cancelling a fiber that waits destroys its frames at once") {
  counted::reset();
  loop_strand strand;
  gate g;
  fiber f{strand};
  f.start(pass(g), [](completion<int>) { FAIL("it was cancelled"); });
  CHECK(counted::alive() == 1);
  CHECK(f.cancel([](fiber&) { FAIL("it was gone at once"); }));
  CHECK_FALSE(f.active());
  CHECK(g.waiting.empty());
  check_all_gone();
}

TEST_CASE("cancelling a fiber that is not active does nothing") {
  loop_strand strand;
  fiber f{strand};
  CHECK(f.cancel([](fiber&) { FAIL("nothing was there"); }));
}

TEST_CASE("a cancelled fiber can be started again") {
  loop_strand strand;
  gate g;
  fiber f{strand};
  f.start(pass(g), [](completion<int>) { FAIL("it was cancelled"); });
  CHECK(f.cancel());
  CHECK(f.stop_requested());
  int result = 0;
  f.start(pass(g), [out = &result](completion<int> x) { *out = x.take(); });
  CHECK_FALSE(f.stop_requested());
  g.open();
  strand.run();
  CHECK(result == 1);
}

TEST_CASE("cancelling takes a wait that was posted from the list") {
  loop_strand strand;
  gate g;
  fiber f{strand};
  f.start(pass(g), [](completion<int>) { FAIL("it was cancelled"); });
  g.open();
  CHECK(strand.has_ready());
  CHECK(f.cancel());
  CHECK_FALSE(strand.has_ready());
  CHECK(strand.run() == 0);
  CHECK(g.passed == 0);
}

TEST_CASE("destroying a fiber destroys its frames") {
  counted::reset();
  loop_strand strand;
  gate g;
  {
    fiber f{strand};
    f.start(pass(g), [](completion<int>) { FAIL("it was destroyed"); });
    g.open();
  }
  CHECK(strand.run() == 0);
  CHECK(g.waiting.empty());
  check_all_gone();
}

TEST_CASE("a coroutine that cancels its own fiber runs until it suspends") {
  counted::reset();
  loop_strand strand;
  gate g;
  fiber f{strand};
  bool at_once = true;
  bool went_on = false;
  bool gone = false;
  auto inner = [&]() -> task<> {
    counted x;
    at_once = f.cancel([out = &gone](fiber&) { *out = true; });
    went_on = true;
    x.check();
    co_await g;
    FAIL("it was cancelled");
  };
  auto outer = [&]() -> task<> {
    counted x;
    co_await inner();
  };
  SECTION("in start") {
    f.start(outer(), [](completion<void>) { FAIL("it was cancelled"); });
  }
  SECTION("in run_ready") {
    auto body = [&]() -> task<> {
      co_await yield();
      co_await outer();
    };
    f.start(body(), [](completion<void>) { FAIL("it was cancelled"); });
    strand.run();
  }
  CHECK_FALSE(at_once);
  CHECK(went_on);
  CHECK(gone);
  CHECK_FALSE(f.active());
  CHECK(g.waiting.empty());
  check_all_gone();
}

TEST_CASE("a coroutine that cancels its own fiber and ends is gone, not done") {
  counted::reset();
  loop_strand strand;
  bool gone = false;
  {
    fiber f{strand};
    auto body = [&]() -> task<counted> {
      f.cancel([out = &gone](fiber&) { *out = true; });
      co_return counted{};
    };
    f.start(body(), [](completion<counted>) { FAIL("it was cancelled"); });
    CHECK(gone);
  }
  check_all_gone();
}

TEST_CASE("a destructor that cancels the fiber at its end is in time") {
  loop_strand strand;
  fiber f{strand};
  bool gone = false;
  bool at_once = true;
  struct meddler {
    explicit meddler(std::function<void()> x) : on_end(std::move(x)) {
      // nop
    }
    meddler(meddler&& other) noexcept
      : on_end(std::exchange(other.on_end, nullptr)) {
      // nop
    }
    ~meddler() {
      if (on_end)
        on_end();
    }
    std::function<void()> on_end;
  };
  auto body = [](meddler) -> task<> { co_return; };
  auto x = body(meddler{
    [&] { at_once = f.cancel([out = &gone](fiber&) { *out = true; }); }});
  f.start(std::move(x), [](completion<void>) { FAIL("it was cancelled"); });
  CHECK_FALSE(at_once);
  CHECK(gone);
  CHECK_FALSE(f.active());
}

TEST_CASE("a coroutine that cancels its own fiber starts no other one") {
  loop_strand strand;
  fiber f{strand};
  auto other = []() -> task<> {
    FAIL("it was cancelled");
    co_return;
  };
  auto body = [&]() -> task<> {
    f.cancel();
    co_await other();
  };
  f.start(body(), [](completion<void>) { FAIL("it was cancelled"); });
  CHECK_FALSE(f.active());
}

TEST_CASE("on_gone may destroy the fiber") {
  loop_strand strand;
  struct owner {
    std::optional<fiber> f;
    bool gone = false;
  } x;
  x.f.emplace(strand);
  auto body = [&x]() -> task<> {
    x.f->cancel([self = &x](fiber&) {
      self->gone = true;
      self->f.reset();
    });
    co_return;
  };
  x.f->start(body(), [](completion<void>) { FAIL("it was cancelled"); });
  CHECK(x.gone);
  CHECK_FALSE(x.f);
}

TEST_CASE("cancelling twice is the same as once") {
  loop_strand strand;
  errand e;
  fiber f{strand};
  int gone = 0;
  f.start(send(e), [](completion<bool>) { FAIL("it was cancelled"); });
  CHECK_FALSE(f.cancel([out = &gone](fiber&) { ++*out; }));
  CHECK_FALSE(f.cancel([out = &gone](fiber&) { *out += 100; }));
  CHECK(f.cancelled());
  e.bring_back();
  strand.run();
  CHECK(gone == 1);
  CHECK_FALSE(f.cancelled());
  CHECK(f.cancel());
}

TEST_CASE("a destructor in a frame may cancel the fiber it belongs to") {
  loop_strand strand;
  gate g;
  fiber f{strand};
  struct meddler {
    fiber& f;
    ~meddler() {
      f.cancel();
      f.request_stop();
      CHECK(f.in_flight() == 0);
    }
  };
  auto body = [&]() -> task<> {
    meddler x{f};
    co_await g;
  };
  f.start(body(), [](completion<void>) { FAIL("it was cancelled"); });
  CHECK(f.cancel());
  CHECK_FALSE(f.active());
}

TEST_CASE("a coroutine may cancel another fiber") {
  counted::reset();
  loop_strand strand;
  gate g;
  fiber victim{strand};
  victim.start(pass(g), [](completion<int>) { FAIL("it was cancelled"); });
  fiber f{strand};
  auto body = [&]() -> task<> {
    CHECK(victim.cancel());
    co_return;
  };
  f.start(body(), [](completion<void>) {});
  check_all_gone();
}

// -- joined waits -------------------------------------------------------------

TEST_CASE("what uses the frame is asked to stop and waited for") {
  counted::reset();
  loop_strand strand;
  errand e;
  fiber f{strand};
  bool gone = false;
  f.start(send(e), [](completion<bool>) { FAIL("it was cancelled"); });
  CHECK(f.in_flight() == 1);
  CHECK_FALSE(e.out[0]->stop);
  CHECK_FALSE(f.cancel([out = &gone](fiber&) { *out = true; }));
  CHECK(e.out[0]->stop);
  CHECK(f.active());
  CHECK(f.in_flight() == 1);
  CHECK(counted::alive() == 1);
  strand.run();
  CHECK_FALSE(gone);
  e.bring_back();
  CHECK_FALSE(gone);
  strand.run();
  CHECK(gone);
  CHECK(f.in_flight() == 0);
  CHECK(e.violations == 0);
  check_all_gone();
}

TEST_CASE("a stop request reaches what is in flight and what comes later") {
  loop_strand strand;
  errand e;
  gate g;
  fiber f{strand};
  std::string result;
  auto body = [&]() -> task<> {
    const auto first = co_await e;
    co_await g;
    const auto second = co_await e;
    result += first ? 'y' : 'n';
    result += second ? 'y' : 'n';
  };
  auto check = [&](bool in_flight) {
    f.start(body(), [](completion<void>) {});
    if (in_flight)
      f.request_stop();
    e.bring_back();
    strand.run();
    if (!in_flight)
      f.request_stop();
    g.open();
    strand.run();
    e.bring_back();
    strand.run();
    CHECK_FALSE(f.active());
    return std::exchange(result, "");
  };
  CHECK(check(true) == "yy");
  CHECK(check(false) == "ny");
}

TEST_CASE("a fiber cancelled after its errand has come back does not go on") {
  counted::reset();
  loop_strand strand;
  errand e;
  fiber f{strand};
  bool gone = false;
  f.start(send(e), [](completion<bool>) { FAIL("it was cancelled"); });
  e.bring_back();
  // The strand has not seen it yet.
  CHECK_FALSE(f.cancel([out = &gone](fiber&) { *out = true; }));
  strand.run();
  CHECK(gone);
  check_all_gone();
}

// -- the strand ---------------------------------------------------------------

TEST_CASE("waits go on in the order in which they were posted") {
  loop_strand strand;
  gate g;
  std::string order;
  auto body = [&](char name) -> task<> {
    co_await g;
    order += name;
  };
  std::vector<std::unique_ptr<fiber>> fibers;
  for (auto name : {'a', 'b', 'c', 'd'}) {
    fibers.push_back(std::make_unique<fiber>(strand));
    fibers.back()->start(body(name), [](completion<void>) {});
  }
  g.open(2);
  g.open(0);
  CHECK(strand.run_ready(1) == 1);
  g.open(1);
  g.open(0);
  strand.run();
  CHECK(order == "cadb");
}

TEST_CASE("an idle strand is woken once") {
  loop_strand strand;
  gate g;
  std::vector<std::unique_ptr<fiber>> fibers;
  for (int i = 0; i < 4; ++i) {
    fibers.push_back(std::make_unique<fiber>(strand));
    fibers.back()->start(pass_forever(g), [](completion<void>) {});
  }
  CHECK(strand.wakes() == 0);
  g.open();
  CHECK(strand.wakes() == 1);
  g.open();
  CHECK(strand.wakes() == 1);
  // Scheduled as long as something is left.
  CHECK(strand.run_ready(1) == 1);
  CHECK(strand.has_ready());
  g.open();
  CHECK(strand.wakes() == 1);
  CHECK(strand.run_ready(100) == 2);
  CHECK_FALSE(strand.has_ready());
  g.open();
  CHECK(strand.wakes() == 2);
}

TEST_CASE("a strand whose last ready coroutine was destroyed is idle") {
  loop_strand strand;
  gate g;
  fiber first{strand};
  fiber second{strand};
  first.start(pass(g), [](completion<int>) { FAIL("it was cancelled"); });
  second.start(pass(g), [](completion<int>) {});
  g.open();
  CHECK(strand.wakes() == 1);
  CHECK(first.cancel());
  CHECK_FALSE(strand.has_ready());
  // Nobody calls run_ready() here, and yet the next one is not forgotten.
  g.open();
  CHECK(strand.wakes() == 2);
  strand.run();
  CHECK_FALSE(second.active());
}

TEST_CASE("a coroutine destroyed by another one leaves no wake behind") {
  loop_strand strand;
  gate g;
  fiber victim{strand};
  victim.start(pass(g), [](completion<int>) { FAIL("it was cancelled"); });
  fiber f{strand};
  auto body = [&]() -> task<> {
    co_await g;
    g.open();
    victim.cancel();
    co_await yield();
  };
  f.start(body(), [](completion<void>) {});
  g.open(1);
  CHECK(strand.wakes() == 1);
  strand.run();
  CHECK_FALSE(f.active());
  CHECK_FALSE(strand.has_ready());
  CHECK(strand.wakes() == 1);
}

TEST_CASE("what is posted while the strand runs needs no wake") {
  loop_strand strand;
  fiber f{strand};
  auto body = []() -> task<> {
    for (int i = 0; i < 10; ++i)
      co_await yield();
  };
  f.start(body(), [](completion<void>) {});
  CHECK(strand.wakes() == 1);
  strand.run();
  CHECK_FALSE(f.active());
  CHECK(strand.wakes() == 1);
}

TEST_CASE("run_ready resumes no more than it is told") {
  loop_strand strand;
  gate g;
  std::vector<std::unique_ptr<fiber>> fibers;
  for (int i = 0; i < 10; ++i) {
    fibers.push_back(std::make_unique<fiber>(strand));
    fibers.back()->start(pass(g), [](completion<int>) {});
  }
  while (!g.waiting.empty())
    g.open();
  CHECK(strand.run_ready(0) == 0);
  CHECK(strand.run_ready(3) == 3);
  CHECK(g.passed == 3);
  CHECK(strand.run_ready(100) == 7);
  CHECK(strand.run_ready(100) == 0);
}

TEST_CASE("the first of several posts counts") {
  loop_strand strand;
  fiber f{strand};
  int resumed = 0;
  struct twice {
    wait w;
    std::vector<bool>& answers;
    bool await_ready() {
      return false;
    }
    void await_suspend(std::coroutine_handle<task_promise<void>> h) {
      w.begin(h.promise());
      answers.push_back(w.waiting());
      answers.push_back(w.post());
      answers.push_back(w.post());
      answers.push_back(w.waiting());
    }
    void await_resume() {
      answers.push_back(w.post());
    }
  };
  std::vector<bool> answers;
  auto body = [&]() -> task<> {
    twice x{{}, answers};
    co_await x;
    ++resumed;
    co_await x;
    ++resumed;
  };
  f.start(body(), [](completion<void>) {});
  strand.run();
  CHECK(resumed == 2);
  const std::vector<bool> round{true, true, false, false, false};
  auto expected = round;
  expected.insert(expected.end(), round.begin(), round.end());
  CHECK(answers == expected);
}

TEST_CASE("an awaiter that has nothing to wait for takes its wait back") {
  loop_strand strand;
  fiber f{strand};
  struct awaiter {
    wait w;
    bool post_first;
    bool await_ready() {
      return false;
    }
    bool await_suspend(std::coroutine_handle<task_promise<void>> h) {
      w.begin(h.promise());
      if (post_first)
        w.post();
      w.withdraw();
      return false;
    }
    void await_resume() {
      // nop
    }
  };
  bool done = false;
  auto body = [&]() -> task<> {
    awaiter x{{}, false};
    co_await x;
    awaiter y{{}, true};
    co_await y;
    co_await yield();
    done = true;
  };
  f.start(body(), [](completion<void>) {});
  CHECK(strand.run() == 1);
  CHECK(done);
}

TEST_CASE(
  "an awaiter whose await_suspend throws does not leave a wait behind") {
  loop_strand strand;
  fiber f{strand};
  struct awaiter {
    wait w;
    bool await_ready() {
      return false;
    }
    void await_suspend(std::coroutine_handle<task_promise<void>> h) {
      w.begin(h.promise());
      throw std::runtime_error("no");
    }
    void await_resume() {
      // nop
    }
  };
  int caught = 0;
  auto body = [&]() -> task<> {
    try {
      awaiter x;
      co_await x;
    } catch (const std::runtime_error&) {
      ++caught;
    }
    co_await yield();
    ++caught;
  };
  f.start(body(), [](completion<void>) {});
  strand.run();
  CHECK(caught == 2);
}

// -- A10 ----------------------------------------------------------------------

TEST_CASE("A10 yield lets others run first") {
  loop_strand strand;
  std::string order;
  auto body = [&](char name) -> task<> {
    for (int i = 0; i < 3; ++i) {
      order += name;
      co_await yield();
    }
  };
  fiber f{strand};
  fiber g{strand};
  f.start(body('a'), [](completion<void>) {});
  g.start(body('b'), [](completion<void>) {});
  strand.run();
  CHECK(order == "ababab");
}

TEST_CASE("A10 yield ends the round, so that other actors run too") {
  loop_strand strand;
  int rounds = 0;
  auto body = [&]() -> task<> {
    for (;;) {
      co_await yield();
      ++rounds;
    }
  };
  fiber f{strand};
  f.start(body(), [](completion<void>) {});
  CHECK(strand.run_ready(100) == 1);
  CHECK(strand.has_ready());
  CHECK(strand.run_ready(100) == 1);
  CHECK(rounds == 2);
}

TEST_CASE("A10 a coroutine that yields can be destroyed") {
  counted::reset();
  loop_strand strand;
  auto body = [&]() -> task<> {
    counted x;
    co_await yield();
  };
  fiber f{strand};
  f.start(body(), [](completion<void>) { FAIL("it was cancelled"); });
  CHECK(f.cancel());
  CHECK(strand.run() == 0);
  check_all_gone();
}

// -- other threads ------------------------------------------------------------

namespace {

// What other threads post: a bell that they ring, under a lock that whoever
// leaves takes as well, as the clock does it.
class bell {
public:
  class awaiter {
  public:
    explicit awaiter(bell& source) : source_(source) {
      // nop
    }

    ~awaiter() {
      std::unique_lock guard{source_.mutex_};
      std::erase(source_.waiting_, &wait_);
    }

    bool await_ready() {
      return false;
    }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> caller) {
      wait_.begin(caller.promise());
      std::unique_lock guard{source_.mutex_};
      source_.waiting_.push_back(&wait_);
    }

    void await_resume() {
      // nop
    }

  private:
    bell& source_;
    wait wait_;
  };

  awaiter operator co_await() & {
    return awaiter{*this};
  }

  /// Posts all who wait, some of them for the second time.
  void ring() {
    std::unique_lock guard{mutex_};
    for (auto* x : waiting_)
      x->post();
  }

private:
  std::mutex mutex_;
  std::vector<wait*> waiting_;
};

} // namespace

TEST_CASE("any thread may post, and no post is lost") {
  constexpr int num_fibers = 8;
  constexpr int rounds = 200;
  loop_strand strand;
  bell b;
  std::vector<std::unique_ptr<fiber>> fibers;
  int done = 0;
  auto body = [&]() -> task<> {
    for (int i = 0; i < rounds; ++i)
      co_await b;
    ++done;
  };
  for (int i = 0; i < num_fibers; ++i) {
    fibers.push_back(std::make_unique<fiber>(strand));
    fibers.back()->start(body(), [](completion<void>) {});
  }
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      while (!stop) {
        b.ring();
        std::this_thread::yield();
      }
    });
  strand.run_until([&] { return done == num_fibers; });
  stop = true;
  for (auto& x : threads)
    x.join();
  CHECK(done == num_fibers);
  CHECK_FALSE(strand.has_ready());
}

TEST_CASE("a coroutine may be destroyed while another thread posts it") {
  counted::reset();
  loop_strand strand;
  bell b;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      while (!stop) {
        b.ring();
        std::this_thread::yield();
      }
    });
  auto body = [&]() -> task<> {
    counted x;
    for (;;)
      co_await b;
  };
  std::minstd_rand rng{1};
  std::vector<std::unique_ptr<fiber>> fibers;
  for (int i = 0; i < 4; ++i)
    fibers.push_back(std::make_unique<fiber>(strand));
  for (int i = 0; i < 5000; ++i) {
    auto& f = *fibers[rng() % fibers.size()];
    if (f.active())
      f.cancel();
    else
      f.start(body(), [](completion<void>) {});
    if (rng() % 2 == 0)
      strand.run(4);
  }
  fibers.clear();
  CHECK(strand.run() == 0);
  stop = true;
  for (auto& x : threads)
    x.join();
  check_all_gone();
}

// -- lists --------------------------------------------------------------------

TEST_CASE("a wait list is first in, first out") {
  wait a, b, c;
  wait_list xs;
  CHECK(xs.empty());
  CHECK(xs.pop_front() == nullptr);
  xs.push_back(a);
  xs.push_back(b);
  xs.push_back(c);
  CHECK(a.listed());
  xs.erase(b);
  CHECK_FALSE(b.listed());
  xs.erase(b);
  CHECK(xs.front() == &a);
  CHECK(xs.pop_front() == &a);
  CHECK(xs.pop_front() == &c);
  CHECK(xs.empty());
  xs.push_back(a);
  xs.erase(a);
  CHECK(xs.empty());
}

TEST_CASE("a wait list lets go of its waits") {
  wait a, b;
  {
    wait_list xs;
    xs.push_back(a);
    xs.push_back(b);
  }
  CHECK_FALSE(a.listed());
  CHECK_FALSE(b.listed());
}
