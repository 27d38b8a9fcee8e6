// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// What goes on in a tree: its events, its status, and the same for an actor
// that knows the supervisor as an actor only.

#include <troupe/event_log.hpp>
#include <troupe/events.hpp>
#include <troupe/queue_consumer.hpp>
#include <troupe/scoped_supervisor.hpp>
#include <troupe/scoped_worker.hpp>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

class cook : public troupe::queue_consumer<std::string> {
public:
  troupe::task<> run() override {
    while (auto dish = co_await get_message())
      if (*dish == "fugu")
        throw std::runtime_error{"nobody can cook fugu"};
  }
};

/// Knows the kitchen only as an actor, which could be on another node.
class chef : public troupe::worker {
public:
  explicit chef(caf::actor kitchen) : kitchen_(std::move(kitchen)) {
    // nop
  }

  // [snippet watching-messages]
  troupe::task<> run() override {
    // One more cook, for the evening.
    auto hire = ask<caf::actor>(
      kitchen_, 10s, troupe::start_child_atom_v,
      troupe::child<cook>("second", {.restart = troupe::restart::temporary}));
    auto second = co_await std::move(hire); // answered when it is ready
    auto count = ask<troupe::child_totals>(kitchen_, 1s,
                                           troupe::count_children_atom_v);
    auto totals = co_await std::move(count);
    if (second && totals)
      std::cout << totals->active << " of " << totals->specs << " cook\n";
  }
  // [end]

private:
  caf::actor kitchen_;
};

} // namespace

void caf_main(caf::actor_system& sys) {
  troupe::supervisor_spec spec{.name = "kitchen"};
  spec.add<cook>("cook");
  // [snippet watching]
  troupe::scoped_supervisor kitchen{sys, spec};
  troupe::event_log log{kitchen.ref()}; // the last events, from now on
  auto printing
    = troupe::on_event(kitchen.ref(), [](const troupe::lifecycle_event& x) {
        std::clog << to_string(x) + '\n'; // on a thread where it may block
      });
  auto orders = troupe::worker_at<cook>(sys, "/kitchen/cook");
  orders.send("fugu");
  // No sleep and no guess: it waits for what has to happen.
  log.wait_for(troupe::event_kind::ready, "/kitchen/cook", 2); // its next life
  std::cout << to_string(kitchen.status_tree());
  // [end]
  troupe::scoped_worker<chef> worker{sys, {}, kitchen->actor()};
  worker->wait_for_shutdown();
}

CAF_MAIN(caf::id_block::troupe)

// clang-format off

// Output:
//     /kitchen: running, ready
//       cook: running, ready, life 2, 1 dead letter (1 lost), last end: failed: worker "cook" (/kitchen/cook) failed: nobody can cook fugu
//     2 of 2 cook
