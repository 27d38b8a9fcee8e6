// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "tasks/offload_pool.hpp"

#include "support/loop_strand.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::detail;
using testing::loop_strand;

namespace {

/// Jobs that a test has made: how many are there, and which have run.
struct book {
  std::atomic<int> alive = 0;
  std::mutex mtx;
  std::vector<int> ran;

  [[nodiscard]] std::size_t runs() {
    std::unique_lock guard{mtx};
    return ran.size();
  }
};

class noted_job final : public thread_job {
public:
  noted_job(strand& strand, book& all, int number, std::function<void()> f)
    : thread_job(strand), all_(all), number_(number), f_(std::move(f)) {
    ++all_.alive;
  }

  ~noted_job() override {
    if (--all_.alive == 0)
      all_.alive.notify_all();
  }

  void run() noexcept override {
    if (f_)
      f_();
    std::unique_lock guard{all_.mtx};
    all_.ran.push_back(number_);
  }

private:
  book& all_;
  int number_;
  std::function<void()> f_;
};

struct fixture {
  /// Hands a job to the pool; the result is good for `take_back` as long as the
  /// job waits.
  thread_job& run(offload_pool& pool, int number, std::function<void()> f = {},
                  strand* strand = nullptr) {
    auto job = std::make_unique<noted_job>(strand != nullptr ? *strand : here,
                                           all, number, std::move(f));
    auto& result = *job;
    pool.run(std::move(job));
    return result;
  }

  /// Waits until no job is left.
  void await_end() {
    for (int n = all.alive; n != 0; n = all.alive)
      all.alive.wait(n);
  }

  /// Waits until the pool has noticed the end of what has run.
  static void await_idle(const offload_pool& pool) {
    while (pool.count().busy + pool.count().given_up > 0)
      std::this_thread::yield();
  }

  book all;
  loop_strand here;
  threads source;
};

/// Blocks whoever comes until it is opened.
class block {
public:
  ~block() {
    open();
  }

  std::function<void()> entered() {
    return [this] {
      in_.count_down();
      way_out_.wait();
    };
  }

  void await() {
    in_.wait();
  }

  void open() {
    if (!std::exchange(is_open_, true))
      way_out_.count_down();
  }

private:
  std::latch in_{1};
  std::latch way_out_{1};
  bool is_open_ = false;
};

} // namespace

TEST_CASE_METHOD(fixture, "A6 so many calls run at once, and no more") {
  constexpr std::size_t bound = 3;
  offload_pool pool{bound, source, nullptr};
  std::atomic<std::size_t> now = 0;
  std::atomic<std::size_t> most = 0;
  std::barrier<> meet{bound}; // fewer would wait here for ever
  for (int i = 0; i < 99; ++i)
    run(pool, i, [&] {
      auto n = ++now;
      auto seen = most.load();
      while (n > seen && !most.compare_exchange_weak(seen, n)) {
        // nop
      }
      meet.arrive_and_wait();
      --now;
    });
  await_end();
  CHECK(most == bound);
  CHECK(all.runs() == 99);
  await_idle(pool);
  CHECK(pool.count().queued == 0);
}

TEST_CASE_METHOD(fixture, "A6 what waits has its turn in the order in which it "
                          "came") {
  offload_pool pool{1, source, nullptr};
  block there;
  std::vector<int> in_order;
  for (int i = 0; i < 100; ++i) {
    run(pool, i, i == 0 ? there.entered() : std::function<void()>{});
    in_order.push_back(i);
  }
  there.await();
  CHECK(pool.count().busy == 1);
  CHECK(pool.count().queued == 99);
  there.open();
  await_end();
  CHECK(all.ran == in_order);
}

TEST_CASE_METHOD(fixture,
                 "A6 a call that waits can be taken back, and one that "
                 "has begun cannot") {
  offload_pool pool{1, source, nullptr};
  block there;
  auto& first = run(pool, 0, there.entered());
  std::vector<thread_job*> waiting;
  for (int i = 1; i <= 100; ++i)
    waiting.push_back(&run(pool, i));
  there.await();
  CHECK(pool.take_back(first) == nullptr);
  // Every second one, among them the first and the last of the queue.
  std::vector<std::unique_ptr<thread_job>> back;
  for (std::size_t i = 0; i < waiting.size(); ++i)
    if (i % 2 == 0 || i == 99)
      back.push_back(pool.take_back(*waiting[i]));
  CHECK(std::none_of(back.begin(), back.end(),
                     [](auto& x) { return x == nullptr; }));
  CHECK(pool.take_back(*back.front()) == nullptr);
  CHECK(pool.count().queued == 49);
  CHECK(all.alive == 101);
  back.clear();
  CHECK(all.alive == 50);
  there.open();
  await_end();
  REQUIRE(all.ran.size() == 50);
  CHECK(std::is_sorted(all.ran.begin(), all.ran.end()));
  CHECK(std::all_of(all.ran.begin(), all.ran.end(),
                    [](int i) { return i % 2 == 0; }));
}

TEST_CASE_METHOD(fixture,
                 "L17 a call that is given up makes room for another") {
  offload_pool pool{2, source, nullptr};
  loop_strand lost;
  block there[2];
  run(pool, 1, there[0].entered(), &lost);
  run(pool, 2, there[1].entered(), &lost);
  there[0].await();
  there[1].await();
  run(pool, 3, {}, &lost); // of the same worker, and never to begin
  std::latch two_at_once{2};
  for (int i : {4, 5})
    run(pool, i, [&] { two_at_once.arrive_and_wait(); });
  CHECK(pool.count().queued == 3);
  pool.abandon(lost);
  pool.abandon(lost); // changes nothing
  two_at_once.wait();
  CHECK(pool.count().given_up == 2);
  // They come back after all, and the bound is what it was.
  for (auto& x : there)
    x.open();
  await_end();
  await_idle(pool);
  std::sort(all.ran.begin(), all.ran.end());
  CHECK(all.ran == std::vector{1, 2, 4, 5});
  block again;
  run(pool, 6, again.entered());
  run(pool, 7);
  run(pool, 8);
  again.await();
  again.open();
  await_end();
  await_idle(pool);
  CHECK(all.runs() == 7);
}

TEST_CASE_METHOD(fixture, "L17 a thread that comes back late helps where there "
                          "is room, and not beyond the bound") {
  offload_pool pool{1, source, nullptr};
  loop_strand lost;
  block late;
  block there;
  run(pool, 1, late.entered(), &lost);
  late.await();
  pool.abandon(lost);
  run(pool, 2, there.entered());
  there.await();
  run(pool, 3);
  late.open();
  while (pool.count().given_up > 0)
    std::this_thread::yield();
  CHECK(pool.count().busy == 1);
  CHECK(pool.count().queued == 1);
  there.open();
  await_end();
  CHECK(all.ran == std::vector{1, 2, 3});
}

TEST_CASE_METHOD(fixture, "A6 what waits when the pool stops is destroyed") {
  offload_pool pool{1, source, nullptr};
  block there;
  run(pool, 1, there.entered());
  there.await();
  for (int i = 2; i < 10; ++i)
    run(pool, i);
  pool.stop();
  CHECK(all.alive == 1);
  run(pool, 10);
  CHECK(all.alive == 1);
  there.open();
  await_end();
  CHECK(all.ran == std::vector{1});
}

TEST_CASE_METHOD(fixture, "A6 a job that gets no thread is destroyed, and does "
                          "not count") {
  offload_pool pool{1, source, nullptr};
  source.stop();
  run(pool, 1);
  run(pool, 2);
  CHECK(all.alive == 0);
  CHECK(all.ran.empty());
  CHECK(pool.count().busy == 0);
  CHECK(pool.count().queued == 0);
}

TEST_CASE_METHOD(fixture, "A6 a thread outlives the pool it works for") {
  block there;
  {
    offload_pool pool{1, source, nullptr};
    run(pool, 1, there.entered());
    there.await();
    run(pool, 2);
  }
  CHECK(all.alive == 1);
  there.open();
  await_end();
  CHECK(all.ran == std::vector{1});
}

TEST_CASE_METHOD(fixture, "A6 calls that come, go and are given up at once") {
  constexpr int callers = 4;
  constexpr int rounds = 500;
  offload_pool pool{2, source, nullptr};
  std::atomic<int> runs = 0;
  std::atomic<int> back = 0;
  std::atomic<int> gone = 0;
  /// A job that can be taken back by its caller as long as it may not have
  /// been destroyed, as an offloaded call sees to.
  struct shy_job final : thread_job {
    shy_job(strand& strand, std::mutex& m, thread_job*& w, std::atomic<int>& r,
            std::atomic<int>& g)
      : thread_job(strand), mtx(m), where(w), runs(r), gone(g) {
      where = this;
    }
    ~shy_job() override {
      ++gone;
      std::unique_lock guard{mtx};
      where = nullptr;
    }
    void run() noexcept override {
      ++runs;
    }
    std::mutex& mtx;
    thread_job*& where;
    std::atomic<int>& runs;
    std::atomic<int>& gone;
  };
  std::vector<std::thread> all_pollers;
  for (int c = 0; c < callers; ++c)
    all_pollers.emplace_back([&] {
      loop_strand mine;
      std::mutex mtx;
      thread_job* where = nullptr;
      for (int i = 0; i < rounds; ++i) {
        pool.run(std::make_unique<shy_job>(mine, mtx, where, runs, gone));
        if (i % 7 == 0)
          pool.abandon(mine);
        std::unique_ptr<thread_job> taken;
        {
          std::unique_lock guard{mtx};
          if (where != nullptr && i % 2 == 0)
            taken = pool.take_back(*where);
        }
        if (taken) {
          ++back;
          taken = nullptr;
        }
        for (;;) {
          {
            std::unique_lock guard{mtx};
            if (where == nullptr)
              break;
          }
          std::this_thread::yield();
        }
      }
    });
  for (auto& x : all_pollers)
    x.join();
  CHECK(gone == callers * rounds);
  CHECK(runs + back <= callers * rounds);
  await_idle(pool);
  CHECK(pool.count().queued == 0);
}
