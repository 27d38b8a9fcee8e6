// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// An actor system that goes down while threads still use the handles of its
// workers.

#include "stress/scenario.hpp"
#include "stress/scenarios.hpp"
#include "stress/workers.hpp"
#include "support/plain_caf.hpp"
#include "troupe/shutdown_all.hpp"
#include "troupe/spawn.hpp"
#include "troupe/supervisor_ref.hpp"

#include <caf/exit_reason.hpp>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace stress {

namespace {

/// Calls that need no actor system.
void use(const watch&, const troupe::worker_handle& x, std::uint64_t what) {
  switch (what) {
    case 0:
      x.gracefully_stop();
      break;
    case 1:
      x.force_stop();
      break;
    case 2:
      x.drain();
      break;
    case 3:
      static_cast<void>(x.shutdown());
      break;
    case 4:
      static_cast<void>(x.wait_for_shutdown(100us));
      break;
    case 5:
      static_cast<void>(to_string(x.status_tree()));
      break;
    case 6:
      if (auto to = x.actor())
        support::tell(to, caf::exit_msg{to.address(), caf::exit_reason::kill});
      break;
    case 7:
      static_cast<void>(troupe::supervisor_ref{x}.which_children());
      break;
    default:
      static_cast<void>(x.outcome());
  }
}

} // namespace

void play_ends(round& now) {
  scene here{now.eyes()};
  here.paths = {"/t/c0", "/t/c1", "/t/c2", "/t/c3"};
  auto director = now.make_player(0, "director");
  auto& draw = director.draw();
  std::uint64_t number = 0;
  while (now.goes_on()) {
    ++number;
    std::optional<stage> set;
    set.emplace(now, 1 + draw.below(3), long_force_period);
    troupe::supervisor_spec spec{
      .name = "t",
      .strategy = draw.chance(50) ? troupe::strategy::dynamic
                                  : troupe::strategy::one_for_one,
      .intensity = {.max_restarts = 1'000'000, .within = 1s},
    };
    for (int i = 0; i < 4; ++i)
      spec.add<hand>("c" + std::to_string(i), {.worker = some_options(draw)},
                     std::ref(here), some_habits(draw));
    auto tree = troupe::spawn(set->sys(), spec);
    auto alone = troupe::spawn<hand>(set->sys(), some_options(draw), here);
    static_cast<void>(tree.start());
    static_cast<void>(alone.start());
    if (draw.chance(50))
      static_cast<void>(tree.startup());
    std::vector<troupe::worker_handle> all{tree, alone};
    for (auto& x : tree.which_children())
      all.push_back(x.child);
    const auto moment = draw.below(300);
    std::atomic<bool> system_is_gone{false};
    std::vector<std::jthread> playing;
    for (std::size_t i = 0; i < now.threads(); ++i)
      playing.push_back(now.play(number * 100 + i, "player", [&](player& me) {
        // Once more after the end.
        for (bool last = false; !last;) {
          last = system_is_gone;
          const auto n = me.draw().next();
          const auto what = me.draw().below(24);
          const auto& whom = all[n % all.size()];
          auto op = me.begins("use", std::to_string(what));
          if (whom.is_of(typeid(hand)))
            static_cast<void>(troupe::worker_ref<hand>{whom}.send(
              parcel{some_order(me.draw()), 0}));
          use(now.eyes(), whom, what);
          now.eyes().adds_up("-", whom.queue());
        }
      }));
    compute(std::chrono::microseconds{moment});
    auto op = director.begins("shutdown_all", "-");
    static_cast<void>(troupe::shutdown_all(set->sys(), 60s));
    set.reset();
    system_is_gone = true;
    playing.clear();
    for (auto& x : all)
      now.eyes().is_over(x);
  }
}

} // namespace stress
