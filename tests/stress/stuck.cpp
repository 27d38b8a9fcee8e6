// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Children that sit in code that does not return: only they are abandoned, and
// their messages are accounted for.

#include "stress/scenario.hpp"
#include "stress/scenarios.hpp"
#include "stress/small_tree.hpp"
#include "stress/workers.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace stress {

namespace {

/// The mixture of a round.
struct mixture {
  /// Which children may be told to sit.
  std::vector<bool> may_sit;
  /// Which children are ended by calls: none, those that sit, all.
  std::uint64_t ways;
};

order order_of(std::uint64_t what, bool may_sit) {
  if (what == 0 && may_sit)
    return order::sit;
  return what == 1 ? order::fail : order::nothing;
}

void deliver(const round& now, const troupe::supervisor_ref& tree, player& me,
             const mixture& mix, const std::function<bool()>& goes_on) {
  auto& draw = me.draw();
  while (goes_on()) {
    const auto number = draw.below(small_tree::num_children);
    const auto name = small_tree::name_of(number);
    const auto what = draw.below(100);
    const auto first = order_of(what, mix.may_sit[number]);
    auto op = me.begins(first == order::sit ? "send an order to sit" : "send",
                        name);
    const troupe::worker_ref<bare_hand> child{tree.child(name)};
    if (!child)
      continue;
    static_cast<void>(child.send(parcel{first, 0}));
    for (int i = 0; i < 10; ++i)
      static_cast<void>(child.send(parcel{order::nothing, 0}));
    const auto ends = mix.may_sit[number] ? mix.ways > 0 : mix.ways > 1;
    if (ends && what < 3)
      child.force_stop();
    else if (ends && what < 5)
      static_cast<void>(tree.restart_child(name));
    else if (ends && what < 7)
      send_exit(child, caf::exit_reason::kill);
    now.eyes().adds_up("/t/" + name, child.queue());
  }
}

} // namespace

void play_stuck(round& now) {
  scene here{now.eyes()};
  auto director = now.make_player(0, "director");
  auto& draw = director.draw();
  const auto scheduler_threads = 4 + draw.below(3);
  // One thread is left for those that do not sit.
  here.seats = static_cast<int>(scheduler_threads) - 2;
  {
    // Only those that sit may be abandoned, and soon.
    stage set{now, scheduler_threads, long_force_period};
    // Whatever happens, or its destructor would wait for them.
    const std::unique_ptr<scene, void (*)(scene*)> at_last{&here, [](scene* x) {
                                                             x->let_go();
                                                           }};
    auto spec = small_tree::some_spec(draw, 50);
    const auto sits = draw.below(small_tree::num_children);
    mixture mix{.may_sit = std::vector<bool>(small_tree::num_children),
                .ways = draw.below(3)};
    for (std::size_t i = 0; i < small_tree::num_children; ++i) {
      troupe::child_options options;
      options.worker.stopping_grace_period = draw.time(20);
      options.worker.queue.on_stop = draw.chance(50) ? troupe::on_stop::discard
                                                     : troupe::on_stop::drain;
      if (i == sits || draw.chance(30)) {
        mix.may_sit[i] = true;
        here.eyes.allow_stuck(small_tree::path_of(i));
        options.worker.force_period = draw.time(30);
      }
      spec.add<bare_hand>(small_tree::name_of(i), options, std::ref(here));
    }
    small_tree tree{set.sys(), spec, director};
    const auto deadline = draw.time(400);
    std::atomic<bool> tree_is_over{false};
    {
      std::vector<std::jthread> playing;
      // They go on while it stops.
      for (std::size_t i = 0; i < now.threads(); ++i)
        playing.push_back(now.play(i + 1, "player", [&](player& me) {
          deliver(now, tree.ref(), me, mix,
                  [&] { return !tree_is_over.load(); });
        }));
      now.wait();
      if (deadline < 200ms)
        tree.shutdown(director);
      else
        tree.shutdown(director, 60s);
      tree_is_over = true;
    }
    tree.check(now.eyes(), director);
  }
}

} // namespace stress
