// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/clock.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <deque>
#include <functional>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <semaphore>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

using troupe::never;
using troupe::time_point;
using troupe::timespan;
using troupe::detail::clock;
using troupe::detail::job_ptr;
using troupe::detail::make_job;
using troupe::detail::real_clock;
using troupe::detail::timer;
using troupe::detail::virtual_clock;

namespace {

constexpr time_point at(timespan since_epoch) {
  return time_point{since_epoch};
}

/// Calls a function when it is due. The function runs under the clock's lock.
class probe : public timer {
public:
  explicit probe(std::function<void()> f = {})
    : timer(fire), on_due(std::move(f)) {
    // nop
  }

  std::atomic<std::size_t> fired = 0;

  std::function<void()> on_due;

private:
  static void fire(timer& self) noexcept {
    auto& me = static_cast<probe&>(self);
    ++me.fired;
    if (me.on_due)
      me.on_due();
  }
};

/// Writes its name when it is due.
std::unique_ptr<probe> writer(std::vector<int>& log, int name) {
  return std::make_unique<probe>([&log, name] { log.push_back(name); });
}

} // namespace

// -- timers --------------------------------------------------------------------

TEST_CASE("a timer fires once, when its time has come") {
  virtual_clock clk;
  probe t;
  clk.arm(t, at(10ns));
  CHECK(t.armed());
  CHECK(clk.pending() == 1);
  CHECK(clk.advance_to(at(9ns)) == 0);
  CHECK(t.fired == 0);
  CHECK(clk.advance_to(at(10ns)) == 1);
  CHECK(t.fired == 1);
  CHECK_FALSE(t.armed());
  CHECK(clk.pending() == 0);
  CHECK(clk.advance_to(at(1h)) == 0);
  CHECK(t.fired == 1);
}

TEST_CASE("a timer can be armed again after it fired") {
  virtual_clock clk;
  probe t;
  for (std::size_t i = 1; i <= 3; ++i) {
    clk.arm(t, clk.now() + 1s);
    clk.advance_by(1s);
    CHECK(t.fired == i);
  }
}

TEST_CASE("arming an armed timer moves it") {
  virtual_clock clk;
  probe t;
  clk.arm(t, at(10ns));
  SECTION("to a later time") {
    clk.arm(t, at(20ns));
    CHECK(clk.pending() == 1);
    clk.advance_to(at(19ns));
    CHECK(t.fired == 0);
  }
  SECTION("to an earlier time") {
    clk.arm(t, at(5ns));
    CHECK(clk.pending() == 1);
    clk.advance_to(at(5ns));
    CHECK(t.fired == 1);
  }
  SECTION("to the same time, behind the others") {
    std::vector<int> log;
    t.on_due = [&] { log.push_back(1); };
    const auto other = writer(log, 2);
    clk.arm(*other, at(10ns));
    clk.arm(t, at(10ns));
    clk.advance_to(at(10ns));
    const std::vector expected{2, 1};
    CHECK(log == expected);
  }
  SECTION("to another clock") {
    virtual_clock other;
    other.arm(t, at(10ns));
    CHECK(clk.pending() == 0);
    CHECK(other.pending() == 1);
    clk.advance_to(at(10ns));
    CHECK(t.fired == 0);
    other.advance_to(at(10ns));
  }
  SECTION("to never, which disarms it") {
    clk.arm(t, never);
    CHECK(clk.pending() == 0);
    CHECK_FALSE(t.armed());
    clk.advance_to(at(1h));
    CHECK(t.fired == 0);
  }
  clk.advance_to(at(1h));
  CHECK(t.fired <= 1);
  CHECK(clk.pending() == 0);
}

TEST_CASE("cancel says whether the timer was pending") {
  virtual_clock clk;
  probe t;
  SECTION("never armed") {
    CHECK_FALSE(clk.cancel(t));
  }
  SECTION("armed for never") {
    clk.arm(t, never);
    CHECK_FALSE(t.armed());
    CHECK(clk.next_due() == never);
    CHECK_FALSE(clk.cancel(t));
  }
  SECTION("pending") {
    clk.arm(t, at(10ns));
    CHECK(clk.cancel(t));
    CHECK_FALSE(t.armed());
    CHECK_FALSE(clk.cancel(t));
    CHECK(clk.pending() == 0);
    clk.advance_to(at(1h));
    CHECK(t.fired == 0);
  }
  SECTION("overdue but not fired yet") {
    clk.arm(t, at(-10ns));
    CHECK(clk.cancel(t));
    clk.advance_to(at(1h));
    CHECK(t.fired == 0);
  }
  SECTION("fired") {
    clk.arm(t, at(10ns));
    clk.advance_to(at(10ns));
    CHECK_FALSE(clk.cancel(t));
  }
}

TEST_CASE("a timer that is destroyed is cancelled") {
  virtual_clock clk;
  {
    probe t;
    clk.arm(t, at(10ns));
  }
  CHECK(clk.pending() == 0);
  CHECK(clk.advance_to(at(1h)) == 0);
}

TEST_CASE("a timer may outlive its clock") {
  probe pending;
  probe fired;
  probe cancelled;
  probe moved;
  virtual_clock survivor;
  {
    virtual_clock clk;
    for (auto* t : {&pending, &fired, &cancelled, &moved})
      clk.arm(*t, at(10ns));
    clk.arm(fired, at(5ns));
    clk.advance_to(at(5ns));
    clk.cancel(cancelled);
    survivor.arm(moved, at(10ns));
  }
  CHECK_FALSE(pending.armed());
  CHECK(pending.fired == 0);
  CHECK_FALSE(fired.armed());
  CHECK_FALSE(cancelled.armed());
  CHECK(moved.armed());
}

TEST_CASE("what is due already fires soon, but not inside of arm") {
  virtual_clock clk{at(100s)};
  std::vector<int> log;
  const auto a = writer(log, 1);
  const auto b = writer(log, 2);
  const auto c = writer(log, 3);
  const auto d = writer(log, 4);
  clk.arm(*a, at(100s));
  clk.arm(*b, at(99s));
  clk.arm(*c, time_point::min());
  clk.arm(*d, at(100s) + 1ns);
  CHECK(log.empty());
  CHECK(clk.next_due() == at(100s));
  clk.advance_to(clk.now());
  const std::vector expected{1, 2, 3};
  CHECK(log == expected);
  CHECK(clk.now() == at(100s));
}

// -- the virtual clock ---------------------------------------------------------

TEST_CASE("virtual time stands still until it is told to go on") {
  virtual_clock clk{at(5s)};
  CHECK(clk.now() == at(5s));
  clk.advance_by(2s);
  CHECK(clk.now() == at(7s));
  SECTION("and never goes back") {
    clk.advance_to(at(6s));
    CHECK(clk.now() == at(7s));
    clk.advance_by(-1h);
    CHECK(clk.now() == at(7s));
  }
  SECTION("and may go to the end of time") {
    clk.advance_by(troupe::infinite);
    CHECK(clk.now() == never);
  }
}

TEST_CASE("while a timer fires it is the time it was due") {
  virtual_clock clk;
  std::vector<time_point> seen;
  probe a{[&] { seen.push_back(clk.now()); }};
  probe b{[&] { seen.push_back(clk.now()); }};
  clk.arm(a, at(30ns));
  clk.arm(b, at(10min));
  clk.advance_to(at(1h));
  const std::vector expected{at(30ns), at(10min)};
  CHECK(seen == expected);
  CHECK(clk.now() == at(1h));
}

TEST_CASE("timers fire in order of due time, then of arming") {
  virtual_clock clk;
  std::vector<int> log;
  std::deque<std::unique_ptr<probe>> timers;
  const auto arm = [&](int name, timespan due) {
    timers.push_back(writer(log, name));
    clk.arm(*timers.back(), at(due));
  };
  arm(5, 2h);
  arm(1, 3ns);
  arm(3, 1s);
  arm(6, 2h);
  arm(4, 1s);
  arm(2, 3ns);
  // Halfway there, those that are still pending change their place inside.
  clk.advance_to(at(2h) - 1ns);
  arm(7, 2h);
  arm(8, 2h + 1ns);
  clk.advance_to(at(3h));
  const std::vector expected{1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(log == expected);
}

TEST_CASE("fire_next goes to the next due time and fires one") {
  virtual_clock clk;
  CHECK_FALSE(clk.fire_next());
  CHECK(clk.now() == at(0s));
  std::vector<int> log;
  const auto a = writer(log, 1);
  const auto b = writer(log, 2);
  const auto c = writer(log, 3);
  clk.arm(*c, at(10min));
  clk.arm(*a, at(5s));
  clk.arm(*b, at(5s));
  CHECK(clk.fire_next());
  CHECK(clk.now() == at(5s));
  CHECK(log == std::vector{1});
  CHECK(clk.next_due() == at(5s));
  CHECK(clk.fire_next());
  CHECK(clk.now() == at(5s));
  CHECK(clk.next_due() == at(10min));
  CHECK(clk.fire_next());
  CHECK(clk.now() == at(10min));
  CHECK_FALSE(clk.fire_next());
  CHECK(clk.now() == at(10min));
}

TEST_CASE("fire_next goes no further than its limit, due_bound is in time") {
  virtual_clock clk;
  CHECK(clk.due_bound() == never);
  probe early;
  probe late;
  clk.arm(late, at(5s));
  CHECK(clk.due_bound() == at(5s));
  clk.arm(early, at(3s));
  CHECK(clk.due_bound() == at(3s));
  clk.cancel(early);
  CHECK(clk.due_bound() <= at(5s));
  CHECK_FALSE(clk.fire_next(at(5s) - 1ns));
  CHECK(clk.now() == at(0s));
  CHECK(clk.due_bound() <= at(5s));
  CHECK(clk.fire_next(at(5s)));
  CHECK(clk.now() == at(5s));
  CHECK(clk.due_bound() == never);
  clk.arm(early, at(1s)); // has passed
  CHECK(clk.due_bound() <= at(5s));
  CHECK(clk.fire_next(at(5s)));
}

TEST_CASE("next_due knows nothing of cancelled timers") {
  virtual_clock clk;
  probe a;
  probe b;
  CHECK(clk.next_due() == never);
  clk.arm(a, at(1h));
  clk.arm(b, at(1h + 1s));
  CHECK(clk.next_due() == at(1h));
  clk.cancel(a);
  CHECK(clk.next_due() == at(1h + 1s));
  clk.cancel(b);
  CHECK(clk.next_due() == never);
}

TEST_CASE("ten years of timeouts that are cancelled cost nothing") {
  virtual_clock clk;
  probe year;
  probe timeout;
  for (int i = 0; i < 10; ++i) {
    clk.arm(year, clk.now() + 24h * 365);
    while (year.armed()) {
      clk.arm(timeout, clk.now() + 1min);
      clk.advance_by(30h);
      clk.arm(timeout, clk.now() + 1min);
      clk.cancel(timeout);
    }
  }
  CHECK(year.fired == 10);
}

// -- jobs ----------------------------------------------------------------------

TEST_CASE("a job runs once, when its time has come") {
  virtual_clock clk;
  int runs = 0;
  auto work = make_job([&] { ++runs; });
  clk.schedule(*work, at(10ns));
  CHECK(work->armed());
  CHECK(clk.pending() == 1);
  clk.advance_to(at(9ns));
  CHECK(runs == 0);
  CHECK(clk.advance_to(at(10ns)) == 1);
  CHECK(runs == 1);
  CHECK_FALSE(work->armed());
  clk.advance_to(at(1h));
  CHECK(runs == 1);
}

TEST_CASE("the clock holds a job until it has run, and no longer") {
  virtual_clock clk;
  auto owned = std::make_shared<int>(0);
  std::weak_ptr<int> alive = owned;
  auto work = make_job([owned = std::move(owned)] { ++*owned; });
  SECTION("it runs") {
    clk.schedule(*work, at(10ns));
    work = {};
    CHECK(alive.lock());
    clk.advance_to(at(10ns));
  }
  SECTION("it is taken back") {
    clk.schedule(*work, at(10ns));
    CHECK(clk.unschedule(*work));
    CHECK(alive.lock());
    work = {};
  }
  SECTION("it is moved, and runs") {
    clk.schedule(*work, at(10ns));
    clk.schedule(*work, at(5ns));
    clk.schedule(*work, at(20ns));
    CHECK(clk.pending() == 1);
    work = {};
    clk.advance_to(at(19ns));
    CHECK(alive.lock());
    clk.advance_to(at(20ns));
  }
  SECTION("it is moved to never") {
    clk.schedule(*work, at(10ns));
    clk.schedule(*work, never);
    CHECK(clk.pending() == 0);
    work = {};
  }
  SECTION("it is scheduled for never") {
    clk.schedule(*work, never);
    work = {};
  }
  SECTION("it runs twice") {
    clk.schedule(*work, at(10ns));
    clk.advance_to(at(10ns));
    clk.schedule(*work, at(20ns));
    work = {};
    clk.advance_to(at(20ns));
  }
  CHECK(alive.expired());
  CHECK(clk.pending() == 0);
}

TEST_CASE("a clock that goes away lets go of its jobs") {
  std::weak_ptr<int> alive;
  job_ptr survivor;
  int runs = 0;
  {
    virtual_clock clk;
    auto owned = std::make_shared<int>(0);
    alive = owned;
    for (int i = 0; i < 3; ++i) {
      auto work = make_job([&runs, owned] { ++runs; });
      clk.schedule(*work, at(10ns));
    }
    survivor = make_job([&runs] { ++runs; });
    clk.schedule(*survivor, at(10ns));
  }
  CHECK(alive.expired());
  CHECK_FALSE(survivor->armed());
  CHECK(runs == 0);
}

TEST_CASE("a job may do with the clock what it likes") {
  virtual_clock clk;
  SECTION("arm and cancel") {
    probe a;
    probe b;
    clk.arm(a, at(20ns));
    auto work = make_job([&] {
      CHECK(clk.cancel(a));
      clk.arm(b, at(15ns));
      CHECK(clk.pending() == 1);
      CHECK(clk.next_due() == at(15ns));
    });
    clk.schedule(*work, at(10ns));
    CHECK(clk.advance_to(at(1h)) == 2);
    CHECK(a.fired == 0);
    CHECK(b.fired == 1);
  }
  SECTION("schedule itself again") {
    std::vector<time_point> runs;
    job_ptr work;
    work = make_job([&] {
      CHECK_FALSE(work->armed());
      runs.push_back(clk.now());
      if (runs.size() < 3)
        clk.schedule(*work, clk.now() + 1s);
    });
    clk.schedule(*work, at(1s));
    CHECK(clk.advance_to(at(2s)) == 2);
    CHECK(clk.advance_to(at(1min)) == 1);
    const std::vector expected{at(1s), at(2s), at(3s)};
    CHECK(runs == expected);
  }
  SECTION("schedule itself and think better of it") {
    int runs = 0;
    job_ptr work;
    work = make_job([&] {
      ++runs;
      clk.schedule(*work, clk.now() + 1s);
      CHECK(clk.unschedule(*work));
      CHECK_FALSE(clk.unschedule(*work));
    });
    clk.schedule(*work, at(1s));
    CHECK(clk.advance_to(at(1min)) == 1);
  }
  SECTION("let go of itself") {
    job_ptr work;
    auto owned = std::make_shared<int>(0);
    std::weak_ptr<int> alive = owned;
    work = make_job([&work, owned = std::move(owned)] {
      work = {};
      ++*owned;
    });
    clk.schedule(*work, at(1s));
    clk.advance_to(at(1s));
    CHECK(alive.expired());
  }
  SECTION("but not move the time") {
    auto work = make_job([&] {
      CHECK(clk.fires_here());
      CHECK(clk.advance_to(at(1h)) == 0);
      CHECK_FALSE(clk.fire_next());
      CHECK(clk.now() == at(1s));
    });
    auto other = make_job([] {});
    clk.schedule(*work, at(1s));
    clk.schedule(*other, at(2s));
    CHECK(clk.fire_next());
    CHECK(clk.pending() == 1);
    CHECK_FALSE(clk.fires_here());
  }
}

TEST_CASE("a job can be a part of what it acts on") {
  // The way a core has its deadlines: no allocation, one count.
  struct worker_core {
    struct deadline final : clock::job {
      explicit deadline(worker_core& whose) : owner(whose) {
        // nop
      }
      void run() noexcept override {
        ++owner.expired;
      }
      void retain() noexcept override {
        ++owner.references;
      }
      void release() noexcept override {
        --owner.references;
      }
      worker_core& owner;
    };
    int references = 1;
    int expired = 0;
    deadline grace{*this};
    deadline force{*this};
  };
  worker_core c;
  virtual_clock clk;
  clk.schedule(c.grace, at(10s));
  clk.schedule(c.force, at(12s));
  CHECK(c.references == 3);
  clk.advance_to(at(10s));
  CHECK(c.references == 2);
  CHECK(c.expired == 1);
  clk.unschedule(c.force);
  CHECK(c.references == 1);
}

// -- all of it at random -------------------------------------------------------

namespace {

/// Does at random what users do, and keeps a sorted list of what should happen.
class random_user {
public:
  explicit random_user(std::uint64_t seed)
    : random_(seed), clk_(at(timespan{static_cast<timespan::rep>(length())})) {
    const auto count = 1 + random_() % 60;
    for (std::size_t i = 0; i < count; ++i)
      timers_.emplace_back([this, i] { expect(i); });
    for (std::size_t i = 0; i < count; ++i)
      jobs_.push_back(make_job([this, i] {
        expect(timers_.size() + i);
        if (random_() % 2 == 0)
          act();
      }));
    now_ = clk_.now();
  }

  void act() {
    const auto i = random_() % timers_.size();
    const auto j = timers_.size() + i;
    switch (random_() % 6) {
      case 0:
      case 1: {
        const auto due = some_due();
        clk_.arm(timers_[i], due);
        forget(i);
        remember(i, due);
        break;
      }
      case 2: {
        const auto due = some_due();
        clk_.schedule(*jobs_[i], due);
        forget(j);
        remember(j, due);
        break;
      }
      case 3:
        matches_ &= clk_.cancel(timers_[i]) == forget(i);
        break;
      case 4:
        matches_ &= clk_.unschedule(*jobs_[i]) == forget(j);
        break;
      default:
        matches_ &= clk_.pending() == model_.size();
        matches_ &= clk_.next_due()
                    == (model_.empty() ? never : model_.begin()->first);
        matches_ &= clk_.now() == now_;
        matches_ &= timers_[i].armed() == known(i);
        matches_ &= jobs_[i]->armed() == known(j);
    }
  }

  void move_time() {
    fired_ = 0;
    switch (random_() % 3) {
      case 0: {
        const auto any = !model_.empty();
        matches_ &= clk_.fire_next() == any;
        matches_ &= fired_ == (any ? 1U : 0U);
        break;
      }
      default: {
        const auto when = some_due();
        if (when == never)
          break;
        matches_ &= clk_.advance_to(when) == fired_;
        now_ = std::max(now_, when);
        matches_ &= model_.empty() || model_.begin()->first > now_;
      }
    }
    matches_ &= clk_.now() == now_;
  }

  [[nodiscard]] bool matches() const {
    return matches_;
  }

private:
  /// Called when timer or job `i` fires.
  void expect(std::size_t i) {
    ++fired_;
    if (model_.empty() || model_.begin()->second != i) {
      matches_ = false;
      return;
    }
    now_ = std::max(now_, model_.begin()->first);
    matches_ &= now_ == model_.begin()->first;
    matches_ &= clk_.now() == now_;
    model_.erase(model_.begin());
  }

  timespan::rep length() {
    // Of any magnitude up to a few years, so that time does not run out.
    return static_cast<timespan::rep>(random_() >> (7 + random_() % 57));
  }

  time_point some_due() {
    switch (random_() % 12) {
      case 0:
        return never;
      case 1:
        return now_ - timespan{length()};
      case 2:
        return now_;
      case 3:
      case 4:
        if (!model_.empty())
          return model_.begin()->first;
        [[fallthrough]];
      case 5:
        if (!model_.empty())
          return std::prev(model_.end())->first;
        [[fallthrough]];
      default:
        return troupe::deadline_after(now_, timespan{length()});
    }
  }

  bool forget(std::size_t i) {
    const auto pos
      = std::find_if(model_.begin(), model_.end(),
                     [i](const auto& entry) { return entry.second == i; });
    if (pos == model_.end())
      return false;
    model_.erase(pos);
    return true;
  }

  void remember(std::size_t i, time_point due) {
    if (due != never)
      model_.emplace(std::max(due, now_), i);
  }

  [[nodiscard]] bool known(std::size_t i) const {
    return std::any_of(model_.begin(), model_.end(),
                       [i](const auto& entry) { return entry.second == i; });
  }

  std::mt19937_64 random_;
  std::deque<probe> timers_;
  std::vector<job_ptr> jobs_;
  virtual_clock clk_;
  time_point now_;
  std::multimap<time_point, std::size_t> model_;
  std::size_t fired_ = 0;
  bool matches_ = true;
};

} // namespace

TEST_CASE("a virtual clock behaves as a sorted list does") {
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    INFO("seed " << seed);
    random_user user{seed};
    for (int step = 0; step < 200; ++step) {
      if (step % 3 == 2)
        user.move_time();
      else
        user.act();
      if (!user.matches())
        FAIL("the clock and the model differ after step " << step);
    }
  }
  SUCCEED();
}

// -- the real clock ------------------------------------------------------------

TEST_CASE("a real clock fires when the time has come and not before") {
  real_clock clk;
  constexpr std::size_t count = 50;
  std::mutex mtx;
  std::vector<std::size_t> order;
  std::atomic<bool> early = false;
  std::latch done{count};
  std::deque<probe> timers;
  const auto start = clk.now();
  for (std::size_t i = 0; i < count; ++i) {
    const auto due = start + 20ms + 100us * i;
    timers.emplace_back([&, i, due] {
      if (clk.now() < due)
        early = true;
      {
        const std::lock_guard guard{mtx};
        order.push_back(i);
      }
      done.count_down();
    });
  }
  for (std::size_t i = count; i > 0; --i)
    clk.arm(timers[i - 1], start + 20ms + 100us * (i - 1));
  done.wait();
  CHECK_FALSE(early);
  const std::lock_guard guard{mtx};
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("a real clock fires at once what is due already") {
  real_clock clk;
  std::latch done{3};
  std::thread::id where;
  probe a{[&] {
    where = std::this_thread::get_id();
    done.count_down();
  }};
  probe b{[&] { done.count_down(); }};
  auto work = make_job([&] { done.count_down(); });
  clk.arm(a, clk.now());
  clk.arm(b, time_point::min());
  clk.schedule(*work, at(0s));
  done.wait();
  CHECK(where != std::this_thread::get_id());
}

TEST_CASE("a timer that is due first does not wait for those before it") {
  // The thread sleeps for an hour already when the short one comes.
  real_clock clk;
  probe hour;
  std::binary_semaphore fired{0};
  probe now{[&] { fired.release(); }};
  clk.arm(now, clk.now());
  fired.acquire();
  clk.arm(hour, clk.now() + 1h);
  clk.arm(now, clk.now() + 1ms);
  fired.acquire();
  CHECK(hour.armed());
}

TEST_CASE("a clock without timers wakes up for none") {
  real_clock clk;
  probe t;
  clk.arm(t, never);
  CHECK_FALSE(clk.cancel(t));
  CHECK(clk.wakeups() == 0);
  CHECK(clk.pending() == 0);
}

TEST_CASE("a real clock sleeps until something is due") {
  real_clock clk;
  // Far away at all distances, so that there is something on every level.
  std::deque<probe> pending;
  for (auto due = 2 * timespan{1h}; due < 24h * 365 * 100; due *= 2)
    for (int i = 0; i < 100; ++i) {
      pending.emplace_back();
      clk.arm(pending.back(), clk.now() + due);
    }
  const auto cpu_time = [] {
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::chrono::seconds{used.tv_sec}
           + std::chrono::nanoseconds{used.tv_nsec};
  };
  std::binary_semaphore fired{0};
  timespan used{};
  probe t{[&] {
    used = cpu_time();
    fired.release();
  }};
  clk.arm(t, clk.now());
  fired.acquire();
  const auto used_before = used;
  const auto wakeups_before = clk.wakeups();
  constexpr std::size_t rounds = 10;
  for (std::size_t i = 0; i < rounds; ++i) {
    clk.arm(t, clk.now() + 20ms);
    fired.acquire();
  }
  // Each round wakes the thread to tell it of the timer, and for the timer.
  CHECK(clk.wakeups() - wakeups_before <= 2 * rounds);
  CHECK(used - used_before < 20ms);
}

TEST_CASE("pending timers cost no wake-ups on the way") {
  real_clock clk;
  constexpr std::size_t count = 20;
  std::latch done{count};
  std::deque<probe> timers;
  const auto start = clk.now() + 20ms;
  for (std::size_t i = 0; i < count; ++i) {
    timers.emplace_back([&] { done.count_down(); });
    clk.arm(timers.back(), start + 3ms * i);
  }
  done.wait();
  CHECK(clk.wakeups() <= count + 1);
}

TEST_CASE("who arms a timer that is not the first wakes nobody") {
  real_clock clk;
  std::binary_semaphore fired{0};
  probe now{[&] { fired.release(); }};
  probe first;
  clk.arm(first, clk.now() + 1h);
  clk.arm(now, clk.now());
  fired.acquire();
  const auto before = clk.wakeups();
  probe later;
  for (int i = 0; i < 2'000; ++i) {
    clk.arm(later, clk.now() + 2h);
    clk.cancel(later);
    std::this_thread::yield();
  }
  CHECK(clk.wakeups() - before <= 1);
}

TEST_CASE("a cancelled timer costs one wake-up at most") {
  real_clock clk;
  std::binary_semaphore fired{0};
  probe last{[&] { fired.release(); }};
  std::deque<probe> timers(200);
  const auto start = clk.now() + 20ms;
  for (std::size_t i = 0; i < timers.size(); ++i)
    clk.arm(timers[i], start + 100us * i);
  clk.arm(last, start + 30ms);
  for (auto& t : timers)
    clk.cancel(t);
  CHECK(clk.pending() == 1);
  fired.acquire();
  // One to hear of the first, one for its time, some for the slots of the wheel
  // that it shared with others; but not one for each.
  CHECK(clk.wakeups() <= 12);
}

TEST_CASE("a job runs on the clock's thread and may take its time") {
  real_clock clk;
  std::latch started{1};
  std::latch go_on{1};
  std::latch done{1};
  bool fires_here = false;
  auto work = make_job([&] {
    fires_here = clk.fires_here();
    started.count_down();
    go_on.wait();
    done.count_down();
  });
  clk.schedule(*work, clk.now());
  started.wait();
  // The job runs: neither is it pending, nor does it hold up anyone.
  CHECK_FALSE(clk.unschedule(*work));
  probe t;
  clk.arm(t, clk.now() + 1h);
  CHECK(clk.cancel(t));
  CHECK_FALSE(clk.fires_here());
  go_on.count_down();
  done.wait();
  CHECK(fires_here);
}

TEST_CASE("cancel waits for a callback that is running") {
  // Whoever has cancelled a timer may destroy what its callback looks at.
  real_clock clk;
  for (int i = 0; i < 200; ++i) {
    std::latch started{1};
    auto seen = std::make_unique<int>(0);
    probe t{[&] {
      started.count_down();
      for (int j = 0; j < 100; ++j)
        ++*seen;
    }};
    clk.arm(t, clk.now());
    started.wait();
    CHECK_FALSE(clk.cancel(t));
    CHECK(*seen == 100);
    seen.reset();
  }
}

TEST_CASE("who is woken by a timer may destroy it at once") {
  struct waker : timer {
    explicit waker(std::binary_semaphore& x) : timer(fire), fired(x) {
      // nop
    }
    static void fire(timer& self) noexcept {
      static_cast<waker&>(self).fired.release();
    }
    std::binary_semaphore& fired;
  };
  real_clock clk;
  std::binary_semaphore fired{0};
  for (int i = 0; i < 2'000; ++i) {
    auto t = std::make_unique<waker>(fired);
    clk.arm(*t, i % 2 == 0 ? clk.now() : clk.now() + 10us);
    fired.acquire();
    t.reset();
  }
  CHECK(clk.pending() == 0);
}

TEST_CASE("a timer fires or is cancelled, never both and never neither") {
  real_clock clk;
  constexpr int threads = 4;
  constexpr int rounds = 2'000;
  std::atomic<int> fires = 0;
  std::atomic<int> cancels = 0;
  std::atomic<bool> ok = true;
  const auto play = [&](unsigned seed) {
    std::mt19937 random{seed};
    std::deque<probe> timers(8);
    for (auto& t : timers)
      t.on_due = [&] { ++fires; };
    for (int i = 0; i < rounds; ++i) {
      auto& t = timers[random() % timers.size()];
      const std::size_t fired_before = t.fired;
      clk.arm(t, clk.now() + std::chrono::microseconds{random() % 60});
      if (random() % 2 == 0)
        std::this_thread::yield();
      const auto cancelled = clk.cancel(t);
      if (cancelled)
        ++cancels;
      if (t.armed() || t.fired != fired_before + (cancelled ? 0 : 1))
        ok = false;
    }
  };
  {
    std::vector<std::jthread> players;
    players.reserve(threads);
    for (unsigned i = 0; i < threads; ++i)
      players.emplace_back(play, i);
  }
  CHECK(ok);
  CHECK(fires + cancels == threads * rounds);
  CHECK(clk.pending() == 0);
}

TEST_CASE("any thread may arm and cancel any timer at any time") {
  real_clock clk;
  constexpr int threads = 4;
  constexpr int rounds = 5'000;
  std::deque<probe> timers(32);
  std::atomic<std::size_t> job_runs = 0;
  std::vector<job_ptr> jobs;
  jobs.reserve(8);
  std::atomic<std::size_t> armed = 0;
  std::atomic<std::size_t> cancelled = 0;
  for (int i = 0; i < 8; ++i)
    jobs.push_back(make_job([&] {
      ++job_runs;
      clk.cancel(timers.front());
    }));
  const auto play = [&](unsigned seed) {
    std::mt19937 random{seed};
    for (int i = 0; i < rounds; ++i) {
      auto& t = timers[random() % timers.size()];
      auto& work = *jobs[random() % jobs.size()];
      const auto due = clk.now() + std::chrono::microseconds{random() % 200};
      switch (random() % 6) {
        case 0:
        case 1:
          clk.arm(t, due);
          ++armed;
          break;
        case 2:
          if (clk.cancel(t))
            ++cancelled;
          break;
        case 3:
          clk.schedule(work, due);
          break;
        case 4:
          clk.unschedule(work);
          break;
        default:
          static_cast<void>(t.armed());
          static_cast<void>(clk.pending());
      }
    }
  };
  {
    std::vector<std::jthread> players;
    players.reserve(threads);
    for (unsigned i = 0; i < threads; ++i)
      players.emplace_back(play, i);
  }
  // What is left fires or is cancelled now, and nothing is after that.
  for (auto& t : timers)
    clk.cancel(t);
  for (auto& work : jobs)
    clk.unschedule(*work);
  CHECK(clk.pending() == 0);
  std::size_t fired = 0;
  for (auto& t : timers)
    fired += t.fired;
  CHECK(fired + cancelled <= armed);
  clk.stop();
}

TEST_CASE("a burst fires completely, while others go on") {
  real_clock clk;
  constexpr std::size_t count = 20'000;
  std::atomic<std::size_t> fired = 0;
  std::binary_semaphore done{0};
  std::deque<probe> timers;
  for (std::size_t i = 0; i < count; ++i)
    timers.emplace_back([&] {
      if (++fired == count)
        done.release();
    });
  // The clock's thread is kept busy until all of them are overdue.
  std::latch go_on{1};
  auto gate = make_job([&] { go_on.wait(); });
  const auto due = clk.now();
  clk.schedule(*gate, due);
  for (auto& t : timers)
    clk.arm(t, due + 1us);
  go_on.count_down();
  probe mine;
  do {
    clk.arm(mine, clk.now() + 1h);
    if (!clk.cancel(mine))
      FAIL("a timer of one hour was not pending");
  } while (!done.try_acquire());
  CHECK(fired == count);
}

// -- the end -------------------------------------------------------------------

TEST_CASE("a clock that was stopped fires nothing any more") {
  real_clock clk;
  probe pending;
  int runs = 0;
  std::weak_ptr<int> alive;
  {
    auto owned = std::make_shared<int>(0);
    alive = owned;
    auto work = make_job([&runs, owned] { ++runs; });
    clk.schedule(*work, clk.now() + 1h);
  }
  clk.arm(pending, clk.now() + 1h);
  clk.stop();
  CHECK(clk.pending() == 0);
  CHECK_FALSE(pending.armed());
  CHECK(alive.expired());
  SECTION("again") {
    clk.stop();
  }
  SECTION("what is armed afterwards") {
    probe late;
    auto work = make_job([&] { ++runs; });
    clk.arm(late, clk.now());
    clk.schedule(*work, clk.now());
    CHECK_FALSE(late.armed());
    CHECK_FALSE(work->armed());
    CHECK_FALSE(clk.cancel(late));
    CHECK_FALSE(clk.unschedule(*work));
    CHECK(clk.pending() == 0);
    clk.stop();
    CHECK(late.fired == 0);
  }
  CHECK(runs == 0);
}

TEST_CASE("a clock can be stopped before it was ever used") {
  real_clock clk;
  clk.stop();
  probe t;
  clk.arm(t, clk.now());
  CHECK_FALSE(t.armed());
}

TEST_CASE("stop waits for a job that is running") {
  real_clock clk;
  std::latch started{1};
  std::atomic<bool> stopping = false;
  std::atomic<bool> finished = false;
  auto work = make_job([&] {
    started.count_down();
    while (!stopping)
      std::this_thread::yield();
    finished = true;
  });
  clk.schedule(*work, clk.now());
  started.wait();
  stopping = true;
  clk.stop();
  CHECK(finished);
}

TEST_CASE("ten threads may stop a clock at once") {
  real_clock clk;
  probe t;
  clk.arm(t, clk.now() + 1h);
  std::latch ready{10};
  std::vector<std::jthread> stoppers;
  stoppers.reserve(10);
  for (int i = 0; i < 10; ++i)
    stoppers.emplace_back([&] {
      ready.arrive_and_wait();
      clk.stop();
      probe mine;
      clk.arm(mine, clk.now());
    });
  stoppers.clear();
  CHECK_FALSE(t.armed());
}

TEST_CASE("a job may stop the clock that runs it") {
  real_clock clk;
  std::latch stopped{1};
  probe pending;
  clk.arm(pending, clk.now() + 1h);
  auto work = make_job([&] {
    clk.stop();
    stopped.count_down();
  });
  clk.schedule(*work, clk.now());
  stopped.wait();
  CHECK_FALSE(pending.armed());
  clk.stop();
  clk.stop();
}

TEST_CASE("a job may destroy the clock that runs it") {
  constexpr int rounds = 100;
  SECTION("while it runs") {
    for (int i = 0; i < rounds; ++i) {
      std::latch gone{1};
      probe pending;
      auto owned = std::make_unique<real_clock>();
      auto& clk = *owned;
      auto work = make_job([&gone, owned = std::move(owned)]() mutable {
        owned.reset();
        gone.count_down();
      });
      clk.arm(pending, clk.now() + 1h);
      clk.schedule(*work, clk.now());
      gone.wait();
      CHECK_FALSE(pending.armed());
    }
  }
  SECTION("as the last one that holds it") {
    struct owner {
      owner(std::latch& l, real_clock*& out) : gone(l) {
        out = clk.get();
      }
      ~owner() {
        clk.reset();
        gone.count_down();
      }
      std::latch& gone;
      std::unique_ptr<real_clock> clk = std::make_unique<real_clock>();
    };
    for (int i = 0; i < rounds; ++i) {
      std::latch gone{1};
      probe pending;
      real_clock* clk = nullptr;
      auto work = make_job([last = std::make_shared<owner>(gone, clk)] {});
      clk->arm(pending, clk->now() + 1h);
      auto& ref = *work;
      clk->schedule(ref, clk->now() + 50us);
      work = {};
      gone.wait();
      CHECK_FALSE(pending.armed());
    }
  }
}

TEST_CASE("a clock may go at any moment") {
  // Timers of all kinds are pending, firing and being armed by jobs.
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random{seed};
    std::deque<probe> timers(20);
    std::vector<job_ptr> jobs;
    jobs.reserve(5);
    real_clock clk;
    for (auto& t : timers)
      clk.arm(t, clk.now() + std::chrono::microseconds{random() % 300});
    for (int i = 0; i < 5; ++i) {
      jobs.push_back(make_job([&, i] {
        clk.arm(timers[static_cast<std::size_t>(i)], clk.now());
        clk.schedule(*jobs[static_cast<std::size_t>(i)], clk.now());
      }));
    }
    for (auto& work : jobs)
      clk.schedule(*work,
                   clk.now() + std::chrono::microseconds{random() % 300});
    if (seed % 2 == 0)
      clk.stop();
  }
}
