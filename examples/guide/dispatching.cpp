// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Handlers by the type of an event: plain ones, ones that wait, and ones that
// go by the alternative of a variant.

#include <troupe/async_consumer.hpp>
#include <troupe/dispatcher.hpp>
#include <troupe/scoped_worker.hpp>
#include <troupe/worker.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <atomic>
#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <variant>

using namespace std::chrono_literals;

namespace {

// [snippet dispatching]
struct event {
  std::string type;
  std::string text;
};

void dispatch_by_name() {
  troupe::dispatcher<event> desk{&event::type}; // what says the type
  desk.register_handler("order.stock", [](const event& x) {
    std::cout << "take " << x.text << " from the shelf\n";
  });
  desk.register_handler("order.mail", [](const event& x) {
    std::cout << "confirm " << x.text << '\n';
  });
  auto both = desk.dispatch({"order", "3 lamps"});
  auto none = desk.dispatch({"refund", "1 lamp"}); // counted, no error
  std::cout << both << " handlers, then " << none << "; " << desk.unhandled()
            << " message had none\n";
}
// [end]

// [snippet dispatching-variant]
struct order {
  int count;
};

struct refund {
  std::string why;
};

void dispatch_by_alternative() {
  troupe::dispatcher<std::variant<order, refund>> desk;
  desk.register_handler<order>(
    [](const order& x) { std::cout << "an order of " << x.count << '\n'; });
  desk.register_handler<refund>("mail", [](const refund& x) {
    std::cout << "sorry that it is " << x.why << '\n';
  });
  desk.dispatch(order{3});
  desk.dispatch(refund{"broken"});
}
// [end]

// [snippet dispatching-async]
class clerk : public troupe::worker {
public:
  clerk() {
    desk_.register_handler("order.mail", [this](event x) -> troupe::task<> {
      co_await sleep_for(1ms); // the post office is slow
      std::cout << "sent " << x.text << '\n';
    });
    desk_.register_handler("order.ledger", [](const event& x) {
      std::cout << "noted " << x.text << '\n';
    });
  }

  troupe::task<> run() override {
    auto all = desk_.dispatch({"order", "5 chairs"});
    const auto count = co_await std::move(all); // when both have ended
    std::cout << count << " done\n";
  }

private:
  troupe::async_dispatcher<event> desk_{&event::type};
};
// [end]

// [snippet dispatching-consumer]
class mail_room : public troupe::async_consumer<std::string> {
public:
  mail_room() : async_consumer(&kind_of) {
    dispatcher().register_handler("letter.open", [](const std::string& x) {
      std::cout << "opened a " << x << '\n';
    });
    dispatcher().register_handler("letter.file",
                                  [this](std::string x) -> troupe::task<> {
                                    co_await sleep_for(1ms);
                                    std::cout << "filed a " << x << '\n';
                                  });
  }

private:
  static std::string kind_of(const std::string& x) {
    return x.substr(0, x.find(' '));
  }
};
// [end]

} // namespace

void caf_main(caf::actor_system& sys) {
  dispatch_by_name();
  dispatch_by_alternative();
  auto worker = troupe::spawn<clerk>(sys);
  worker.startup();
  worker.wait_for_shutdown();
  std::atomic<int> letters = 0;
  troupe::scoped_worker<mail_room> room{sys};
  // [snippet dispatching-outside]
  auto count = [&letters](const std::string&) { ++letters; };
  if (auto err = mail_room::add_handler(room.ref(), "letter.count", count))
    throw std::runtime_error{troupe::text_of(err)};
  // [end]
  room.send("letter from afar");
  room.drain();
  room.shutdown();
  std::cout << letters << " letter\n";
}

CAF_MAIN(caf::id_block::troupe)

// Output:
//     take 3 lamps from the shelf
//     confirm 3 lamps
//     2 handlers, then 0; 1 message had none
//     an order of 3
//     sorry that it is broken
//     noted 5 chairs
//     sent 5 chairs
//     2 done
//     opened a letter from afar
//     filed a letter from afar
//     1 letter
