// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The examples that stand in the headers of the worker family.

#include <troupe/async_consumer.hpp>
#include <troupe/batch_worker.hpp>
#include <troupe/blocking_worker.hpp>
#include <troupe/dispatcher.hpp>
#include <troupe/queue_worker.hpp>
#include <troupe/scoped_worker.hpp>
#include <troupe/worker_pool.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <chrono>
#include <iostream>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;

namespace {

void print(const std::string& line) {
  std::cout << line << '\n';
}

void print_lines(caf::actor_system& sys) {
  // [snippet header-queue-worker]
  auto printer = troupe::spawn<troupe::queue_worker<std::string>>(
    sys, {.name = "printer", .queue = {.on_error = troupe::on_error::skip}},
    [](const std::string& line) { print(line); });
  printer.startup();
  printer.send("a line");
  printer.drain();
  // [end]
  static_cast<void>(printer.wait_for_shutdown());
}

void write_rows(caf::actor_system& sys) {
  // [snippet header-batch-worker]
  auto writer = troupe::spawn<troupe::batch_worker<std::string>>(
    sys, {.name = "writer"}, 500, 100ms,
    [](const std::vector<std::string>& rows) {
      print("commits " + std::to_string(rows.size()) + " rows");
    });
  writer.startup();
  // [end]
  for (auto row : {"1", "2", "3"})
    writer.send(row);
  writer.drain();
  static_cast<void>(writer.wait_for_shutdown());
}

class listener : public troupe::queue_consumer<std::string> {
public:
  troupe::task<> run() override {
    // [snippet header-received]
    for (;;) {
      auto next = co_await get_message(1s);
      if (next)
        print(*next);
      else if (next.timed_out())
        print("nothing for a second");
      else
        co_return; // a stop was asked for, and nothing is left
    }
    // [end]
  }
};

struct event {
  std::string type;
  std::string text;
};

void dispatch_by_name() {
  // [snippet header-dispatcher]
  troupe::dispatcher<event> desk{&event::type}; // what says the type
  desk.register_handler("order.stock",
                        [](const event& x) { print("take " + x.text); });
  desk.register_handler("order.mail",
                        [](const event& x) { print("confirm " + x.text); });
  auto count = desk.dispatch({"order", "3 lamps"}); // both of them
  // [end]
  std::cout << count << " handlers\n";
}

struct order {
  std::string what;
};

struct refund {
  std::string why;
};

void dispatch_by_alternative() {
  // [snippet header-dispatcher-variant]
  troupe::dispatcher<std::variant<order, refund>> desk;
  desk.register_handler<refund>([](const refund& x) { print(x.why); });
  desk.dispatch(refund{"it is broken"});
  // [end]
}

class clerk : public troupe::worker {
public:
  troupe::task<> run() override {
    // [snippet header-async-dispatcher]
    troupe::async_dispatcher<event> desk{&event::type};
    desk.register_handler("order.mail", [this](event x) -> troupe::task<> {
      co_await sleep_for(1ms); // the post office is slow
      print("sent " + x.text);
    });
    auto all = desk.dispatch({"order", "5 chairs"});
    auto count = co_await std::move(all); // when all have ended
    // [end]
    std::cout << count << " handler\n";
  }
};

// [snippet header-async-consumer]
class mail_room : public troupe::async_consumer<std::string> {
public:
  mail_room() : async_consumer(&kind_of) {
    dispatcher().register_handler(
      "letter.file", [this](std::string x) -> troupe::task<> {
        co_await sleep_for(1ms); // looks for the right folder
        print("filed a " + x);
      });
  }

private:
  static std::string kind_of(const std::string& x) {
    return x.substr(0, x.find(' '));
  }
};
// [end]

class device {
public:
  std::string next_picture() {
    return "picture " + std::to_string(++count_);
  }

private:
  int count_ = 0;
};

// [snippet header-blocking-worker]
class camera : public troupe::blocking_worker {
public:
  void run(std::stop_token stop) override {
    while (!stop.stop_requested() && pictures < 2) {
      print(device_.next_picture()); // may block
      ++pictures;
    }
  }

  int pictures = 0;

private:
  device device_;
};
// [end]

class fetcher : public troupe::queue_consumer<std::string> {
public:
  explicit fetcher(std::string key) : key_(std::move(key)) {
    // nop
  }

  troupe::task<> run() override {
    while (auto address = co_await get_message())
      co_await sleep_for(1ms); // fetches it
  }

private:
  std::string key_;
};

void fetch(caf::actor_system& sys, const std::string& api_key) {
  // [snippet header-worker-pool]
  troupe::worker_pool<fetcher> fetchers{
    {.name = "fetchers", .size = 4, .routing = troupe::routing::least_busy},
    api_key};
  auto pool = troupe::spawn(sys, fetchers);
  pool.startup();
  pool.send("https://example.org");
  auto grown = pool.resize(8).get();
  pool.drain();
  pool.wait_for_shutdown();
  // [end]
  if (grown)
    std::cout << pool.queue().handled << " fetched\n";
}

} // namespace

void caf_main(caf::actor_system& sys) {
  print_lines(sys);
  write_rows(sys);
  {
    troupe::scoped_worker<listener> worker{sys};
    worker.send("hear, hear");
    worker.drain();
  }
  dispatch_by_name();
  dispatch_by_alternative();
  {
    troupe::scoped_worker<clerk> worker{sys};
    worker->wait_for_shutdown();
  }
  {
    troupe::scoped_worker<mail_room> room{sys};
    room.send("letter from afar");
    room.drain();
  }
  {
    troupe::scoped_worker<camera> worker{sys};
    worker->wait_for_shutdown();
  }
  fetch(sys, "key");
}

CAF_MAIN(caf::id_block::troupe)

// Output:
//     a line
//     commits 3 rows
//     hear, hear
//     take 3 lamps
//     confirm 3 lamps
//     2 handlers
//     it is broken
//     sent 5 chairs
//     1 handler
//     filed a letter from afar
//     picture 1
//     picture 2
//     1 fetched
