// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Children whose code returns after they have been abandoned: each next life
// has a core and an actor of its own, which are there before it begins. They
// are killed at every moment, and are sent messages until their tree is over.

#include "stress/scenario.hpp"
#include "stress/scenarios.hpp"
#include "stress/small_tree.hpp"
#include "stress/workers.hpp"

#include <atomic>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace stress {

namespace {

constexpr auto force_period = 1ms;

/// Does not return for longer than a life is waited for.
class late_hand : public troupe::queue_consumer<parcel> {
public:
  explicit late_hand(scene& where) : scene_(where) {
    // nop
  }

  troupe::task<> run() override {
    const presence here{scene_.eyes, path(), true};
    std::this_thread::sleep_for(3 * force_period);
    while (co_await get_message()) {
      // nop
    }
  }

private:
  scene& scene_;
};

void send_and_kill(const round& now, const small_tree& tree, player& me,
                   const std::atomic<bool>& tree_is_over) {
  auto& draw = me.draw();
  while (!tree_is_over) {
    const auto& child = tree.children()[draw.below(tree.children().size())];
    if (draw.chance(30)) {
      auto op = me.begins("send", child.path());
      const troupe::worker_ref<late_hand> to{child};
      static_cast<void>(to.send(parcel{order::nothing, 0}));
      now.eyes().adds_up(child.path(), child.queue());
    } else {
      auto op = me.begins("kill", child.path());
      send_exit(child, caf::exit_reason::kill);
    }
  }
}

void play_tree(const round& now, scene& here, stage& set, player& director,
               std::vector<player>& players) {
  auto& draw = director.draw();
  auto spec = small_tree::some_spec(draw, 50);
  for (std::size_t i = 0; i < small_tree::num_children; ++i) {
    here.eyes.allow_stuck(small_tree::path_of(i));
    troupe::child_options options;
    options.worker.force_period = force_period;
    options.worker.queue.on_stop = draw.chance(50) ? troupe::on_stop::discard
                                                   : troupe::on_stop::drain;
    spec.add<late_hand>(small_tree::name_of(i), options, std::ref(here));
  }
  small_tree tree{set.sys(), spec, director};
  const auto length = draw.time(40);
  std::atomic<bool> tree_is_over{false};
  {
    std::vector<std::jthread> playing;
    for (auto& me : players)
      playing.emplace_back([&now, &tree, &me, &tree_is_over] {
        send_and_kill(now, tree, me, tree_is_over);
      });
    std::this_thread::sleep_for(length);
    tree.shutdown(director);
    tree_is_over = true;
  }
  tree.check(now.eyes(), director);
}

} // namespace

void play_late(round& now) {
  scene here{now.eyes()};
  auto director = now.make_player(0, "director");
  std::vector<player> players;
  for (std::size_t i = 0; i < now.threads(); ++i)
    players.push_back(now.make_player(i + 1, "player"));
  stage set{now, 4 + director.draw().below(3), long_force_period};
  while (now.goes_on())
    play_tree(now, here, set, director, players);
}

} // namespace stress
