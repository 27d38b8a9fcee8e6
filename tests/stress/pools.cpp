// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Senders to a pool whose workers come, go, fail and are ended.

#include "stress/scenario.hpp"
#include "stress/scenarios.hpp"
#include "stress/workers.hpp"
#include "support/plain_caf.hpp"
#include "troupe/dead_letter.hpp"
#include "troupe/detail/access.hpp"
#include "troupe/spawn.hpp"
#include "troupe/worker_pool.hpp"

#include <caf/exit_reason.hpp>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace stress {

namespace {

constexpr std::size_t num_keys = 12;

/// In which order the messages of each key were taken out.
class key_order {
public:
  void took(std::uint32_t key, std::uint64_t number) {
    std::unique_lock guard{mtx_};
    auto& newest = newest_[key];
    if (number < newest)
      ++late_;
    else
      newest = number;
  }

  [[nodiscard]] std::uint64_t late() const {
    std::unique_lock guard{mtx_};
    return late_;
  }

private:
  mutable std::mutex mtx_;
  std::array<std::uint64_t, num_keys> newest_{};
  std::uint64_t late_ = 0;
};

struct sorting_room {
  scene& here;
  key_order order;
  std::atomic<std::uint64_t> taken{0};
  std::atomic<std::uint64_t> sent{0};
  /// How often a key may have got another worker, or a message came again.
  std::atomic<std::uint64_t> moves{0};
};

class sorter : public troupe::queue_consumer<parcel> {
public:
  explicit sorter(sorting_room& where) : room_(where) {
    // nop
  }

  troupe::task<> on_startup() override {
    ++room_.moves;
    return troupe::task<>::nothing();
  }

  troupe::task<> run() override {
    const presence here{room_.here.eyes, path(), true};
    while (auto x = co_await get_message()) {
      ++room_.taken;
      room_.order.took(x->whom, x->number);
      if (x->what == order::fail)
        throw std::runtime_error{"told to fail"};
      if (x->what == order::finish)
        co_return;
      if (x->what != order::nothing)
        co_await yield();
    }
  }

private:
  sorting_room& room_;
};

using pool_ref = troupe::pool_ref<sorter>;

/// Sends to the pool, the messages of each key from one thread.
void deliver(const round& now, sorting_room& room, const pool_ref& pool,
             player& me, std::uint32_t keys_from, std::uint32_t num) {
  auto& draw = me.draw();
  std::uint64_t number = 0;
  while (now.goes_on()) {
    auto op = me.begins("send 100", "/p");
    for (int i = 0; i < 100; ++i) {
      const auto key = keys_from + static_cast<std::uint32_t>(draw.below(num));
      auto what = draw.chance(20) ? order::yield : order::nothing;
      if (draw.below(300) == 0)
        what = draw.chance(80) ? order::fail : order::finish;
      static_cast<void>(pool.send(parcel{what, key, ++number}));
      ++room.sent;
    }
    room.here.eyes.adds_up("/p", pool.queue());
  }
}

/// Changes its size, and ends workers of it.
void run_the_pool(const round& now, sorting_room& room, const pool_ref& pool,
                  player& me) {
  auto& draw = me.draw();
  while (now.goes_on()) {
    const auto what = draw.below(10);
    const auto number = draw.next();
    room.moves += 8;
    if (what < 5) {
      auto op = me.begins("resize", std::to_string(number % 7));
      auto call = pool.resize(number % 7);
      if (number % 3 != 0)
        static_cast<void>(call.get(200ms));
      continue;
    }
    auto all = pool.which_children();
    if (all.empty())
      continue;
    const auto& whom = all[number % all.size()];
    if (what == 5) {
      auto op = me.begins("terminate_child", whom.name);
      static_cast<void>(pool.terminate_child(whom.name).get());
    } else if (what == 6) {
      auto op = me.begins("force_stop", whom.name);
      whom.child.force_stop();
    } else if (what == 7) {
      auto op = me.begins("restart_child", whom.name);
      static_cast<void>(pool.restart_child(whom.name).get());
    } else if (what == 8) {
      auto op = me.begins("gracefully_stop", whom.name);
      whom.child.gracefully_stop();
    } else if (auto to = whom.child.actor()) {
      auto op = me.begins("kill", whom.name);
      support::tell(to, caf::exit_msg{to.address(), caf::exit_reason::kill});
    }
  }
}

troupe::worker_pool<sorter> some_pool(sorting_room& room, dice& draw) {
  troupe::pool_options options{
    .name = "p",
    .size = draw.below(5),
    .intensity = {.max_restarts = 1'000'000, .within = 1s},
  };
  options.routing = static_cast<troupe::routing>(draw.below(2));
  options.each.restart = draw.chance(70) ? troupe::restart::permanent
                                         : troupe::restart::temporary;
  if (draw.chance(30))
    options.each.backoff = {.initial = 1ms, .max = 4ms};
  auto& worker = options.each.worker;
  worker.stopping_grace_period = draw.chance(50) ? 0ms : 10ms;
  constexpr std::array<std::size_t, 4> capacities{1, 1, 16, troupe::unbounded};
  worker.queue.capacity = capacities[draw.below(capacities.size())];
  worker.queue.overflow = static_cast<troupe::overflow>(draw.below(4));
  if (worker.queue.overflow == troupe::overflow::drop_oldest)
    worker.queue.redeliver = static_cast<int>(draw.below(2));
  worker.queue.on_stop = draw.chance(50) ? troupe::on_stop::discard
                                         : troupe::on_stop::drain;
  troupe::worker_pool<sorter> result{options, std::ref(room)};
  if (draw.chance(50))
    result.key([](const parcel& x) { return x.whom; });
  return result;
}

} // namespace

void play_pools(round& now) {
  scene here{now.eyes()};
  sorting_room room{.here = here};
  auto director = now.make_player(0, "director");
  auto& draw = director.draw();
  stage set{now, 1 + draw.below(4), long_force_period};
  const auto spec = some_pool(room, draw);
  const auto by_key = troupe::detail::access::plan_of(spec).options.routing
                      == troupe::routing::by_key;
  std::optional<troupe::subscription> letters;
  if (draw.chance(50))
    letters = troupe::on_dead_letter(set.sys(), [](const auto&) {});
  auto pool = troupe::spawn(set.sys(), spec);
  const auto way_out = draw.below(4);
  {
    auto op = director.begins("startup", "/p");
    static_cast<void>(pool.startup());
  }
  {
    const auto senders
      = static_cast<std::uint32_t>(now.threads() > 2 ? now.threads() - 1 : 1);
    std::vector<std::jthread> playing;
    const auto each = static_cast<std::uint32_t>(num_keys / senders);
    for (std::uint32_t i = 0; i < senders; ++i)
      playing.push_back(now.play(i + 1, "sender", [&, i, each](player& me) {
        deliver(now, room, pool, me, i * each, each);
      }));
    playing.push_back(now.play(100, "manager", [&](player& me) {
      run_the_pool(now, room, pool, me);
    }));
  }
  {
    auto op = director.begins("end the pool", std::to_string(way_out));
    if (way_out == 0)
      pool.drain();
    else if (way_out == 1)
      pool.force_stop();
    else if (way_out == 2)
      pool.gracefully_stop();
    else
      static_cast<void>(pool.shutdown(60s));
    static_cast<void>(pool.wait_for_shutdown());
  }
  const auto counts = pool.queue();
  now.eyes().is_settled("/p", counts);
  if (counts.sent != room.sent)
    now.eyes().violated("each message is counted once (P9)", "/p",
                        std::to_string(room.sent)
                          + " were sent: " + to_string(counts));
  if (counts.handled > room.taken)
    now.eyes().violated("a message is handled by a worker (Q8)", "/p",
                        std::to_string(room.taken)
                          + " were taken out: " + to_string(counts));
  // A message in hand may be late: one for each move.
  if (by_key && room.order.late() > room.moves)
    now.eyes().violated("the messages of a key keep their order (P3)", "/p",
                        std::to_string(room.order.late())
                          + " came after later ones, in "
                          + std::to_string(room.moves) + " moves");
}

} // namespace stress
