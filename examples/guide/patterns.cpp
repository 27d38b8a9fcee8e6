// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Small answers to questions that come up often.

#include <troupe/hold.hpp>
#include <troupe/scoped_worker.hpp>
#include <troupe/worker_function.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <atomic>
#include <chrono>
#include <iostream>
#include <stdexcept>
#include <thread>

using namespace std::chrono_literals;

namespace {

// [snippet pattern-heartbeat]
void print_three_times(caf::actor_system& sys) {
  std::atomic<int> left = 3;
  auto beat = [&left] {
    if (left > 0)
      std::cout << "beat " << left-- << '\n';
  };
  troupe::scoped_worker<troupe::worker_function> heart{
    sys, {.name = "heart"}, beat, 1ms};
  while (left > 0)
    std::this_thread::yield();
}
// [end]

// [snippet pattern-ready]
class cache : public troupe::worker {
public:
  troupe::task<> run() override {
    co_await sleep_for(1ms); // loads what it needs
    ready();                 // now startup() returns
    co_await stop_requested();
  }
};

void start_when_loaded(caf::actor_system& sys) {
  troupe::scoped_worker<cache> worker{
    sys, {.start_timeout = 5s, .readiness = troupe::readiness::explicit_ready}};
  std::cout << "the cache is " << to_string(worker.ref().phase()) << '\n';
}
// [end]

// [snippet pattern-raii]
class door {
public:
  door() {
    std::cout << "open\n";
  }

  ~door() {
    std::cout << "closed\n";
  }
};

class owner : public troupe::worker {
public:
  troupe::task<> run() override {
    door mine; // closed however run() ends, by force too
    ready();
    co_await stop_requested();
  }
};
// [end]

// [snippet pattern-outcome]
class unlucky : public troupe::worker {
public:
  troupe::task<> run() override {
    co_await yield();
    throw std::runtime_error{"no luck"};
  }
};

void look_at_the_outcome(caf::actor_system& sys) {
  auto ref = troupe::spawn<unlucky>(sys);
  ref.startup();
  auto how = ref.wait_for_shutdown();
  if (!how)
    std::cout << "no outcome: " << troupe::text_of(how.error()) << '\n';
  else if (!how->ok())
    std::cout << troupe::text_of(how->reason()) << ", code " << how->code()
              << '\n';
}
// [end]

} // namespace

void caf_main(caf::actor_system& sys) {
  print_three_times(sys);
  start_when_loaded(sys);
  {
    troupe::scoped_worker<owner> worker{
      sys, {.readiness = troupe::readiness::explicit_ready}};
  }
  look_at_the_outcome(sys);
}

CAF_MAIN(caf::id_block::troupe)

// Output:
//     beat 3
//     beat 2
//     beat 1
//     the cache is ready
//     open
//     closed
//     worker "unlucky" (/unlucky) failed: no luck, code 2
