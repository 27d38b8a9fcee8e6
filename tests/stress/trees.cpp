// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Every call against every state of a tree of all kinds of children.

#include "stress/scenario.hpp"
#include "stress/scenarios.hpp"
#include "stress/workers.hpp"
#include "support/plain_caf.hpp"
#include "troupe/ask.hpp"
#include "troupe/call_later.hpp"
#include "troupe/dead_letter.hpp"
#include "troupe/event_log.hpp"
#include "troupe/events.hpp"
#include "troupe/shutdown_all.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/tree_status.hpp"
#include "troupe/worker_pool.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>

#include <array>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

using troupe::supervisor_ref;
using troupe::worker_handle;

namespace stress {

namespace {

constexpr auto plenty = troupe::restart_intensity{.max_restarts = 1'000'000,
                                                  .within = 1s};

// -- the tree ------------------------------------------------------------------

/// Supervisors of which calls choose one; `/t/p` is a pool.
constexpr std::array<const char*, 4> supervisors{"/t", "/t/a", "/t/b", "/t/p"};

constexpr std::size_t names = 5;

std::string child_name(std::uint64_t n) {
  return "c" + std::to_string(n % names);
}

troupe::child_options some_child_options(dice& draw) {
  troupe::child_options result;
  result.restart = static_cast<troupe::restart>(draw.below(3));
  if (draw.chance(40))
    result.backoff = {.initial = draw.time(4), .max = 10ms};
  if (draw.chance(10)) {
    result.give_up_after = {.failures = 5, .within = 1s};
    result.on_give_up = troupe::on_give_up::leave_stopped;
  }
  return result;
}

caf::behavior plain_actor(caf::event_based_actor* self) {
  return {
    [self](std::int32_t x) {
      if (x % 3 == 0)
        self->quit(caf::make_error(caf::sec::runtime_error));
    },
    [](const parcel&) {},
    [](caf::get_atom, std::int32_t x) { return x; },
    [](caf::put_atom, std::int32_t) {},
  };
}

troupe::child_spec some_child(scene& where, const std::string& name,
                              dice& draw) {
  auto options = some_child_options(draw);
  const auto kind = draw.below(10);
  const auto how = some_habits(draw);
  const auto worker = some_options(draw);
  if (kind == 0)
    return troupe::child_actor(name, std::move(options),
                               [](caf::actor_system& sys) {
                                 return sys.spawn(plain_actor);
                               });
  options.worker = worker;
  if (kind == 1)
    return troupe::child<blocker>(name, std::move(options), std::ref(where));
  if (kind == 2) {
    options.worker.queue.on_error
      = troupe::on_error::retry(2, {.initial = 100us, .max = 1ms});
    options.worker.queue.on_stop = troupe::on_stop::drain;
    return troupe::child<clerk>(name, std::move(options));
  }
  return troupe::child<hand>(name, std::move(options), std::ref(where), how);
}

troupe::supervisor_spec some_supervisor(scene& where, std::string name,
                                        dice& draw, bool dynamic) {
  troupe::supervisor_spec result{.name = std::move(name), .intensity = plenty};
  constexpr std::array group{troupe::strategy::one_for_one,
                             troupe::strategy::one_for_all,
                             troupe::strategy::rest_for_one};
  const auto which = group[draw.below(group.size())];
  result.strategy = dynamic ? troupe::strategy::dynamic : which;
  result.concurrent = draw.chance(30) && !dynamic;
  for (std::size_t i = 0; i < names - 1; ++i)
    result.add(some_child(where, child_name(i), draw));
  return result;
}

troupe::supervisor_spec some_tree(scene& where, dice& draw) {
  auto result = some_supervisor(where, "t", draw, draw.chance(50));
  result.add(some_supervisor(where, "a", draw, true), some_child_options(draw));
  result.add(some_supervisor(where, "b", draw, false),
             some_child_options(draw));
  troupe::pool_options pool{.name = "p", .size = 2, .intensity = plenty};
  pool.routing = draw.chance(50) ? troupe::routing::round_robin
                                 : troupe::routing::least_busy;
  pool.each = some_child_options(draw);
  pool.each.restart = troupe::restart::permanent;
  pool.each.worker = some_options(draw);
  result.add(troupe::worker_pool<hand>{pool, std::ref(where)});
  // A limit with nobody to obey it is an error. (S1)
  for (auto& x : result.children)
    if (x.factory->kind() == troupe::child_kind::supervisor)
      x.options.restart = troupe::restart::permanent;
  return result;
}

// -- calls ---------------------------------------------------------------------

/// The target of one call. All of it is drawn before anything is looked
/// at, so that the draws of a thread depend on its seed alone.
struct pick {
  std::string where;
  std::string name;
  std::uint64_t number;
  order what;
  std::uint32_t whom;
  std::uint64_t seed; ///< For a spec.
};

/// The calls of a thread that it keeps.
struct keeping {
  std::vector<troupe::child_call> calls;
  std::vector<worker_handle> handles;
  std::vector<troupe::subscription> subscriptions;
};

struct call {
  scene& here;
  caf::actor_system& sys;
  supervisor_ref root;
  const pick& drawn;
  keeping& kept;

  [[nodiscard]] supervisor_ref supervisor() const {
    if (drawn.where == "/t")
      return root;
    if (drawn.number % 2 == 0)
      return supervisor_ref{root.child(drawn.where.substr(3))};
    auto found = troupe::lookup(sys, drawn.where);
    return found ? supervisor_ref{*found} : supervisor_ref{};
  }

  [[nodiscard]] worker_handle child() const {
    auto above = supervisor();
    if (!above)
      return {};
    if (drawn.where != "/t/p")
      return above.child(drawn.name);
    // The names of a pool's workers are its own.
    auto all = above.which_children();
    return all.empty() ? worker_handle{} : all[drawn.number % all.size()].child;
  }

  [[nodiscard]] parcel message() const {
    return {drawn.what, drawn.whom, drawn.number};
  }
};

void note(call& x, troupe::child_call y) {
  x.kept.calls.push_back(std::move(y));
}

// -- messages

void send_one(call& x) {
  const troupe::worker_ref<hand> to{x.child()};
  if (to && to.is_of(typeid(hand)))
    static_cast<void>(to.send(x.message()));
}

void send_many(call& x) {
  const troupe::worker_ref<hand> to{x.child()};
  if (to && to.is_of(typeid(hand)))
    for (int i = 0; i < 200; ++i)
      static_cast<void>(to.send(parcel{order::nothing, 0}));
}

void send_to_pool(call& x) {
  const auto pool = x.root.child("p");
  if (pool && pool.is_of(typeid(troupe::worker_pool<hand>)))
    for (int i = 0; i < 20; ++i)
      static_cast<void>(troupe::pool_ref<hand>{pool}.send(x.message()));
}

void tell(call& x) {
  if (auto to = x.child().actor())
    support::tell(to, x.message());
}

void tell_something_else(call& x) {
  if (auto to = x.child().actor())
    support::tell(to, static_cast<std::int32_t>(x.drawn.number % 100));
}

void tell_an_error(call& x) {
  if (auto to = x.child().actor())
    support::tell(to, caf::make_error(caf::sec::runtime_error, "an error"));
}

void request(call& x) {
  // Answered when its queue has taken it, or has refused it.
  auto how = troupe::ask<void>(x.child(), 30s, parcel{order::nothing, 0});
  if (!how && how.error() == caf::sec::request_timeout
      && x.child().is_of(typeid(hand)))
    x.here.eyes.violated("each waiter is released",
                         x.drawn.where + "/" + x.drawn.name,
                         "a request to a queue has no answer");
}

void ask(call& x) {
  static_cast<void>(troupe::ask<std::int32_t>(x.child(), 5ms, caf::get_atom_v,
                                              std::int32_t{100}));
}

void ask_to_fail(call& x) {
  static_cast<void>(
    troupe::ask<void>(x.child(), 2ms, caf::put_atom_v,
                      static_cast<std::int32_t>(x.drawn.number % 8)));
}

// -- ends

void stop(call& x) {
  x.child().gracefully_stop();
}

void drain(call& x) {
  x.child().drain();
}

void force(call& x) {
  x.child().force_stop();
}

void tell_to_exit(call& x) {
  if (auto to = x.child().actor())
    support::tell(to,
                  caf::exit_msg{to.address(), caf::exit_reason::user_shutdown});
}

void kill(call& x) {
  if (auto to = x.child().actor())
    support::tell(to, caf::exit_msg{to.address(), caf::exit_reason::kill});
}

void shut_down(call& x) {
  static_cast<void>(x.child().shutdown());
}

void end_supervisor(call& x) {
  auto whom = x.supervisor();
  if (!whom || x.drawn.where == "/t")
    return;
  if (x.drawn.number % 4 == 0)
    whom.gracefully_stop();
  else if (x.drawn.number % 4 == 1)
    whom.force_stop();
  else if (x.drawn.number % 4 == 2)
    whom.drain();
  else if (auto to = whom.actor())
    support::tell(to, caf::exit_msg{to.address(), caf::exit_reason::kill});
}

// -- calls to the supervisor

void start_child(call& x) {
  dice draw{x.drawn.seed};
  if (auto above = x.supervisor(); above && x.drawn.where != "/t/p")
    note(x, above.start_child(some_child(x.here, x.drawn.name, draw)));
}

void terminate_child(call& x) {
  if (auto above = x.supervisor())
    note(x, above.terminate_child(x.drawn.name));
}

void restart_child(call& x) {
  if (auto above = x.supervisor())
    note(x, above.restart_child(x.drawn.name));
}

void delete_child(call& x) {
  if (auto above = x.supervisor(); above && x.drawn.where != "/t/p")
    note(x, above.delete_child(x.drawn.name));
}

void retry_now(call& x) {
  if (auto above = x.supervisor())
    static_cast<void>(above.retry_now(x.drawn.name));
}

void resize(call& x) {
  const auto pool = x.root.child("p");
  if (pool && pool.is_of(typeid(troupe::worker_pool<hand>)))
    note(x, troupe::pool_ref<hand>{pool}.resize(x.drawn.number % 5));
}

void start_again(call& x) {
  static_cast<void>(x.child().start());
  static_cast<void>(x.child().startup());
}

// -- looks

void look(call& x) {
  const auto whom = x.child();
  static_cast<void>(whom.state());
  static_cast<void>(whom.phase());
  static_cast<void>(whom.name());
  static_cast<void>(whom.health());
  static_cast<void>(whom.outcome());
  static_cast<void>(whom.incarnation());
  static_cast<void>(to_string(whom.status()));
  x.here.eyes.adds_up(x.drawn.where + "/" + x.drawn.name, whom.queue());
}

void look_at_children(call& x) {
  auto above = x.supervisor();
  if (!above)
    return;
  static_cast<void>(above.count_children());
  for (auto& y : above.which_children())
    x.here.eyes.adds_up(x.drawn.where + "/" + y.name, y.child.queue());
}

void look_at_tree(call& x) {
  static_cast<void>(to_string(x.root.status_tree()));
}

void ask_tree(call& x) {
  static_cast<void>(x.root.status_tree(2ms));
}

void look_up(call& x) {
  static_cast<void>(troupe::lookup(x.sys, x.drawn.where + "/" + x.drawn.name));
  static_cast<void>(troupe::lookup<caf::actor>(x.sys, x.drawn.where));
}

void keep_handle(call& x) {
  constexpr std::size_t most = 300;
  if (x.kept.handles.size() < most)
    x.kept.handles.push_back(x.child());
}

void wait_a_moment(call& x) {
  static_cast<void>(x.child().wait_for_shutdown(1ms));
}

void subscribe(call& x) {
  auto& all = x.kept.subscriptions;
  const auto n = x.drawn.number % 4;
  if (n == 0)
    all.push_back(
      troupe::on_event(x.sys, [](const troupe::lifecycle_event&) {}));
  else if (n == 1)
    all.push_back(
      troupe::on_event(x.root, [](const troupe::lifecycle_event&) {}, 4));
  else if (n == 2)
    all.push_back(
      troupe::on_dead_letter(x.sys, [](const troupe::dead_letter&) {}));
  else
    all.push_back(
      troupe::on_dead_letter(x.root, [](const troupe::dead_letter&) {}, 4));
}

void unsubscribe(call& x) {
  if (!x.kept.subscriptions.empty())
    x.kept.subscriptions.pop_back();
}

void follow(call& x) {
  const troupe::event_log log{x.root, 16};
  static_cast<void>(log.wait_for(troupe::event_kind::ready,
                                 x.drawn.where + "/" + x.drawn.name, 1ms));
}

void call_later(call& x) {
  auto later = troupe::call_later(x.sys, 100us, [whom = x.child()] {
    static_cast<void>(whom.queue());
  });
  if (x.drawn.number % 2 == 0)
    later.cancel();
}

struct kind_of_call {
  const char* name;
  unsigned weight;
  void (*make)(call&);
};

constexpr kind_of_call kinds[] = {
  {"send", 20, send_one},
  {"send many", 4, send_many},
  {"send to the pool", 6, send_to_pool},
  {"tell", 6, tell},
  {"tell something else", 2, tell_something_else},
  {"tell an error", 1, tell_an_error},
  {"request", 3, request},
  {"ask", 2, ask},
  {"ask to fail", 1, ask_to_fail},
  {"gracefully_stop", 3, stop},
  {"drain", 3, drain},
  {"force_stop", 4, force},
  {"exit_msg", 4, tell_to_exit},
  {"kill", 4, kill},
  {"shutdown", 1, shut_down},
  {"end a supervisor", 1, end_supervisor},
  {"start_child", 4, start_child},
  {"terminate_child", 3, terminate_child},
  {"restart_child", 8, restart_child},
  {"delete_child", 2, delete_child},
  {"retry_now", 2, retry_now},
  {"resize", 3, resize},
  {"start again", 1, start_again},
  {"look", 8, look},
  {"look at children", 3, look_at_children},
  {"status_tree", 1, look_at_tree},
  {"status_tree(patience)", 1, ask_tree},
  {"lookup", 3, look_up},
  {"keep a handle", 2, keep_handle},
  {"wait a moment", 2, wait_a_moment},
  {"subscribe", 1, subscribe},
  {"unsubscribe", 1, unsubscribe},
  {"event_log", 1, follow},
  {"call_later", 1, call_later},
};

const kind_of_call& some_kind(dice& draw) {
  static const auto all = [] {
    std::uint64_t sum = 0;
    for (auto& x : kinds)
      sum += x.weight;
    return sum;
  }();
  auto n = draw.below(all);
  for (auto& x : kinds) {
    if (n < x.weight)
      return x;
    n -= x.weight;
  }
  return kinds[0];
}

void await_calls(player& me, keeping& kept) {
  auto op = me.begins("await calls", "-");
  for (auto& x : kept.calls)
    static_cast<void>(x.get());
  kept.calls.clear();
}

/// Draws calls until the round is over.
void meddle(const round& now, scene& here, caf::actor_system& sys,
            const supervisor_ref& root, player& me, keeping& kept) {
  auto& draw = me.draw();
  while (now.goes_on()) {
    const auto& kind = some_kind(draw);
    const pick drawn{.where = supervisors[draw.below(supervisors.size())],
                     .name = child_name(draw.next()),
                     .number = draw.next(),
                     .what = some_order(draw),
                     .whom = static_cast<std::uint32_t>(draw.below(64)),
                     .seed = draw.next()};
    {
      auto op = me.begins(kind.name, drawn.where + "/" + drawn.name);
      call x{here, sys, root, drawn, kept};
      kind.make(x);
    }
    constexpr std::size_t most_calls = 50;
    if (kept.calls.size() > most_calls)
      await_calls(me, kept);
    constexpr std::size_t most_subscriptions = 4;
    if (kept.subscriptions.size() > most_subscriptions)
      kept.subscriptions.clear();
  }
}

/// Ends a tree in one of the ways in which that can be done.
void end_tree(caf::actor_system& sys, const supervisor_ref& root,
              std::uint64_t how) {
  switch (how) {
    case 0:
      root.gracefully_stop();
      break;
    case 1:
      root.drain();
      break;
    case 2:
      root.force_stop();
      break;
    case 3:
      static_cast<void>(troupe::shutdown_all(sys, 60s));
      break;
    case 4:
      if (auto to = root.actor())
        support::tell(to, caf::exit_msg{to.address(), caf::exit_reason::kill});
      break;
    default:
      static_cast<void>(root.shutdown(60s));
  }
  static_cast<void>(root.wait_for_shutdown());
}

} // namespace

void play_trees(round& now) {
  scene here{now.eyes()};
  for (auto* above : supervisors)
    for (std::size_t i = 0; i < names; ++i)
      here.paths.push_back(std::string{above} + "/" + child_name(i));
  auto director = now.make_player(0, "director");
  auto& draw = director.draw();
  stage set{now, 1 + draw.below(4), long_force_period};
  auto root = troupe::spawn(set.sys(), some_tree(here, draw));
  const auto way_out = draw.below(7);
  std::vector<keeping> kept(now.threads());
  std::vector<std::jthread> waiting;
  {
    std::vector<std::jthread> playing;
    for (std::size_t i = 0; i < now.threads(); ++i)
      playing.push_back(now.play(i + 1, "player", [&, i](player& me) {
        meddle(now, here, set.sys(), root, me, kept[i]);
      }));
    {
      auto op = director.begins("startup", "/t");
      static_cast<void>(root.startup());
    }
    // Those wait as long as it takes.
    for (std::size_t i = 0; i < 3; ++i)
      waiting.push_back(now.play(100 + i, "waiter", [root, i](player& me) {
        const auto whom = i == 0 ? worker_handle{root}
                                 : root.child(child_name(i));
        // Its remains end with its tree.
        static_cast<void>(root.wait_for_shutdown());
        auto op = me.begins("wait_for_shutdown", whom ? whom.path() : "-");
        static_cast<void>(whom.wait_for_shutdown());
      }));
  }
  {
    auto op = director.begins("end the tree", std::to_string(way_out));
    end_tree(set.sys(), root, way_out);
  }
  waiting.clear();
  for (auto& x : kept) {
    await_calls(director, x);
    auto op = director.begins("look at what is left", "-");
    for (auto& y : x.handles)
      now.eyes().is_over(y);
    x = {};
  }
}

} // namespace stress
