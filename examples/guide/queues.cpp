// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Queues with a bound, callbacks that fail, several messages at a time, and
// what becomes of the rest.

#include <troupe/batch_worker.hpp>
#include <troupe/blocking_worker.hpp>
#include <troupe/dead_letter.hpp>
#include <troupe/queue_worker.hpp>
#include <troupe/scoped_worker.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <atomic>
#include <chrono>
#include <iostream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

// [snippet queues-bounded]
class printer : public troupe::queue_consumer<std::string> {
public:
  troupe::task<> run() override {
    while (auto line = co_await get_message()) {
      co_await sleep_for(1ms); // slow
      ++lines;
    }
  }

  int lines = 0;
};

class author : public troupe::worker {
public:
  explicit author(troupe::worker_ref<printer> to) : printer_(std::move(to)) {
    // nop
  }

  troupe::task<> run() override {
    for (int i = 0; i < 100; ++i) {
      auto sending = send_to(printer_, "line " + std::to_string(i));
      if (auto error = co_await std::move(sending)) // waits for room
        co_return;                                  // the printer takes no more
    }
  }

private:
  troupe::worker_ref<printer> printer_;
};

void print_all(caf::actor_system& sys) {
  troupe::scoped_worker<printer> target{
    sys, {.name = "printer", .queue = {.capacity = 10}}};
  troupe::scoped_worker<author> source{sys, {.name = "author"}, target.ref()};
  source->wait_for_shutdown();
  target.drain();
  auto done = target.shutdown();
  std::cout << done.worker().lines << " lines, "
            << target.queue().dead_letters() << " dead letters\n";
}
// [end]

// [snippet queues-worker]
void deliver(caf::actor_system& sys) {
  int tries = 0;
  auto deliver_one = [&tries](const std::string& letter) {
    if (letter == "fragile" && ++tries < 3)
      throw std::runtime_error{"it has slipped"};
    std::cout << "delivered: " << letter << '\n';
  };
  troupe::scoped_worker<troupe::queue_worker<std::string>> postman{
    sys,
    {.name = "postman",
     .queue = {.on_error = troupe::on_error::retry(3, {.initial = 1ms})}},
    deliver_one};
  for (auto letter : {"card", "fragile", "parcel"})
    postman.send(letter);
  postman.drain();
} // waits until all is delivered
// [end]

// [snippet queues-batches]
void store(caf::actor_system& sys) {
  auto commit = [](const std::vector<std::string>& rows) {
    std::cout << "BEGIN\n";
    for (const auto& row : rows)
      std::cout << "  INSERT " << row << '\n';
    std::cout << "COMMIT\n";
  };
  troupe::scoped_worker<troupe::batch_worker<std::string>> writer{
    sys, {.name = "writer"}, 500, 100ms, commit};
  for (auto row : {"ants", "bees", "cats"})
    writer.send(row);
  writer.drain();
} // waits until all is stored
// [end]

// [snippet queues-wait]
class cooker : public troupe::blocking_worker {
public:
  explicit cooker(troupe::worker_ref<printer> to) : to_(std::move(to)) {
    // nop
  }

  void run(std::stop_token stop) override {
    for (int i = 0; i < 20; ++i)
      if (auto error = to_.send_wait("dish " + std::to_string(i), stop))
        return; // a stop was asked for, or the printer takes no more
  }

private:
  troupe::worker_ref<printer> to_;
};
// [end]

void cook(caf::actor_system& sys) {
  troupe::scoped_worker<printer> target{sys, {.queue = {.capacity = 2}}};
  troupe::scoped_worker<cooker> source{sys, {}, target.ref()};
  source->wait_for_shutdown();
  if (auto error = target.ref().send_wait("the bill", 1s))
    std::cout << to_string(error) << '\n';
  target.drain();
  auto done = target.shutdown();
  std::cout << done.worker().lines << " lines, the bill among them, "
            << target.queue().dead_letters() << " dead letters\n";
}

// [snippet queues-rest]
class night_shift : public troupe::queue_consumer<std::string> {
public:
  troupe::task<> run() override {
    co_await stop_requested(); // and does nothing
  }

  troupe::task<> hand_over(std::vector<std::string> rest) override {
    std::cout << rest.size() << " jobs are left for the day\n";
    co_return;
  }
};

void work_at_night(caf::actor_system& sys) {
  std::atomic<int> letters = 0;
  auto sub = troupe::on_dead_letter(sys, [&](const troupe::dead_letter& x) {
    std::cout << to_string(x) << '\n';
    ++letters;
    letters.notify_all();
  });
  troupe::scoped_worker<night_shift> worker{
    sys,
    {.name = "night_shift",
     .queue = {.capacity = 2, .on_stop = troupe::on_stop::hand_over}}};
  for (auto job : {"sweep", "wash", "polish"})
    worker.send(job);
  letters.wait(0); // one was too many
}
// [end]

} // namespace

void caf_main(caf::actor_system& sys) {
  print_all(sys);
  deliver(sys);
  store(sys);
  cook(sys);
  work_at_night(sys);
}

CAF_MAIN(caf::id_block::troupe)

// Output:
//     100 lines, 0 dead letters
//     delivered: card
//     delivered: fragile
//     delivered: parcel
//     BEGIN
//       INSERT ants
//       INSERT bees
//       INSERT cats
//     COMMIT
//     21 lines, the bill among them, 0 dead letters
//     /night_shift: rejected message("polish")
//     2 jobs are left for the day
