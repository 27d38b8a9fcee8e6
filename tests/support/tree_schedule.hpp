// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "support/plain_caf.hpp"
#include "support/tree_probe.hpp"
#include "troupe/queue_consumer.hpp"
#include "troupe/supervisor_spec.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <string>
#include <utility>

/// Trees by chance.
namespace support {

/// What trees are made of.
struct tree_taste {
  /// How many levels of supervisors.
  int depth = 3;
  std::uint64_t most_children = 6;
  /// How fast things go, in percent of what is usual.
  std::uint64_t pace = 100;
  int most_restarts = 6;
};

inline habits some_habits(dice& d, std::uint64_t pace) {
  habits x;
  if (d.chance(15))
    x.fails_to_be_made = 20;
  if (d.chance(15))
    x.fails_to_start = 20;
  if (d.chance(50))
    x.fails = static_cast<unsigned>(10 + d.below(60));
  if (d.chance(25))
    x.ends = 40;
  if (d.chance(15))
    x.ignores_stops = 50;
  if (d.chance(35))
    x.stops_slowly = 70;
  if (d.chance(25))
    x.cleans_up = 60;
  if (d.chance(10))
    x.fails_to_clean_up = 30;
  if (d.chance(20))
    x.calls = 40;
  if (d.chance(50))
    x.start_time = (50 + d.below(2000)) * pace / 100;
  x.run_time = (100 + d.below(20000)) * pace / 100;
  x.stop_time = (50 + d.below(6000)) * pace / 100;
  return x;
}

inline troupe::child_options some_options(dice& d, std::uint64_t pace) {
  using troupe::restart;
  auto ms = [pace](std::uint64_t x) {
    return std::chrono::milliseconds{x * pace / 100};
  };
  troupe::child_options x;
  x.restart = d.chance(70)   ? restart::permanent
              : d.chance(60) ? restart::transient
                             : restart::temporary;
  if (d.chance(30)) {
    x.backoff = {.initial = ms(100 + d.below(3000)),
                 .max = ms(10000),
                 .factor = 1.0 + static_cast<double>(d.below(3)),
                 .jitter = static_cast<double>(d.below(3)) / 10.0,
                 .reset_after = ms(20000)};
    if (d.chance(40)) {
      x.give_up_after = {.failures = static_cast<int>(1 + d.below(4)),
                         .within = ms(10000)};
      if (d.chance(50))
        x.on_give_up = troupe::on_give_up::leave_stopped;
    }
  }
  x.worker.stopping_grace_period = ms(d.below(4) == 0 ? 0 : d.below(4000));
  if (d.chance(8))
    x.worker.start_timeout = ms(1500 + d.below(2000));
  if (d.chance(50))
    x.worker.queue.on_stop = troupe::on_stop::drain;
  return x;
}

/// A leaf.
inline troupe::child_spec
some_child(tree_scene& scene, const std::string& supervisor,
           const std::string& name, dice& d, std::uint64_t pace) {
  auto path = supervisor + "/" + name;
  auto options = some_options(d, pace);
  auto how = some_habits(d, pace);
  switch (d.below(5)) {
    case 0:
      options.worker.queue = {}; // which a plain actor has no use for
      return troupe::child_actor(
        name, options,
        [at = d.chance(50) ? how.run_time : 0](caf::actor_system& sys) {
          return sys.spawn([at](caf::event_based_actor* self) -> caf::behavior {
            if (at != 0)
              tell_after(self, std::chrono::milliseconds{at},
                         caf::actor_cast<caf::actor>(self), std::int32_t{-1});
            return {[self](std::int32_t x) {
              if (x < 0)
                self->quit(caf::sec::runtime_error);
            }};
          });
        });
    case 1:
    case 2:
      return troupe::child<queue_probe>(name, options, std::ref(scene), path,
                                        how);
    default:
      return troupe::child<probe>(name, options, std::ref(scene), path, how);
  }
}

inline troupe::supervisor_spec
some_tree(tree_scene& scene, const std::string& above, const std::string& name,
          dice& d, const tree_taste& taste, int depth = 0) {
  using troupe::strategy;
  troupe::supervisor_spec x;
  x.name = name;
  auto path = above + "/" + name;
  constexpr strategy all[] = {strategy::one_for_one, strategy::one_for_all,
                              strategy::rest_for_one, strategy::stop_all,
                              strategy::dynamic};
  x.strategy = all[d.chance(7) ? 3 : d.below(4) == 3 ? 4 : d.below(3)];
  x.intensity = {.max_restarts = static_cast<int>(
                   d.below(static_cast<std::uint64_t>(taste.most_restarts))),
                 .within = std::chrono::milliseconds{
                   (1 + d.below(10000)) * taste.pace / 100 + 1}};
  x.concurrent = d.chance(20);
  if (x.strategy == strategy::dynamic && d.chance(40))
    x.max_children = 6 + d.below(4);
  if (d.chance(25))
    x.stopping_grace_period = d.time(8000 * taste.pace / 100);
  auto ends = d.below(6);
  if (ends == 1)
    x.auto_shutdown = troupe::auto_shutdown::any_significant;
  if (ends == 2)
    x.auto_shutdown = troupe::auto_shutdown::all_significant;
  if (x.strategy != strategy::dynamic && !x.concurrent
      && x.strategy != strategy::one_for_one)
    scene.watch.mark_ordered(path);
  auto n = 1 + d.below(taste.most_children);
  for (std::uint64_t i = 0; i < n; ++i) {
    auto child = "c" + std::to_string(i);
    if (depth + 1 < taste.depth && d.chance(depth == 0 ? 50 : 25)) {
      troupe::child_options options;
      if (d.chance(20))
        options.restart = troupe::restart::transient;
      if (d.chance(20))
        options.backoff.initial
          = std::chrono::milliseconds{1000 * taste.pace / 100};
      x.add(some_tree(scene, path, child, d, taste, depth + 1), options);
    } else {
      auto spec = some_child(scene, path, child, d, taste.pace);
      if (x.auto_shutdown != troupe::auto_shutdown::never
          && spec.options.restart != troupe::restart::permanent)
        spec.options.significant = true;
      x.add(std::move(spec));
    }
  }
  // Without a significant child it would mean nothing. (S1)
  if (x.strategy != strategy::dynamic
      && std::none_of(x.children.begin(), x.children.end(),
                      [](const auto& child) {
                        return child.options.significant;
                      }))
    x.auto_shutdown = troupe::auto_shutdown::never;
  return x;
}

} // namespace support
