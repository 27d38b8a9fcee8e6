// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "stress/scenario.hpp"

#include "stress/scenarios.hpp"

#include <utility>

namespace stress {

player round::make_player(std::size_t number, const char* role) const {
  dice mix{seed_ + 0x1000003 * (number + 1)};
  return {dice{mix.next()},
          eyes_.enlist(std::string{role} + " " + std::to_string(number))};
}

std::jthread round::play(std::size_t number, const char* role,
                         std::function<void(player&)> f) const {
  return std::jthread{
    [me = make_player(number, role), f = std::move(f)]() mutable { f(me); }};
}

stage::stage(const round& here, std::size_t scheduler_threads,
             troupe::timespan force_period)
  : system_([=](support::real_config& x) {
      x.set("caf.scheduler.max-threads", scheduler_threads);
      x.set("troupe.force-period", force_period);
    }) {
  constexpr std::size_t all = 1u << 20;
  events_ = troupe::on_event(
    sys(),
    [&eyes = here.eyes()](const troupe::lifecycle_event& x) { eyes.see(x); },
    all);
}

stage::~stage() {
  events_.finish();
}

const std::vector<scenario>& all_scenarios() {
  static const std::vector<scenario> all{
    {"trees", "every call to a tree of all kinds of children", play_trees},
    {"pools", "senders to a pool whose workers come and go", play_pools},
    {"restarts", "children that are ended and restarted at once",
     play_restarts},
    {"lives", "workers without a supervisor, from spawn to end", play_lives},
    {"stuck", "children in code that does not return", play_stuck},
    {"late", "children in code that returns after they were abandoned",
     play_late},
    {"names", "trees of one name that start at once", play_names},
    {"ends", "an actor system that goes while its handles are used", play_ends},
  };
  return all;
}

} // namespace stress
