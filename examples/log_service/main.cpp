// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// A log service: it takes lines from clients by TCP, "SOURCE LEVEL TEXT" each,
// has a pool of parsers read them, those of one source in order, and writes
// them into a file of SQLite's in batches.
//
//   log_service [--database=FILE] [--port=PORT] [--parsers=N] [--sabotage=MS]
//               [--troupe.observer.port=PORT]
//   log_service --feed=N [--port=PORT]
//
// With --sabotage a parser is killed every so many milliseconds. Ends when it
// is stopped, Ctrl-C or SIGTERM: each line that it has accepted is in the file
// then, or was printed as one that cannot be read. With --feed it is a client,
// which sends N lines and says how many were accepted.

#include "database.hpp"
#include "intake.hpp"
#include "workers.hpp"

#include <troupe/config.hpp>
#include <troupe/dead_letter.hpp>
#include <troupe/observer.hpp>
#include <troupe/run.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>

using namespace std::chrono_literals;
using namespace log_service;

namespace {

class config : public troupe::config {
public:
  config() {
    opt_group{custom_options_, "global"}
      .add(how.database, "database", "the file of SQLite's (log.db)")
      .add(how.port, "port", "where the lines come in, 0 for any (4800)")
      .add(how.parsers, "parsers", "how many there are (4)")
      .add(how.sabotage, "sabotage", "kills one every so many ms (0: never)")
      .add(feed, "feed", "sends so many lines to a service that runs");
  }

  settings how;
  std::uint64_t feed = 0;
};

int feed_service(const config& cfg) {
  const auto accepted = feed(cfg.how.port, cfg.feed, 0);
  std::cout << accepted << " of " << cfg.feed << " lines accepted\n";
  return accepted == cfg.feed ? 0 : 1;
}

// [snippet log-service-main]
int serve(caf::actor_system& sys, const config& cfg) {
  auto count = std::make_shared<tally>();
  const auto before = database{cfg.how.database}.last();
  count->last = before;
  std::atomic<std::uint64_t> unread = 0;
  const auto letters
    = troupe::on_dead_letter(sys, [&](const troupe::dead_letter& x) {
        if (++unread <= 10)
          std::cerr << to_string(x) << '\n';
      });
  troupe::observer observer{sys};
  std::cout << "watch it on " << observer.url() << std::endl;
  auto how = cfg.how;
  how.on_listening = [](std::uint16_t port) {
    std::cout << "lines on 127.0.0.1:" << port << std::endl;
  };
  const auto code = troupe::run(sys, service(how, count));
  const auto stored = database{cfg.how.database}.count_after(before);
  std::cout << count->accepted << " accepted, " << stored << " stored, "
            << unread << " dead letters\n";
  const auto known = static_cast<std::uint64_t>(stored) + unread;
  return code == 0 && known != count->accepted ? 3 : code;
}
// [end]

} // namespace

int caf_main(caf::actor_system& sys, const config& cfg) {
  try {
    return cfg.feed > 0 ? feed_service(cfg) : serve(sys, cfg);
  } catch (const std::exception& e) {
    std::cerr << "log_service: " << e.what() << '\n';
    return 2;
  }
}

CAF_MAIN(caf::id_block::troupe, caf::id_block::log_service)
