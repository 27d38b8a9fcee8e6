// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Children that are ended in several ways while they are started again.

#include "stress/scenario.hpp"
#include "stress/scenarios.hpp"
#include "stress/small_tree.hpp"
#include "stress/workers.hpp"
#include "support/plain_caf.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace stress {

namespace {

/// The mixture of a round: three of them find more than all at once.
struct mixture {
  bool kills;
  bool links;
  bool sends;
  std::uint64_t ways; ///< Bits: which ways to end a child there are.
};

void end_and_restart(const round& now, const troupe::supervisor_ref& tree,
                     const mixture& mix, player& me) {
  auto& draw = me.draw();
  std::vector<troupe::child_call> calls;
  while (now.goes_on()) {
    const auto name = small_tree::name_of(draw.below(small_tree::num_children));
    const auto what = draw.below(8);
    const auto child = tree.child(name);
    switch (what) {
      case 0:
      case 1: {
        auto op = me.begins("restart_child", name);
        calls.push_back(tree.restart_child(name));
        break;
      }
      case 2: {
        auto op = me.begins("force_stop", name);
        if (mix.ways & 1)
          child.force_stop();
        break;
      }
      case 3: {
        auto op = me.begins("exit_msg", name);
        if (mix.ways & 2)
          send_exit(child, caf::exit_reason::user_shutdown);
        break;
      }
      case 4: {
        auto op = me.begins("kill", name);
        if (mix.kills)
          send_exit(child, caf::exit_reason::kill);
        break;
      }
      case 5: {
        auto op = me.begins("gracefully_stop", name);
        if (mix.ways & 4)
          child.gracefully_stop();
        break;
      }
      default: {
        auto op = me.begins("send", name);
        const troupe::worker_ref<hand> to{child};
        if (mix.links && child.is_of(typeid(hand)))
          static_cast<void>(to.send(parcel{order::link, 0}));
        if (mix.sends && to)
          if (auto who = child.actor())
            support::tell(who, parcel{order::nothing, 0});
        now.eyes().adds_up("/t/" + name, child.queue());
      }
    }
    if (calls.size() > small_tree::num_children) {
      auto op = me.begins("await calls", "/t");
      for (auto& x : calls)
        static_cast<void>(x.get());
      calls.clear();
    }
  }
}

} // namespace

void play_restarts(round& now) {
  scene here{now.eyes()};
  for (std::size_t i = 0; i < small_tree::num_children; ++i)
    here.paths.push_back(small_tree::path_of(i));
  auto director = now.make_player(0, "director");
  auto& draw = director.draw();
  stage set{now, 1 + draw.below(4), long_force_period};
  const mixture mix{.kills = draw.chance(50),
                    .links = draw.chance(50),
                    .sends = draw.chance(50),
                    .ways = draw.chance(50) ? 3 : draw.below(8)};
  auto spec = small_tree::some_spec(draw, 70);
  for (std::size_t i = 0; i < small_tree::num_children; ++i) {
    troupe::child_options options;
    options.restart = draw.chance(70) ? troupe::restart::permanent
                                      : troupe::restart::transient;
    options.worker.stopping_grace_period = draw.chance(50) ? 10s : 1ms;
    if (mix.links)
      spec.add<hand>(small_tree::name_of(i), options, std::ref(here));
    else
      spec.add<bare_hand>(small_tree::name_of(i), options, std::ref(here));
  }
  small_tree tree{set.sys(), spec, director};
  {
    std::vector<std::jthread> playing;
    for (std::size_t i = 0; i < now.threads(); ++i)
      playing.push_back(now.play(i + 1, "player", [&](player& me) {
        end_and_restart(now, tree.ref(), mix, me);
      }));
  }
  tree.shutdown(director, 60s);
  tree.check(now.eyes(), director);
}

} // namespace stress
