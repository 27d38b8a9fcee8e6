// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A queue whose messages take long to destroy, because there are so many or
// because each does, when its worker ends.

#include "support/real_system.hpp"
#include "support/scenes.hpp"
#include "troupe/dead_letter.hpp"
#include "troupe/event_log.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/spawn.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/supervisor_spec.hpp"

#include <caf/init_global_meta_objects.hpp>
#include <caf/type_id.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using support::scene_consumer;
using troupe::dead_letter;
using troupe::dead_letter_reason;
using troupe::on_stop;
using troupe::task;

constexpr std::size_t very_many = 50'000;

/// Counts the parcels that are destroyed. The first ones may go at once; each
/// one after that waits for the gate.
struct ledger {
  std::atomic<std::size_t> ended{0};
  std::atomic<bool> open{false};
  std::size_t free = very_many / 2;
  std::chrono::microseconds each{0}; // how long one takes
};

struct parcel {
  explicit parcel(ledger* x = nullptr, uint64_t n = 0) : to(x), number(n) {
    // nop
  }

  parcel(const parcel&) = default;

  parcel(parcel&& other) noexcept
    : to(std::exchange(other.to, nullptr)), number(other.number) {
    // nop
  }

  parcel& operator=(parcel other) noexcept {
    std::swap(to, other.to);
    number = other.number;
    return *this;
  }

  ~parcel() {
    if (to == nullptr)
      return;
    if (to->ended >= to->free)
      to->open.wait(false);
    const auto end = std::chrono::steady_clock::now() + to->each;
    while (std::chrono::steady_clock::now() < end)
      continue;
    ++to->ended;
  }

  ledger* to;
  uint64_t number;
};

template <class Inspector>
bool inspect(Inspector& f, parcel& x) {
  return f.object(x).fields(f.field("number", x.number));
}

CAF_BEGIN_TYPE_ID_BLOCK(queue_backlog, caf::first_custom_type_id)
  CAF_ADD_TYPE_ID(queue_backlog, (parcel))
CAF_END_TYPE_ID_BLOCK(queue_backlog)

namespace {

using parcels = scene_consumer<parcel>;

struct known_parcels {
  known_parcels() {
    static const bool once = [] {
      caf::init_global_meta_objects<caf::id_block::queue_backlog>();
      return true;
    }();
    static_cast<void>(once);
  }
};

class post_office : known_parcels, public support::real_system {};

void open_gate(ledger& x) {
  x.open = true;
  x.open.notify_all();
}

void fill(const troupe::worker_ref<parcels>& ref, ledger& to,
          std::size_t n = very_many) {
  for (std::size_t i = 0; i < n; ++i)
    ref.send(parcel{&to, i});
}

} // namespace

TEST_CASE("Q8 a long queue is counted at once, and destroyed elsewhere") {
  // So many have come before the worker looks; the others are in its inbox.
  for (auto collected : {std::size_t{1}, very_many / 2, very_many}) {
    CAPTURE(collected);
    ledger ends;
    {
      std::binary_semaphore begin{0};
      std::binary_semaphore go_on{0};
      std::latch has_one{1};
      post_office sys;
      auto ref = troupe::spawn<parcels>(sys, {}, [&](parcels& w) -> task<> {
        begin.acquire();
        auto first = co_await w.get_message();
        has_one.count_down();
        go_on.acquire();
        co_await w.get_message();
      });
      ref.startup();
      fill(ref, ends, collected);
      begin.release();
      has_one.wait();
      fill(ref, ends, very_many - collected);
      ref.force_stop();
      go_on.release();
      CHECK(ref.wait_for_shutdown());
      auto x = ref.queue();
      CHECK(x.queued == 0);
      CHECK(x.discarded == very_many - 1);
      CHECK(x.handled == 1);
      CHECK(x.sent == very_many);
      open_gate(ends);
    }
    CHECK(ends.ended == very_many);
  }
}

TEST_CASE("Q8 a stop that discards a long queue leaves its worker alone") {
  ledger ends;
  {
    std::binary_semaphore go_on{0};
    post_office sys;
    troupe::supervisor_spec spec{.name = "post"};
    spec.add<parcels>("clerk", {}, parcels::body{[&](parcels& w) -> task<> {
                        go_on.acquire();
                        while (auto m = co_await w.get_message())
                          m->to = nullptr;
                      }});
    auto tree = troupe::spawn(sys, spec);
    tree.startup();
    auto clerk = tree.child<parcels>("clerk");
    fill(clerk, ends);
    std::size_t late = 1;
    auto stopping = std::jthread{[&] { late = tree.shutdown(1h).size(); }};
    while (!clerk.queue().closed && clerk.queue().discarded == 0)
      std::this_thread::yield();
    go_on.release();
    stopping.join();
    CHECK(late == 0);
    CHECK(clerk.queue().discarded == very_many);
    open_gate(ends);
  }
  CHECK(ends.ended == very_many);
}

TEST_CASE("Q8 a stop does not wait for messages that are slow to destroy") {
  ledger ends{.free = 1'000, .each = 50us};
  {
    std::binary_semaphore go_on{0};
    post_office sys;
    auto ref = troupe::spawn<parcels>(sys, {}, [&](parcels& w) -> task<> {
      go_on.acquire();
      co_await w.sleep_for(1h);
    });
    ref.startup();
    fill(ref, ends, 4'000);
    ref.gracefully_stop(); // discards them, here
    CHECK(ref.queue().discarded == 4'000);
    go_on.release();
    open_gate(ends);
  }
  CHECK(ends.ended == 4'000);
}

TEST_CASE("Q8 a function misses the letters of a queue that it discards") {
  ledger ends;
  open_gate(ends);
  std::counting_semaphore<2> go_on{0};
  std::atomic<std::size_t> told{0};
  post_office sys;
  auto deaf = [&](parcels& w) -> task<> {
    go_on.acquire();
    co_await w.sleep_for(1h);
  };
  auto many = troupe::spawn<parcels>(sys, {.name = "many"}, deaf);
  auto one = troupe::spawn<parcels>(sys, {.name = "one"}, deaf);
  auto sub = troupe::on_dead_letter(
    sys,
    [&](const dead_letter& x) {
      if (x.path == many.path())
        ++told;
      else
        many.gracefully_stop();
    },
    2 * very_many);
  many.startup();
  one.startup();
  fill(many, ends);
  fill(one, ends, 1);
  one.gracefully_stop();
  while (ends.ended < very_many + 1)
    std::this_thread::yield();
  go_on.release(2);
  CHECK(told == 0);
  CHECK(sub.missed() == very_many);
}

TEST_CASE("Q8 each letter of a long queue is told of, the oldest first") {
  std::mutex mtx;
  std::vector<uint64_t> got;
  std::latch all{very_many};
  std::binary_semaphore go_on{0};
  post_office sys;
  auto sub = troupe::on_dead_letter(
    sys,
    [&](const dead_letter& x) {
      std::unique_lock guard{mtx};
      if (x.reason == dead_letter_reason::discarded
          && x.message.match_elements<parcel>())
        got.push_back(x.message.get_as<parcel>(0).number);
      all.count_down();
    },
    2 * very_many);
  ledger open;
  open_gate(open);
  auto ref = troupe::spawn<parcels>(sys, {}, [&](parcels& w) -> task<> {
    go_on.acquire();
    co_await w.sleep_for(1h);
  });
  ref.startup();
  fill(ref, open);
  ref.gracefully_stop();
  go_on.release();
  all.wait();
  REQUIRE(got.size() == very_many);
  for (std::size_t i = 0; i < very_many; ++i)
    REQUIRE(got[i] == i);
}

namespace {

class hauler : public troupe::queue_consumer<parcel> {
public:
  hauler(std::atomic<int>& lives, std::atomic<std::size_t>& handed)
    : life_(++lives), handed_(handed) {
    // nop
  }

  task<> run() override {
    if (life_ == 1) {
      auto first = co_await get_message();
      first->to = nullptr; // the queue keeps another one
    }
    co_await stop_requested();
  }

  task<> hand_over(std::vector<parcel> rest) override {
    handed_ = 100 * static_cast<std::size_t>(life_) + rest.size();
    co_return;
  }

private:
  int life_;
  std::atomic<std::size_t>& handed_;
};

} // namespace

TEST_CASE("Q6 a life that comes back late hands over nothing of the next") {
  ledger first{.free = 0};
  std::atomic<int> lives{0};
  std::atomic<std::size_t> handed{0};
  {
    post_office sys;
    troupe::event_log events{sys};
    troupe::supervisor_spec spec{.name = "tree"};
    spec.add<hauler>(
      "hauler",
      {.worker = {.stopping_grace_period = 10ms,
                  .queue = {.on_stop = on_stop::hand_over, .redeliver = 1},
                  .cleanup_period = 10ms,
                  .force_period = 10ms}},
      std::ref(lives), std::ref(handed));
    auto tree = troupe::spawn(sys, spec);
    tree.startup();
    auto ref = tree.child<hauler>("hauler");
    ref.send(parcel{&first});
    while (ref.queue().in_progress == 0)
      std::this_thread::yield();
    ref.send(parcel{});
    // Sits in the destructor of the first one before it hands over the rest.
    CHECK_FALSE(tree.terminate_child("hauler").get().error);
    CHECK(ref.phase() == troupe::worker_phase::abandoned);
    CHECK_FALSE(tree.restart_child("hauler").get().error);
    for (int i = 0; i < 3; ++i)
      ref.send(parcel{});
    open_gate(first);
    CHECK(events.wait_for(troupe::event_kind::came_back, "/tree/hauler"));
    CHECK(handed == 0);
    CHECK(ref.queue().queued == 3);
    CHECK(tree.shutdown(1h).empty());
    CHECK(handed == 203);
    CHECK(ref.queue().handed_over == 3);
  }
  CHECK(first.ended == 1);
}
