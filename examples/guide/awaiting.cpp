// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// What run() can wait for: a handler of the same worker, a stop, another actor,
// a call that blocks. And how a plain thread asks.

#include <troupe/ask.hpp>
#include <troupe/channel.hpp>
#include <troupe/scoped_worker.hpp>
#include <troupe/worker.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>
#include <caf/type_id.hpp>

#include <chrono>
#include <iostream>
#include <latch>
#include <stop_token>
#include <string>

using namespace std::chrono_literals;

namespace {

// [snippet awaiting-channel]
class doubler : public troupe::worker {
public:
  troupe::message_handlers handlers() override {
    return {
      [this](caf::put_atom, int x) { jobs_.push(x); },
      [this](caf::get_atom) { return sum_; },
    };
  }

  troupe::task<> run() override {
    for (;;) {
      auto either = when_any(jobs_, stop_requested());
      auto first = co_await std::move(either);
      if (first.index == 1)
        break; // asked to stop
      sum_ += 2 * *std::get<0>(first.value);
    }
  }

private:
  troupe::channel<int> jobs_;
  int sum_ = 0;
};
// [end]

class client : public troupe::worker {
public:
  explicit client(troupe::worker_ref<doubler> target)
    : target_(std::move(target)) {
    // nop
  }

  // [snippet awaiting-ask]
  troupe::task<> run() override {
    for (int x : {1, 2, 3}) {
      auto order = ask<void>(target_, 1s, caf::put_atom_v, x);
      auto taken = co_await std::move(order);
      if (!taken)
        std::cout << "refused: " << to_string(taken.error()) << '\n';
    }
    auto question = ask<int>(target_, 1s, caf::get_atom_v);
    auto sum = co_await std::move(question);
    if (sum)
      std::cout << "the sum is " << *sum << '\n';
  }
  // [end]

private:
  troupe::worker_ref<doubler> target_;
};

std::string read_slowly(const std::string& path, const std::stop_token&) {
  return "the text of " + path;
}

class loader : public troupe::worker {
public:
  // [snippet awaiting-offload]
  troupe::task<> run() override {
    auto read = [path = path_](const std::stop_token& stop) {
      return read_slowly(path, stop); // on a thread that may block
    };
    auto call = offload(std::move(read)); // named first: see GCC 12
    auto text = co_await std::move(call);
    std::cout << text << '\n';
  }
  // [end]

private:
  std::string path_ = "notes.txt";
};

class poller : public troupe::worker {
public:
  explicit poller(std::latch& polls) : polls_(polls) {
    // nop
  }

  // [snippet awaiting-condition]
  troupe::task<> run() override {
    const auto slept = co_await sleep_for(1ms);
    if (!slept)
      co_return; // a stop woke it
    while ([[maybe_unused]] auto more = co_await sleep_for(1ms))
      poll();
  }
  // [end]

private:
  void poll() {
    if (!polls_.try_wait())
      polls_.count_down();
  }

  std::latch& polls_;
};

// [snippet awaiting-ask-thread]
void ask_for_the_sum(const troupe::worker_ref<doubler>& target) {
  auto sum = troupe::ask<int>(target, 1s, caf::get_atom_v);
  if (sum)
    std::cout << "asked from main, the sum is " << *sum << '\n';
  else
    std::cout << "no sum: " << to_string(sum.error()) << '\n';
}
// [end]

} // namespace

void caf_main(caf::actor_system& sys) {
  troupe::scoped_worker<doubler> server{sys};
  {
    troupe::scoped_worker<client> asker{sys, {}, server.ref()};
    asker->wait_for_shutdown();
  }
  ask_for_the_sum(server.ref());
  {
    std::latch polls{3};
    troupe::scoped_worker<poller> waiting{sys, {}, polls};
    polls.wait();
    std::cout << "polled three times\n";
  }
  troupe::scoped_worker<loader> reader{sys};
  reader->wait_for_shutdown();
}

CAF_MAIN(caf::id_block::troupe)

// Output:
//     the sum is 12
//     asked from main, the sum is 12
//     polled three times
//     the text of notes.txt
