// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A mail-order desk. It reads events from its standard input, one a line, each
// a type and a text, and gives them to whoever has registered for the type:
//
//     printf 'order 3 lamps\nrefund 1 lamps\nstock lamps\n' | dispatch
//
// Who handles what stands in the constructor of `desk`, in one place. A handler
// that fails spoils its own event and nothing else.

#include <troupe/dispatcher.hpp>
#include <troupe/queue_consumer.hpp>
#include <troupe/scoped_worker.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>
#include <caf/type_id.hpp>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

/// What happens, as a message that CAF can send.
struct event {
  std::string type;
  std::string text;

  template <class Inspector>
  friend bool inspect(Inspector& f, event& x) {
    return f.object(x).fields(f.field("type", x.type), f.field("text", x.text));
  }
};

CAF_BEGIN_TYPE_ID_BLOCK(dispatch_example, first_custom_type_id)

  CAF_ADD_TYPE_ID(dispatch_example, (event))

CAF_END_TYPE_ID_BLOCK(dispatch_example)

namespace {

/// So many of something.
struct amount {
  int64_t count = 0;
  std::string what;
};

amount parse(const std::string& text) {
  amount result;
  std::istringstream in{text};
  if (!(in >> result.count >> result.what) || result.count < 1)
    throw std::invalid_argument{"\"" + text + "\" is no amount; write 3 lamps"};
  return result;
}

class desk : public troupe::queue_consumer<event> {
public:
  desk() {
    events_.register_handler("order.stock", [this](const event& x) {
      auto wanted = parse(x.text);
      stock_[wanted.what] -= wanted.count;
    });
    // Only the first order gets this one.
    events_.register_handler("order.welcome", [this](const event&) {
      std::cout << "welcome to the shop\n";
      events_.unregister_handler("order.welcome");
    });
    // A handler may wait; the others go on meanwhile.
    events_.register_handler("order.mail", [this](event x) -> troupe::task<> {
      co_await sleep_for(1ms); // the post office
      std::cout << "mail: your order of " << x.text << '\n';
    });
    events_.register_handler("refund.stock", [this](const event& x) {
      auto returned = parse(x.text);
      stock_[returned.what] += returned.count;
    });
    events_.register_handler("stock", [this](const event& x) {
      std::cout << x.text << ": " << stock_[x.text] << '\n';
    });
  }

  troupe::task<> run() override {
    while (auto next = co_await get_message()) {
      const auto type = next->type;
      try {
        auto all = events_.dispatch(std::move(*next));
        const auto count = co_await std::move(all);
        if (count == 0)
          std::cout << "nobody knows what to do with: " << type << '\n';
      } catch (const std::exception& what) {
        std::cout << type << " failed: " << what.what() << '\n';
      }
    }
  }

private:
  troupe::async_dispatcher<event> events_{&event::type};
  std::map<std::string, int64_t> stock_;
};

} // namespace

void caf_main(caf::actor_system& sys) {
  troupe::scoped_worker<desk> worker{sys, {.name = "desk"}};
  for (std::string line; std::getline(std::cin, line);) {
    const auto space = line.find(' ');
    if (space == std::string::npos)
      worker.send({line, {}});
    else
      worker.send({line.substr(0, space), line.substr(space + 1)});
  }
  worker.drain(); // no more input: finish what is queued
  auto done = worker.shutdown();
  std::cout << "the desk has closed: " << to_string(done) << '\n';
}

CAF_MAIN(caf::id_block::troupe, caf::id_block::dispatch_example)
