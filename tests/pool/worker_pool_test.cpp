// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "troupe/detail/access.hpp"
#include "troupe/worker_pool.hpp"

#include "support/accounts.hpp"
#include "support/plain_caf.hpp"
#include "support/real_system.hpp"
#include "troupe/event_log.hpp"
#include "troupe/queue_worker.hpp"
#include "troupe/run.hpp"
#include "troupe/scoped_supervisor.hpp"
#include "troupe/spawn.hpp"
#include "troupe/testing.hpp"
#include "worker/worker_core.hpp"

#include <caf/scoped_actor.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using support::balanced;
using support::settled;
using troupe::child_options;
using troupe::errc;
using troupe::pool_options;
using troupe::pool_ref;
using troupe::routing;
using troupe::task;
using troupe::worker_pool;
using testing_system = troupe::testing::system;

namespace {

/// What the workers of a pool have handled, in the order of its end.
class book {
public:
  void note(const std::string& who, int32_t what) {
    std::unique_lock guard{mtx_};
    all_.emplace_back(who, what);
  }

  [[nodiscard]] std::vector<std::pair<std::string, int32_t>> all() const {
    std::unique_lock guard{mtx_};
    return all_;
  }

  /// What each worker has handled.
  [[nodiscard]] std::map<std::string, std::vector<int32_t>> by_worker() const {
    std::map<std::string, std::vector<int32_t>> result;
    for (auto& [who, what] : all())
      result[who].push_back(what);
    return result;
  }

  [[nodiscard]] std::multiset<int32_t> messages() const {
    std::multiset<int32_t> result;
    for (auto& [who, what] : all())
      result.insert(what);
    return result;
  }

private:
  mutable std::mutex mtx_;
  std::vector<std::pair<std::string, int32_t>> all_;
};

using book_ptr = std::shared_ptr<book>;

/// Takes some time over each number; fails on those below zero, and does not
/// start once it is told so.
class clerk : public troupe::queue_consumer<int32_t> {
public:
  explicit clerk(book_ptr to, troupe::timespan pace = 1s,
                 std::shared_ptr<std::atomic<bool>> may_start = nullptr)
    : to_(std::move(to)), pace_(pace), may_start_(std::move(may_start)) {
    // nop
  }

  task<> on_startup() override {
    if (may_start_ && !*may_start_)
      throw std::runtime_error("not today");
    co_return;
  }

  task<> run() override {
    while (auto m = co_await get_message()) {
      for (auto end = now() + pace_; now() < end;)
        static_cast<void>(co_await sleep_until(end));
      if (*m < 0)
        throw std::runtime_error("cannot take " + std::to_string(*m));
      to_->note(name(), *m);
    }
  }

private:
  book_ptr to_;
  troupe::timespan pace_;
  std::shared_ptr<std::atomic<bool>> may_start_;
};

using clerks = worker_pool<clerk>;

/// Of those that fail: waits for a restart, and does not count.
constexpr troupe::restart_backoff slowly{.initial = 10s, .jitter = 0.0};

std::multiset<int32_t> numbers(int32_t first, int32_t last) {
  std::multiset<int32_t> result;
  for (auto i = first; i <= last; ++i)
    result.insert(i);
  return result;
}

} // namespace

// -- where a message goes ------------------------------------------------------

TEST_CASE("P1 a pool is one handle to N workers") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{{.name = "clerks", .size = 3}, to});
  CHECK(pool.size() == 3);
  REQUIRE(!pool.startup());
  CHECK(pool.count_children().active == 3);
  CHECK(pool.path() == "/clerks");
  CHECK(pool.child("clerk#1").path() == "/clerks/clerk#1");
  for (int32_t i = 1; i <= 6; ++i)
    CHECK(pool.send(i));
  CHECK(pool.queue().sent == 6);
  CHECK(pool.queue().queued + pool.queue().in_progress == 6);
  CHECK(pool.status_tree().queue.sent == 6);
  CHECK(pool.status().queued == pool.queue().queued);
  pool.drain();
  CHECK(!pool.send(7));
  CHECK(pool.wait_for_shutdown()->ok());
  CHECK(to->messages() == numbers(1, 6));
  CHECK(pool.queue().handled == 6);
  CHECK(pool.queue().closed == 1);
  CHECK(settled(pool.queue()));
}

TEST_CASE("P1 what comes before the start waits for it, in its order") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{{.size = 1}, to});
  CHECK(pool.name() == "clerk_pool");
  for (int32_t i = 1; i <= 4; ++i)
    pool.send(i);
  CHECK(pool.queue().queued == 4);
  REQUIRE(!pool.startup());
  pool.send(5);
  pool.drain();
  CHECK(pool.wait_for_shutdown()->ok());
  CHECK(to->by_worker()["clerk#1"] == std::vector<int32_t>{1, 2, 3, 4, 5});
  CHECK(settled(pool.queue()));
}

TEST_CASE("P2 round robin: each in turn") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{{.size = 3}, to});
  pool.startup();
  for (int32_t i = 1; i <= 6; ++i)
    pool.send(i);
  sys.advance(10s);
  auto got = to->by_worker();
  CHECK(got["clerk#1"] == std::vector<int32_t>{1, 4});
  CHECK(got["clerk#2"] == std::vector<int32_t>{2, 5});
  CHECK(got["clerk#3"] == std::vector<int32_t>{3, 6});
  pool.shutdown();
}

TEST_CASE("P2 least busy: what is in progress counts as well") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(
    sys, clerks{{.size = 2, .routing = routing::least_busy}, to});
  pool.startup();
  pool.send(1);
  sys.run();
  pool.send(2);
  sys.run();
  auto first = pool.child("clerk#1");
  auto second = pool.child("clerk#2");
  CHECK(first.queue().in_progress == 1);
  CHECK(second.queue().in_progress == 1);
  troupe::worker_ref<clerk>{first}.send(10);
  pool.send(3);
  pool.send(4);
  CHECK(second.queue().sent == 2);
  CHECK(first.queue().sent + second.queue().sent == 5);
  sys.advance(20s);
  CHECK(pool.queue().handled == 5);
  pool.shutdown();
}

TEST_CASE("P2 a message goes to one that has room, and is ready, if it can") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto how = pool_options{.size = 2,
                          .each = {.backoff = slowly,
                                   .worker = {.queue = {.capacity = 2}}}};
  SECTION("in turn") {
    how.routing = routing::round_robin;
  }
  SECTION("the least busy") {
    how.routing = routing::least_busy;
  }
  auto pool = troupe::spawn(sys, clerks{how, to});
  pool.startup();
  pool.send(-1);
  sys.advance(1s); // the first one backs off
  for (int32_t i = 1; i <= 3; ++i) {
    CHECK(pool.send(i));
    sys.run();
  }
  CHECK(pool.child("clerk#1").queue().sent == 1);
  // The other one has no more room.
  CHECK(pool.send(4));
  CHECK(pool.send(5));
  CHECK(pool.child("clerk#1").queue().queued == 2);
  CHECK(!pool.send(6));
  CHECK(pool.queue().rejected == 1);
  CHECK(balanced(pool.queue()));
  sys.advance(60s);
  CHECK(to->messages() == numbers(1, 5));
  pool.shutdown();
  CHECK(settled(pool.queue()));
}

TEST_CASE("P3 by key: one worker for a key, also after its restart") {
  testing_system sys;
  auto to = std::make_shared<book>();
  clerks how{{.size = 4, .each = {.backoff = slowly}}, to};
  how.key([](int32_t x) { return std::abs(x) % 10; });
  auto pool = troupe::spawn(sys, how);
  pool.startup();
  for (int32_t i = 0; i < 40; ++i)
    pool.send(i);
  pool.send(-3); // fails
  sys.advance(41s);
  for (int32_t i = 40; i < 80; ++i)
    pool.send(i);
  sys.advance(100s);
  std::map<int32_t, std::set<std::string>> who;
  std::map<int32_t, std::vector<int32_t>> order;
  for (auto& [name, x] : to->all()) {
    who[x % 10].insert(name);
    order[x % 10].push_back(x);
  }
  CHECK(to->messages() == numbers(0, 79));
  for (auto& [key, names] : who)
    CHECK(names.size() == 1);
  for (auto& [key, xs] : order)
    CHECK(std::is_sorted(xs.begin(), xs.end()));
  CHECK(pool.queue().lost == 1);
  pool.shutdown();
  CHECK(settled(pool.queue()));
}

TEST_CASE("P3 a key can be given with the message") {
  testing_system sys;
  auto to = std::make_shared<book>();
  clerks how{{.size = 4}, to};
  how.key([](int32_t x) { return x; });
  auto pool = troupe::spawn(sys, how);
  pool.startup();
  for (int32_t i = 0; i < 12; ++i)
    pool.send(std::string{"all the same"}, i);
  sys.advance(20s);
  CHECK(to->by_worker().size() == 1);
  CHECK(to->messages() == numbers(0, 11));
  pool.shutdown();
}

namespace {

/// A pool in which all messages have one key, and the worker that gets them.
struct one_key {
  explicit one_key(testing_system& sys) {
    clerks how{{.name = "p", .size = 3}, to};
    how.key([](int32_t) { return 7; });
    pool = troupe::spawn(sys, how);
    pool.startup();
    send(1, 10);
    sys.run();
    for (auto& x : pool.which_children())
      if (x.child.queue().sent > 0)
        owner = x.child;
  }

  void send(int32_t first, int32_t last) const {
    for (auto i = first; i <= last; ++i)
      CHECK(pool.send(i));
  }

  /// What was handled, but for the message that was in hand from the first.
  [[nodiscard]] std::vector<int32_t> rest() const {
    std::vector<int32_t> result;
    for (auto& [who, what] : to->all())
      if (what != 1)
        result.push_back(what);
    return result;
  }

  book_ptr to = std::make_shared<book>();
  pool_ref<clerk> pool;
  troupe::worker_handle owner;
};

} // namespace

TEST_CASE(
  "P3 P7 what a worker that is stopped alone has comes before the new") {
  testing_system sys;
  one_key the{sys};
  REQUIRE(the.owner);
  auto* queue = troupe::detail::access::core_of(the.owner)->queue();
  SECTION("while it drains") {
    the.owner.drain();
    sys.run();
    the.send(11, 20);
  }
  SECTION("between the two steps of its stop") {
    queue->close(false);
    the.send(11, 20);
    the.owner.gracefully_stop();
  }
  SECTION("between the two steps of its end") {
    queue->close(false);
    the.send(11, 20);
    queue->discard(troupe::detail::message_queue::fate::handled);
  }
  SECTION("also if it goes to one that has just been stopped, too") {
    for (auto& x : the.pool.which_children())
      troupe::detail::access::core_of(x.child)->queue()->close(false);
    the.send(11, 15);
    the.owner.shutdown();
    CHECK(!the.pool.resize(3).get().error);
    the.send(16, 20);
  }
  sys.advance(1min);
  auto rest = the.rest();
  CHECK(rest.size() == 19);
  CHECK(std::is_sorted(rest.begin(), rest.end()));
  the.pool.shutdown();
  CHECK(settled(the.pool.queue()));
}

namespace {

/// Which keys are in hand, and whether one was in two hands.
struct desk {
  std::set<int32_t> in_hand;
  bool torn = false;
  int started = 0;
  int handled = 0;
};

/// Starts later than those before it, and takes a while for each message.
class slow_clerk : public troupe::queue_consumer<int32_t> {
public:
  explicit slow_clerk(std::shared_ptr<desk> at) : at_(std::move(at)) {
    // nop
  }

  task<> on_startup() override {
    co_await sleep_for(10ms * at_->started++);
  }

  task<> run() override {
    while (auto m = co_await get_message()) {
      at_->torn = !at_->in_hand.insert(*m % 8).second || at_->torn;
      co_await sleep_for(15ms);
      at_->in_hand.erase(*m % 8);
      ++at_->handled;
    }
  }

private:
  std::shared_ptr<desk> at_;
};

} // namespace

TEST_CASE("P1 P3 by key, those who come together begin together") {
  testing_system sys;
  auto at = std::make_shared<desk>();
  worker_pool<slow_clerk> spec{{.name = "x", .size = 4}, at};
  spec.key([](int32_t x) { return x % 8; });
  auto pool = troupe::spawn(sys, spec);
  auto send_some = [&pool] {
    for (int32_t i = 0; i < 80; ++i)
      pool.send(i);
  };
  send_some();
  pool.startup();
  CHECK(pool.resize(0).get());
  at->started = 0;
  send_some();
  CHECK(pool.resize(4).get());
  pool.drain();
  pool.wait_for_shutdown();
  CHECK(at->handled == 160);
  CHECK_FALSE(at->torn);
}

TEST_CASE("P4 a plain CAF message to the pool is routed as well") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(
    sys,
    clerks{{.size = 2, .each = {.worker = {.queue = {.capacity = 1}}}}, to});
  pool.startup();
  {
    caf::scoped_actor self{sys.sys()};
    support::tell(pool.actor(), int32_t{1});
    support::tell(pool.actor(), int32_t{2});
    sys.run();
    auto accepted = support::request(self, pool.actor(), troupe::infinite,
                                     int32_t{3});
    sys.await_mail(self);
    std::move(accepted).receive([] {}, [](caf::error&) { FAIL(); });
    support::tell(pool.actor(), int32_t{4});
    auto refused = support::request(self, pool.actor(), troupe::infinite,
                                    int32_t{5});
    sys.await_mail(self);
    std::move(refused).receive(
      [] { FAIL(); }, [](caf::error& x) { CHECK(x == errc::queue_full); });
    // What it does not know is refused, and what a supervisor knows is served.
    auto unknown = support::request(self, pool.actor(), troupe::infinite,
                                    std::string{"what?"});
    sys.await_mail(self);
    std::move(unknown).receive([] { FAIL(); }, [](caf::error&) {});
  }
  sys.advance(10s);
  auto got = to->by_worker();
  CHECK(got["clerk#1"] == std::vector<int32_t>{1, 3});
  CHECK(got["clerk#2"] == std::vector<int32_t>{2, 4});
  CHECK(pool.queue().rejected == 1);
  pool.shutdown();
  CHECK(settled(pool.queue()));
}

// -- room ----------------------------------------------------------------------

namespace {

/// Sends numbers to a pool, waiting for room.
class patient : public troupe::worker {
public:
  patient(pool_ref<clerk> to, int32_t n) : to_(std::move(to)), n_(n) {
    // nop
  }

  task<> run() override {
    for (int32_t i = 1; i <= n_; ++i) {
      auto sending = send_to(to_, i);
      auto err = co_await std::move(sending);
      if (err)
        throw std::runtime_error(caf::to_string(err));
      ++sent;
    }
  }

  int32_t sent = 0;

private:
  pool_ref<clerk> to_;
  int32_t n_;
};

pool_options narrow(std::size_t size) {
  return {.size = size, .each = {.worker = {.queue = {.capacity = 1}}}};
}

} // namespace

TEST_CASE("P5 a sender can wait for room in a pool") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{narrow(2), to});
  pool.startup();
  auto sender = troupe::spawn<patient>(sys, {}, pool, 20);
  sender.startup();
  sys.advance(1min);
  CHECK(sender.outcome()->ok());
  CHECK(to->messages() == numbers(1, 20));
  CHECK(pool.queue().dead_letters() == 0);
  pool.shutdown();
}

TEST_CASE("P5 who waits for room is let in by others when a worker goes") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{narrow(3), to});
  pool.startup();
  std::vector<troupe::worker_ref<patient>> senders;
  for (int i = 0; i < 6; ++i) {
    senders.push_back(troupe::spawn<patient>(sys, {}, pool, 5));
    senders.back().startup();
  }
  sys.run();
  auto shrinking = pool.resize(1);
  CHECK(!shrinking.get().error);
  auto none = pool.resize(0);
  CHECK(!none.get().error);
  sys.advance(10s);
  CHECK(balanced(pool.queue()));
  auto again = pool.resize(2);
  CHECK(!again.get().error);
  sys.advance(1min);
  for (auto& x : senders)
    CHECK(x.outcome()->ok());
  CHECK(to->all().size() == 30);
  CHECK(pool.queue().dead_letters() == 0);
  pool.shutdown();
  CHECK(settled(pool.queue()));
}

TEST_CASE("P5 who waits for room is told when the pool stops, or goes") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{narrow(1), to});
  pool.startup();
  auto told = troupe::spawn<patient>(sys, {}, pool, 9);
  auto gone = troupe::spawn<patient>(sys, {.stopping_grace_period = 0s}, pool,
                                     9);
  told.startup();
  gone.startup();
  sys.run();
  gone.shutdown();
  pool.shutdown();
  sys.run();
  CHECK(told.outcome()->kind() == troupe::outcome_kind::failed);
  CHECK(settled(pool.queue()));
}

// -- size ----------------------------------------------------------------------

TEST_CASE("P6 a pool grows and shrinks, and loses nothing") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{{.size = 2}, to});
  pool.startup();
  int32_t last = 0;
  auto load = [&](int n) {
    while (n-- > 0)
      CHECK(pool.send(++last));
  };
  load(20);
  CHECK(!pool.resize(5).get().error);
  CHECK(pool.size() == 5);
  CHECK(pool.count_children().active == 5);
  load(20);
  auto shrinking = pool.resize(1);
  CHECK(pool.size() == 1);
  // Those that go get nothing more, from this moment on.
  auto before = pool.child("clerk#4").queue().sent;
  load(5);
  CHECK(pool.child("clerk#4").queue().sent == before);
  CHECK(!shrinking.get().error);
  CHECK(pool.count_children().active == 1);
  CHECK(pool.queue().sent == 45);
  CHECK(balanced(pool.queue()));
  sys.advance(5min);
  CHECK(to->messages() == numbers(1, 45));
  CHECK(pool.queue().handled == 45);
  pool.shutdown();
  CHECK(pool.queue().sent == 45);
  CHECK(settled(pool.queue()));
}

namespace {

class late_riser : public troupe::queue_consumer<int32_t> {
public:
  task<> on_startup() override {
    static_cast<void>(co_await sleep_for(200ms));
  }

  task<> run() override {
    while (auto m = co_await get_message())
      static_cast<void>(*m);
  }
};

} // namespace

TEST_CASE("P6 a resize while the pool starts is done when all have come") {
  auto n = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{2},
                    std::size_t{3});
  CAPTURE(n);
  testing_system sys;
  auto pool = troupe::spawn(sys, worker_pool<late_riser>{{.size = 2}});
  pool.start();
  sys.advance(50ms);
  CHECK(!pool.resize(n).get().error);
  CHECK(pool.size() == n);
  CHECK(pool.count_children().active == n);
  pool.shutdown();
}

TEST_CASE("P6 so is one while its next life starts") {
  testing_system sys;
  troupe::supervisor_spec spec{.name = "office"};
  spec.add(worker_pool<late_riser>{{.name = "late", .size = 2}});
  troupe::scoped_supervisor tree{sys, std::move(spec)};
  auto pool = *troupe::lookup<worker_pool<late_riser>>(sys, "/office/late");
  support::tell(pool.actor(),
                caf::exit_msg{pool.actor().address(), caf::exit_reason::kill});
  sys.run();
  sys.advance(50ms);
  CHECK(pool.incarnation() == 2);
  CHECK(!pool.resize(2).get().error);
  CHECK(pool.count_children().active == 2);
  tree.shutdown();
}

TEST_CASE("P6 who goes finishes what it has in hand, others the rest") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{{.size = 2}, to});
  pool.startup();
  for (int32_t i = 1; i <= 8; ++i)
    pool.send(i);
  sys.run();
  auto begin = sys.now();
  CHECK(!pool.resize(1).get().error);
  CHECK(sys.now() - begin == 1s);
  pool.send(9);
  sys.advance(1min);
  auto got = to->by_worker();
  CHECK(got["clerk#2"] == std::vector<int32_t>{2});
  CHECK(got["clerk#1"] == std::vector<int32_t>{1, 3, 5, 7, 4, 6, 8, 9});
  pool.shutdown();
  CHECK(settled(pool.queue()));
}

TEST_CASE("P6 what takes longer than the grace period is lost, and counted") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(
    sys,
    clerks{{.size = 2, .each = {.worker = {.stopping_grace_period = 500ms}}},
           to});
  pool.startup();
  for (int32_t i = 1; i <= 20; ++i)
    pool.send(i);
  sys.run();
  CHECK(!pool.resize(1).get().error);
  auto counts = pool.queue();
  CHECK(counts.lost == 1);
  CHECK(counts.sent == 20);
  CHECK(balanced(counts));
  sys.advance(1min);
  CHECK(to->all().size() == 19);
  pool.shutdown();
  CHECK(settled(pool.queue()));
}

TEST_CASE("P6 who comes gets a share of what is queued") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto how = pool_options{.size = 1};
  SECTION("in turn") {
    how.routing = routing::round_robin;
  }
  SECTION("the least busy") {
    how.routing = routing::least_busy;
  }
  auto pool = troupe::spawn(sys, clerks{how, to});
  pool.startup();
  for (int32_t i = 1; i <= 21; ++i)
    pool.send(i);
  sys.run();
  CHECK(!pool.resize(4).get().error);
  sys.advance(7s);
  CHECK(to->messages() == numbers(1, 21));
  pool.shutdown();
}

TEST_CASE("P3 the messages of a key keep their order when it moves") {
  testing_system sys;
  auto to = std::make_shared<book>();
  clerks how{{.size = 3}, to};
  how.key([](int32_t x) { return x % 8; });
  auto pool = troupe::spawn(sys, how);
  int32_t last = 0;
  auto load = [&](int n) {
    while (n-- > 0)
      pool.send(last++);
  };
  load(40);
  pool.startup();
  load(40);
  // Nothing is in hand, or the former worker might be late with it.
  for (std::size_t n : {0, 5, 0, 2, 0, 4}) {
    CHECK(!pool.resize(n).get().error);
    load(20);
    sys.advance(3s);
  }
  sys.advance(5min);
  CHECK(to->messages() == numbers(0, last - 1));
  std::map<int32_t, std::vector<int32_t>> order;
  for (auto& [name, x] : to->all())
    order[x % 8].push_back(x);
  for (auto& [key, xs] : order)
    CHECK(std::is_sorted(xs.begin(), xs.end()));
  pool.shutdown();
}

TEST_CASE("P6 a pool of no workers keeps what comes") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{{.size = 3}, to});
  pool.startup();
  for (int32_t i = 1; i <= 6; ++i)
    pool.send(i);
  sys.run();
  CHECK(!pool.resize(0).get().error);
  CHECK(to->all().size() == 3);
  for (int32_t i = 7; i <= 9; ++i)
    CHECK(pool.send(i));
  sys.advance(1min);
  CHECK(pool.queue().queued == 6);
  CHECK(pool.status().queued == 6);
  CHECK(!pool.resize(2).get().error);
  sys.advance(1min);
  CHECK(to->messages() == numbers(1, 9));
  // The workers are the same as before, and so are their counts.
  CHECK(pool.queue().handled == 9);
  CHECK(pool.which_children().size() == 3);
  pool.shutdown();
  CHECK(settled(pool.queue()));
}

TEST_CASE("P6 the size can be said before the start") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{{.size = 0}, to});
  CHECK(!pool.resize(3).get().error);
  CHECK(!pool.startup());
  CHECK(pool.count_children().active == 3);
  pool.shutdown();
  CHECK(pool.resize(4).get().error == errc::supervisor_stopping);
  CHECK(pool_ref<clerk>{}.resize(1).get().error == errc::invalid_argument);
  CHECK(pool_ref<clerk>{}.size() == 0);
  CHECK(!pool_ref<clerk>{}.send(1));
}

TEST_CASE("P6 of several calls the last one counts") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{{.size = 2}, to});
  pool.startup();
  for (int32_t i = 1; i <= 10; ++i)
    pool.send(i);
  sys.run();
  std::vector<troupe::child_call> calls;
  for (std::size_t n : {0, 5, 1, 4, 0, 3})
    calls.push_back(pool.resize(n));
  for (auto& x : calls)
    CHECK(!x.get().error);
  CHECK(pool.size() == 3);
  CHECK(pool.count_children().active == 3);
  sys.advance(1min);
  CHECK(to->messages() == numbers(1, 10));
  pool.shutdown();
  CHECK(settled(pool.queue()));
}

TEST_CASE("P6 a worker that does not start leaves the pool as it was") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto may_start = std::make_shared<std::atomic<bool>>(true);
  auto pool = troupe::spawn(sys, clerks{{.size = 2}, to, 1s, may_start});
  pool.startup();
  *may_start = false;
  auto failed = pool.resize(4).get();
  CHECK_THAT(troupe::text_of(failed.error), ContainsSubstring("not today"));
  CHECK(pool.size() == 2);
  CHECK(pool.count_children().active == 2);
  *may_start = true;
  CHECK(!pool.resize(4).get().error);
  CHECK(pool.count_children().active == 4);
  for (int32_t i = 1; i <= 8; ++i)
    pool.send(i);
  sys.advance(1min);
  CHECK(to->by_worker().size() == 4);
  pool.shutdown();
}

TEST_CASE("P6 a worker can go while it waits for its restart") {
  testing_system sys;
  auto to = std::make_shared<book>();
  clerks how{{.size = 2, .each = {.backoff = slowly}}, to};
  auto pool = troupe::spawn(sys, how);
  pool.startup();
  pool.send(1);
  pool.send(-1);
  pool.send(2);
  pool.send(3);
  sys.advance(1s);
  CHECK(pool.child("clerk#2").phase() == troupe::worker_phase::backing_off);
  CHECK(!pool.resize(1).get().error);
  sys.advance(1min);
  // What it had went to the other one.
  CHECK(to->by_worker()["clerk#1"].size() == 3);
  CHECK(pool.queue().lost == 1);
  CHECK(!pool.resize(2).get().error);
  sys.advance(1min);
  pool.send(4);
  pool.send(5);
  sys.advance(1min);
  CHECK(to->messages() == numbers(1, 5));
  pool.shutdown();
  CHECK(settled(pool.queue()));
}

namespace {

/// Changes the size of a pool from within.
class manager : public troupe::worker {
public:
  explicit manager(pool_ref<clerk> what) : what_(std::move(what)) {
    // nop
  }

  task<> run() override {
    auto growing = what_.resize(4);
    auto done = co_await growing;
    grown = !done.error && what_.count_children().active == 4;
    refused = what_.resize(2).get().error == errc::would_block;
  }

  bool grown = false;
  bool refused = false;

private:
  pool_ref<clerk> what_;
};

} // namespace

TEST_CASE("P6 a worker awaits the change of a pool's size") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{{.size = 1}, to});
  pool.startup();
  auto boss = troupe::spawn<manager>(sys, {}, pool);
  boss.startup();
  CHECK(boss.wait_for_shutdown()->ok());
  CHECK(boss.worker()->grown);
  CHECK(boss.worker()->refused);
  pool.shutdown();
}

// -- supervision ---------------------------------------------------------------

TEST_CASE("P7 a worker that was stopped alone leaves its messages to others") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{{.size = 2}, to});
  pool.startup();
  for (int32_t i = 1; i <= 6; ++i)
    pool.send(i);
  sys.run();
  pool.child("clerk#1").shutdown();
  CHECK(pool.send(7));
  sys.advance(1min);
  CHECK(to->messages() == numbers(1, 7));
  // It is there again when somebody says how many there are to be.
  CHECK(!pool.resize(2).get().error);
  CHECK(pool.count_children().active == 2);
  pool.shutdown();
  CHECK(settled(pool.queue()));
}

TEST_CASE("P7 a pool whose workers fail on each message gives up") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{{.size = 2}, to, 1ms});
  pool.startup();
  for (int32_t i = 1; i <= 20; ++i)
    pool.send(-i);
  sys.advance(1min);
  auto how = pool.outcome();
  REQUIRE(how);
  CHECK(how->reason() == errc::max_restarts_exceeded);
  auto counts = pool.queue();
  CHECK(counts.sent == 20);
  CHECK(counts.lost >= 4);
  CHECK(counts.lost + counts.discarded == 20);
  CHECK(settled(counts));
  CHECK(!pool.send(1));
}

TEST_CASE("P7 a pool in a tree is restarted with what it had") {
  testing_system sys;
  auto to = std::make_shared<book>();
  troupe::supervisor_spec spec{.name = "office"};
  spec.add(clerks{{.name = "clerks", .size = 2}, to, 1ms});
  troupe::scoped_supervisor tree{sys, std::move(spec)};
  auto found = troupe::lookup<clerks>(sys, "/office/clerks");
  REQUIRE(found);
  pool_ref<clerk> pool = *found;
  CHECK(troupe::lookup<clerk>(sys, "/office/clerks").error()
        == errc::invalid_argument);
  for (int32_t i = 1; i <= 4; ++i)
    pool.send(-i);
  for (int32_t i = 1; i <= 10; ++i)
    pool.send(i);
  sys.advance(1min);
  CHECK(pool.incarnation() == 2);
  CHECK(pool.phase() == troupe::worker_phase::ready);
  CHECK(to->messages() == numbers(1, 10));
  CHECK(pool.queue().sent == 14);
  CHECK(pool.queue().lost == 4);
  CHECK(pool.status_tree().children.size() == 2);
  tree.shutdown();
  CHECK(settled(pool.queue()));
}

namespace {

class client : public troupe::worker {
public:
  explicit client(pool_ref<clerk> pool) : pool_(std::move(pool)) {
    // nop
  }

  task<> run() override {
    pool_.send(1);
    if (auto same = lookup<clerks>("/office/clerks"))
      same->send(2);
    co_await stop_requested();
  }

private:
  pool_ref<clerk> pool_;
};

} // namespace

TEST_CASE("P7 siblings find a pool by its path") {
  testing_system sys;
  auto to = std::make_shared<book>();
  troupe::supervisor_spec spec{.name = "office"};
  spec.add(clerks{{.name = "clerks", .size = 2}, to});
  spec.add<client>("client", {}, troupe::by_path<clerks>("/office/clerks"));
  troupe::scoped_supervisor tree{sys, std::move(spec)};
  sys.advance(5s);
  CHECK(to->messages() == numbers(1, 2));
  tree.shutdown();
}

TEST_CASE("P6 P7 a negative number of workers is an error") {
  testing_system sys;
  auto to = std::make_shared<book>();
  const auto negative = static_cast<std::size_t>(-1);
  CHECK_THROWS_AS(troupe::spawn(sys, clerks{{.size = negative}, to}),
                  std::invalid_argument);
  troupe::supervisor_spec tree{.name = "tree"};
  tree.add(clerks{{.name = "x", .size = negative}, to});
  CHECK_THAT(troupe::check(tree),
             ContainsSubstring("\"x\"") && ContainsSubstring("size"));
  auto pool = troupe::spawn(sys, clerks{{.name = "y", .size = 2}, to});
  CHECK(pool.resize(negative).get().error == errc::invalid_argument);
  CHECK(pool.size() == 2);
  pool.startup();
  auto wrong = pool.resize(negative).get().error;
  CHECK(wrong == errc::invalid_argument);
  CHECK_THAT(troupe::text_of(wrong), ContainsSubstring("/y"));
  CHECK(pool.size() == 2);
  CHECK(pool.count_children().active == 2);
  pool.shutdown();
}

TEST_CASE("P6 a large pool grows in steps, and each worker gets its share") {
  constexpr std::size_t most = 150;
  testing_system sys;
  auto to = std::make_shared<book>();
  auto how = GENERATE(routing::round_robin, routing::least_busy,
                      routing::by_key);
  clerks spec{{.size = 1, .routing = how}, to};
  if (how == routing::by_key)
    spec.key([](int32_t x) { return x; });
  auto pool = troupe::spawn(sys, spec);
  pool.startup();
  for (int32_t i = 1; i <= 300; ++i)
    pool.send(i);
  REQUIRE(!pool.resize(most).get().error);
  CHECK(pool.count_children().active == most);
  CHECK(balanced(pool.queue()));
  std::size_t with_work = 0;
  for (const auto& x : pool.which_children())
    with_work += x.child.queue().sent > 0 ? 1 : 0;
  // By key it is chance which of them have one.
  CHECK(with_work >= most * 3 / 4);
  REQUIRE(!pool.resize(3).get().error);
  sys.advance(300s);
  CHECK(to->messages() == numbers(1, 300));
  pool.shutdown();
  CHECK(settled(pool.queue()));
}

TEST_CASE("P7 what is wrong with a pool is named") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto what = [&](const clerks& x) {
    try {
      static_cast<void>(troupe::spawn(sys, x));
    } catch (const std::invalid_argument& err) {
      return std::string{err.what()};
    }
    return std::string{};
  };
  CHECK_THAT(what(clerks{{.name = "x", .routing = routing::by_key}, to}),
             ContainsSubstring("\"x\"") && ContainsSubstring("by_key"));
  CHECK_THAT(what(clerks{{.each = {.worker = {.queue = {.capacity = 0}}}}, to}),
             ContainsSubstring("clerk_pool")
               && ContainsSubstring("queue.capacity"));
  troupe::supervisor_spec tree{.name = "tree"};
  tree.add(clerks{{.name = "x", .routing = routing::by_key}, to});
  CHECK_THAT(troupe::check(tree), ContainsSubstring("by_key"));
}

namespace {

/// Sends to the pool that it belongs to.
class crawler : public troupe::queue_consumer<int32_t> {
public:
  explicit crawler(pool_ref<crawler> own) : own_(std::move(own)) {
    ++alive;
  }

  ~crawler() override {
    --alive;
  }

  task<> run() override {
    while (auto m = co_await get_message())
      if (*m > 0)
        own_.send(*m - 1);
  }

  static inline std::atomic<int> alive{0};

private:
  pool_ref<crawler> own_;
};

} // namespace

TEST_CASE("P7 a worker may hold a handle to its pool, and both go") {
  {
    testing_system sys;
    troupe::supervisor_spec spec{.name = "web"};
    spec.add(worker_pool<crawler>{{.name = "crawlers", .size = 3},
                                  troupe::by_path<worker_pool<crawler>>(
                                    "/web/crawlers")});
    troupe::scoped_supervisor tree{sys, std::move(spec)};
    auto pool = *troupe::lookup<worker_pool<crawler>>(sys, "/web/crawlers");
    pool.send(20);
    sys.run();
    CHECK(pool.queue().handled == 21);
    CHECK(!pool.resize(1).get().error);
    CHECK(!pool.resize(2).get().error);
    tree.shutdown();
  }
  CHECK(crawler::alive == 0);
}

TEST_CASE("P9 a handle to a worker outlives its pool, and those after it") {
  class taking : public troupe::queue_consumer<int32_t> {
  public:
    task<> run() override {
      while ([[maybe_unused]] auto x = co_await get_message()) {
        // nop
      }
    }
  };
  testing_system sys;
  std::vector<std::string> letters;
  auto pool = troupe::spawn(sys,
                            worker_pool<taking>{{.name = "pool", .size = 1}});
  CHECK_FALSE(pool.startup());
  auto former = *troupe::lookup<taking>(sys, "/pool/taking#1");
  // Another worker has the seat, and then nobody.
  CHECK(pool.resize(0).get());
  CHECK(pool.resize(1).get());
  CHECK(pool.shutdown());
  pool = {};
  sys.run();
  auto log = troupe::on_dead_letter(sys, [&](const troupe::dead_letter& x) {
    letters.push_back(x.path + ' ' + to_string(x.reason));
  });
  CHECK_FALSE(former.send(1));
  sys.run();
  CHECK(letters == std::vector<std::string>{"/pool/taking#1 closed"});
}

TEST_CASE("P8 a stop discards what is queued, a drain finishes it") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{{.size = 3}, to});
  pool.startup();
  for (int32_t i = 1; i <= 12; ++i)
    pool.send(i);
  sys.run();
  SECTION("a stop") {
    pool.shutdown();
    CHECK(pool.queue().handled == 3);
    CHECK(pool.queue().discarded == 9);
  }
  SECTION("a drain") {
    pool.drain();
    CHECK(pool.wait_for_shutdown()->ok());
    CHECK(pool.queue().handled == 12);
  }
  SECTION("a kill of its actor") {
    caf::anon_send_exit(pool.actor(), caf::exit_reason::kill);
    static_cast<void>(pool.wait_for_shutdown());
  }
  SECTION("a force") {
    pool.force_stop();
    static_cast<void>(pool.wait_for_shutdown());
    CHECK(pool.queue().lost == 3);
  }
  SECTION("in the middle of a resize") {
    auto growing = pool.resize(6);
    auto shrinking = pool.resize(1);
    pool.shutdown();
    static_cast<void>(growing.get());
    static_cast<void>(shrinking.get());
  }
  sys.advance(1min);
  CHECK(pool.queue().sent == 12);
  CHECK(settled(pool.queue()));
}

TEST_CASE("P8 a drain during the start finishes what is queued") {
  testing_system sys;
  auto at = std::make_shared<desk>();
  const auto size = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{200});
  worker_pool<slow_clerk> spec{{.name = "x", .size = size}, at};
  SECTION("in turn") {
    // nop
  }
  SECTION("by key") {
    spec.key([](int32_t x) { return x % 8; });
  }
  auto pool = troupe::spawn(sys, spec);
  CHECK(!pool.start());
  if (GENERATE(false, true))
    sys.run();
  for (int32_t i = 0; i < 40; ++i)
    CHECK(pool.send(i));
  pool.drain();
  CHECK(pool.wait_for_shutdown()->ok());
  CHECK(at->handled == 40);
  CHECK(pool.queue().handled == 40);
  CHECK(settled(pool.queue()));
}

TEST_CASE("P8 a stop discards what is queued in a pool of any size") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(sys, clerks{{.size = 200}, to});
  pool.startup();
  for (int32_t i = 1; i <= 2000; ++i)
    pool.send(i);
  sys.run();
  pool.gracefully_stop();
  CHECK(pool.wait_for_shutdown()->ok());
  // They are told in groups, and go on until they are.
  CHECK(pool.queue().handled < 500);
  CHECK(pool.queue().handled + pool.queue().discarded == 2000);
  CHECK(settled(pool.queue()));
}

TEST_CASE("P8 S14 a drain does not wait for the time of a restart") {
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool
    = troupe::spawn(sys, clerks{{.size = 2, .each = {.backoff = slowly}}, to});
  pool.startup();
  for (int32_t i : {-1, 1, 2, 3})
    pool.send(i);
  sys.advance(1s);
  const auto begin = sys.now();
  pool.drain();
  CHECK(pool.wait_for_shutdown()->ok());
  CHECK(sys.now() - begin < 10s);
  CHECK(to->messages() == std::multiset<int32_t>{1, 2, 3});
  CHECK(pool.queue().discarded == 0);
  CHECK(pool.queue().lost == 1);
  CHECK(settled(pool.queue()));
}

TEST_CASE("P8 what is left at a stop can be handed over by each worker") {
  class leaver : public troupe::queue_consumer<int32_t> {
  public:
    explicit leaver(book_ptr to) : to_(std::move(to)) {
      // nop
    }

    task<> run() override {
      co_await stop_requested();
    }

    task<> hand_over(std::vector<int32_t> rest) override {
      for (auto x : rest)
        to_->note(name(), x);
      co_return;
    }

  private:
    book_ptr to_;
  };
  testing_system sys;
  auto to = std::make_shared<book>();
  auto pool = troupe::spawn(
    sys,
    worker_pool<leaver>{
      {.size = 2,
       .each = {.worker = {.queue = {.on_stop = troupe::on_stop::hand_over}}}},
      to});
  pool.startup();
  for (int32_t i = 1; i <= 5; ++i)
    pool.send(i);
  pool.shutdown();
  CHECK(to->messages() == numbers(1, 5));
  CHECK(pool.queue().handed_over == 5);
  CHECK(settled(pool.queue()));
}

// -- threads -------------------------------------------------------------------

TEST_CASE("P6 P9 a pool changes its size under the load of 8 threads") {
  std::atomic<bool> done{false};
  std::atomic<int> refused{0};
  std::atomic<int> unbalanced{0};
  support::real_system sys{4};
  auto to = std::make_shared<book>();
  clerks how{{.size = 4,
              .each = {.backoff = {.initial = 1ms, .factor = 1.0},
                       .worker = {.stopping_grace_period = 1min}}},
             to,
             0s};
  auto fails = 0;
  SECTION("in turn") {
    // nop
  }
  SECTION("by key, while some fail") {
    how.key([](int32_t x) { return x % 64; });
    fails = 50;
  }
  constexpr int32_t per_thread = 2000;
  auto pool = troupe::spawn(sys, how);
  pool.startup();
  std::vector<std::thread> senders;
  for (int32_t t = 0; t < 8; ++t)
    senders.emplace_back([&, t] {
      for (int32_t i = 0; i < per_thread; ++i) {
        auto fail = fails != 0 && i % (per_thread / fails) == 7;
        auto x = t * per_thread + i + 1;
        if (!pool.send(fail ? -x : x))
          ++refused;
      }
    });
  std::thread reader{[&] {
    while (!done)
      if (!balanced(pool.queue()))
        ++unbalanced;
  }};
  for (std::size_t n : {1, 6, 2, 0, 3, 8, 1, 4})
    CHECK(!pool.resize(n).get().error);
  for (auto& x : senders)
    x.join();
  CHECK(!pool.resize(2).get().error);
  // Draining would not wait for restarts.
  for (auto end = std::chrono::steady_clock::now() + 30s;
       pool.queue().queued + pool.queue().in_progress != 0
       && std::chrono::steady_clock::now() < end;)
    std::this_thread::yield();
  INFO(to_string(pool.status_tree()));
  done = true;
  reader.join();
  pool.drain();
  static_cast<void>(pool.wait_for_shutdown());
  CHECK(refused == 0);
  CHECK(unbalanced == 0);
  auto counts = pool.queue();
  CHECK(settled(counts));
  CHECK(counts.sent == 8 * per_thread);
  CHECK(counts.lost == static_cast<std::uint64_t>(8 * fails));
  CHECK(counts.handled == counts.sent - counts.lost);
  auto all = to->messages();
  CHECK(all.size() == counts.handled);
  CHECK(std::set<int32_t>(all.begin(), all.end()).size() == all.size());
}

TEST_CASE("P3 a key keeps its order while its worker is stopped under load") {
  const auto how = GENERATE(0, 1, 2);
  support::real_system sys{4};
  for (int round = 0; round < 10; ++round) {
    auto to = std::make_shared<book>();
    clerks spec{{.name = "p", .size = 2}, to, 0s};
    spec.key([](int32_t) { return 7; });
    auto pool = troupe::spawn(sys, spec);
    pool.startup();
    std::atomic<bool> stop{false};
    std::atomic<int32_t> sent{0};
    std::thread sender{[&] {
      while (!stop && sent < 100'000)
        pool.send(++sent);
    }};
    while (sent < 1000)
      std::this_thread::yield();
    // The key's messages go to the other worker as soon as this one ends, so
    // only the one that has them now is stopped.
    auto workers = pool.which_children();
    auto has_key = std::ranges::find_if(workers, [](auto& x) {
      return x.child.queue().sent > 0;
    });
    REQUIRE(has_key != workers.end());
    if (how == 0)
      pool.terminate_child(has_key->name);
    else if (how == 1)
      has_key->child.gracefully_stop();
    else
      has_key->child.force_stop();
    CHECK(!pool.resize(2).get().error);
    stop = true;
    sender.join();
    pool.drain();
    pool.wait_for_shutdown();
    // The key moves when its worker ends, and when it is there again. Each
    // time the one that is in hand meanwhile may come late.
    int late = 0;
    int32_t top = 0;
    for (auto& [who, what] : to->all()) {
      late += what < top ? 1 : 0;
      top = std::max(top, what);
    }
    CHECK(late <= 2);
    CHECK(settled(pool.queue()));
  }
}

TEST_CASE("P9 nothing is lost uncounted when a loaded pool is stopped") {
  for (auto killed : {false, true}) {
    std::atomic<std::uint64_t> sent{0};
    std::atomic<bool> go_on{true};
    support::real_system sys{4};
    auto to = std::make_shared<book>();
    auto pool = troupe::spawn(sys, clerks{{.size = 4}, to, 0s});
    pool.startup();
    std::vector<std::thread> senders;
    for (int32_t t = 0; t < 4; ++t)
      senders.emplace_back([&] {
        while (go_on) {
          static_cast<void>(pool.send(1));
          ++sent;
        }
      });
    auto call = pool.resize(2);
    static_cast<void>(call.get());
    auto other = pool.resize(6);
    if (killed)
      caf::anon_send_exit(pool.actor(), caf::exit_reason::kill);
    else
      pool.gracefully_stop();
    static_cast<void>(pool.wait_for_shutdown());
    go_on = false;
    for (auto& x : senders)
      x.join();
    static_cast<void>(other.get());
    CHECK(settled(pool.queue()));
    CHECK(pool.queue().sent == sent);
    CHECK(pool.queue().handled == to->all().size());
  }
}
