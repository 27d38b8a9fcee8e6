// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "stress/small_tree.hpp"

#include "support/plain_caf.hpp"

using namespace std::chrono_literals;

namespace stress {

troupe::supervisor_spec small_tree::some_spec(dice& draw, unsigned dynamic) {
  return {
    .name = "t",
    .strategy = draw.chance(dynamic) ? troupe::strategy::dynamic
                                     : troupe::strategy::one_for_one,
    .intensity = {.max_restarts = 1'000'000'000, .within = 1s},
  };
}

small_tree::small_tree(caf::actor_system& sys,
                       const troupe::supervisor_spec& spec, player& director)
  : ref_(troupe::spawn(sys, spec)) {
  auto op = director.begins("startup", "/t");
  static_cast<void>(ref_.startup());
  for (auto& x : ref_.which_children())
    children_.push_back(x.child);
}

void small_tree::shutdown(player& director,
                          std::optional<troupe::timespan> limit) {
  auto op = director.begins("shutdown", "/t");
  if (limit)
    static_cast<void>(ref_.shutdown(*limit));
  else
    static_cast<void>(ref_.shutdown());
  static_cast<void>(ref_.wait_for_shutdown());
}

void small_tree::check(watch& eyes, player& director) const {
  auto op = director.begins("look at what is left", "/t");
  for (auto& x : children_)
    eyes.is_over(x);
}

void send_exit(const troupe::worker_handle& whom, caf::exit_reason why) {
  if (auto to = whom.actor())
    support::tell(to, caf::exit_msg{to.address(), why});
}

} // namespace stress
