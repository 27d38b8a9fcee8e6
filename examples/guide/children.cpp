// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A worker that starts another one: the child goes when its parent goes.

#include <troupe/scoped_worker.hpp>
#include <troupe/worker.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <iostream>
#include <stdexcept>

namespace {

// [snippet children]
class connection : public troupe::worker {
public:
  troupe::task<> on_startup() override {
    std::cout << path() << " is up\n";
    co_return;
  }

  troupe::task<> run() override {
    co_await stop_requested();
  }

  void after_shutdown(const troupe::outcome& how) override {
    std::cout << path() << " is down: " << to_string(how) << '\n';
  }
};

class gateway : public troupe::worker {
public:
  troupe::task<> run() override {
    auto starting = start<connection>({.name = "connection"});
    auto child = co_await std::move(starting);
    if (!child)
      throw std::runtime_error{troupe::text_of(child.error())};
    std::cout << "the gateway has done its work\n";
  } // the child is stopped and joined before on_shutdown() begins

  troupe::task<> on_shutdown() override {
    std::cout << "cleaning up\n";
    co_return;
  }
};
// [end]

} // namespace

void caf_main(caf::actor_system& sys) {
  troupe::scoped_worker<gateway> worker{sys};
  worker->wait_for_shutdown();
}

CAF_MAIN(caf::id_block::troupe)

// Output:
//     /gateway/connection is up
//     the gateway has done its work
//     /gateway/connection is down: normal
//     cleaning up
