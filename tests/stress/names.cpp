// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Trees of one name that start at once: exactly one of them runs.

#include "stress/scenario.hpp"
#include "stress/scenarios.hpp"
#include "stress/workers.hpp"
#include "troupe/supervisor_ref.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <functional>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace stress {

void play_names(round& now) {
  scene here{now.eyes()};
  auto director = now.make_player(0, "director");
  auto& draw = director.draw();
  stage set{now, 1 + draw.below(4), long_force_period};
  troupe::supervisor_spec spec{.name = "t"};
  if (draw.chance(50))
    spec.add<bare_hand>("c", {}, std::ref(here));
  const auto competitors = std::max<std::size_t>(2, now.threads());
  std::atomic<std::size_t> winners{0};
  std::atomic<bool> goes_on{true};
  std::barrier all_spawned{static_cast<std::ptrdiff_t>(competitors)};
  std::barrier all_started{
    static_cast<std::ptrdiff_t>(competitors), [&]() noexcept {
      if (auto n = winners.exchange(0); n != 1)
        now.eyes().violated("one tree of a name runs (S31)", "/t",
                            std::to_string(n) + " of "
                              + std::to_string(competitors) + " have started");
    }};
  std::barrier all_over{static_cast<std::ptrdiff_t>(competitors),
                        [&]() noexcept { goes_on = now.goes_on(); }};
  std::vector<std::jthread> playing;
  for (std::size_t i = 0; i < competitors; ++i)
    playing.push_back(now.play(i + 1, "player", [&](player& me) {
      while (goes_on) {
        const auto pause = me.draw().below(200);
        auto tree = troupe::spawn(set.sys(), spec);
        all_spawned.arrive_and_wait();
        compute(std::chrono::microseconds{pause / 10});
        auto op = me.begins("startup", "/t");
        if (!tree.startup())
          ++winners;
        all_started.arrive_and_wait();
        static_cast<void>(tree.shutdown());
        all_over.arrive_and_wait();
      }
    }));
}

} // namespace stress
