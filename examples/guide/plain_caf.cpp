// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A worker as other actors see it: a CAF actor that knows four messages more.

#include <troupe/ask.hpp>
#include <troupe/scoped_worker.hpp>
#include <troupe/status.hpp>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>
#include <caf/type_id.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

namespace {

// [snippet plain-handlers]
class store : public troupe::worker {
public:
  troupe::message_handlers handlers() override {
    return {
      [this](caf::get_atom) { return value_; },
      [this](caf::put_atom, int x) -> troupe::task<> {
        co_await sleep_for(1ms); // a coroutine: answered when it returns
        value_ = x;
      },
      [this](caf::close_atom) { finish(); }, // as if run() had returned
    };
  }

  troupe::task<> run() override {
    co_await stop_requested();
  }

private:
  int value_ = 0;
};
// [end]

/// Knows the store only as an actor, which could be on another node.
class user : public troupe::worker {
public:
  explicit user(caf::actor target) : target_(std::move(target)) {
    // nop
  }

  // [snippet plain-protocol]
  troupe::task<> run() override {
    auto start = ask<void>(target_, 1s, troupe::start_atom_v);
    auto started = co_await std::move(start); // answered when it is ready
    auto put = ask<void>(target_, 1s, caf::put_atom_v, 42);
    auto stored = co_await std::move(put);
    auto get_status = ask<troupe::worker_status>(target_, 1s,
                                                 troupe::status_atom_v);
    auto status = co_await std::move(get_status);
    auto shutdown = ask<troupe::outcome>(target_, 20s, troupe::shutdown_atom_v);
    auto how = co_await std::move(shutdown); // answered when it is over
    if (started && stored && status && how)
      std::cout << status->path << " was " << to_string(status->state)
                << ", ended " << to_string(*how) << '\n';
  }
  // [end]

private:
  caf::actor target_;
};

} // namespace

void caf_main(caf::actor_system& sys) {
  auto ref = troupe::spawn<store>(sys);
  troupe::scoped_worker<user> worker{sys, {}, ref.actor()};
  worker->wait_for_shutdown();
}

CAF_MAIN(caf::id_block::troupe)

// Output:
//     /store was running, ended normal
