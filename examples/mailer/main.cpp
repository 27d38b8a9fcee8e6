// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Letters that outlive the process: each of them is delivered, however often
// this program is killed meanwhile. It kills itself now and then.
//
//   mailer [--database=FILE] [--outbox=FILE] [--readers=N] [--deadly=PERCENT]
//
// Writes a letter to each of N readers, unless the database knows them, and
// delivers what waits in it: a line of the outbox for each. Ends, with an
// account, when nothing is left to do. Run it again after it was killed, or
// several of it at once.

#include "letter.hpp"

#include <troupe/blocking_worker.hpp>
#include <troupe/config.hpp>
#include <troupe/durable.hpp>
#include <troupe/run.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <SQLiteCpp/SQLiteCpp.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

/// Has the program's own table of readers, and writes to each of them, once:
/// row and job are there together, or none of them is.
// [snippet mailer-writer]
class writer : public troupe::blocking_worker {
public:
  writer(troupe::durable::queue<letter> mail, const std::string& database,
         std::uint32_t readers)
    : mail_(std::move(mail)),
      db_(database, SQLite::OPEN_READWRITE, 10'000),
      readers_(readers) {
    db_.exec("CREATE TABLE IF NOT EXISTS reader(name TEXT PRIMARY KEY)");
  }

  void run(std::stop_token stop) override {
    for (std::uint32_t i = 1; i <= readers_ && !stop.stop_requested(); ++i)
      welcome("reader " + std::to_string(i));
  }

private:
  void welcome(const std::string& name) {
    SQLite::Transaction both{db_, SQLite::TransactionBehavior::IMMEDIATE};
    SQLite::Statement row{db_, "INSERT INTO reader VALUES (?) "
                               "ON CONFLICT DO NOTHING"};
    row.bind(1, name);
    if (row.exec() == 0)
      return; // was there before the program was killed
    const letter x{name, "Nothing is lost."};
    const auto put = mail_.put(troupe::durable::transaction{db_.getHandle()},
                               x);
    if (!put)
      throw std::runtime_error{troupe::text_of(put.error())};
    both.commit();
  }

  troupe::durable::queue<letter> mail_;
  SQLite::Database db_;
  std::uint32_t readers_;
};
// [end]

/// Delivers letters.
// [snippet mailer-mailer]
class mailer : public troupe::durable::worker<letter> {
public:
  mailer(troupe::durable::queue<letter> mail, std::string outbox,
         std::uint32_t deadly)
    : worker(std::move(mail), {.concurrency = 4, .max_crashes = 100}),
      outbox_(std::move(outbox)),
      deadly_(deadly) {}

  troupe::task<> handle(const letter& x, troupe::durable::job& job) override {
    co_await sleep_for(1ms); // the way to the letter box
    if (percent_(dice_) <= deadly_)
      std::raise(SIGKILL); // as if somebody had pulled the plug
    std::ofstream{outbox_, std::ios::app} << job.id() << ' ' << x.to
                                          << '\n'; // the effect
  }

private:
  std::string outbox_;
  std::uint32_t deadly_;
  std::minstd_rand dice_{std::random_device{}()};
  std::uniform_int_distribution<std::uint32_t> percent_{1, 100};
};
// [end]

/// Ends when there is nothing left to do, and with it the program.
class closing_time : public troupe::worker {
public:
  closing_time(troupe::durable::queue<letter> mail, std::uint32_t readers)
    : mail_(std::move(mail)), readers_(readers) {
    // nop
  }

  troupe::task<> run() override {
    while (is_running()) {
      const auto slept = co_await sleep_for(50ms);
      if (!slept)
        co_return;
      auto ask = [mail = mail_] { return mail.count(); };
      const auto now = co_await offload(std::move(ask));
      if (now && now->put >= readers_ && now->waiting + now->running == 0)
        co_return;
    }
  }

private:
  troupe::durable::queue<letter> mail_;
  std::uint32_t readers_;
};

class config : public troupe::config {
public:
  config() {
    opt_group{custom_options_, "global"}
      .add(database, "database", "where the letters are (mailer.db)")
      .add(outbox, "outbox", "where they go (mailer.out)")
      .add(readers, "readers", "how many there are (100)")
      .add(deadly, "deadly", "how many of 100 kill the process (0)");
  }

  std::string database = "mailer.db";
  std::string outbox = "mailer.out";
  std::uint32_t readers = 100;
  std::uint32_t deadly = 0;
};

} // namespace

// [snippet mailer-main]
int caf_main(caf::actor_system& sys, const config& cfg) {
  auto jobs = troupe::durable::open(sys, cfg.database);
  auto mail = jobs.queue<letter>("mail");
  troupe::supervisor_spec tree{
    .name = "post",
    .auto_shutdown = troupe::auto_shutdown::any_significant,
  };
  tree.add<writer>("writer", {.restart = troupe::restart::transient}, mail,
                   cfg.database, cfg.readers);
  tree.add<mailer>("mailer", {}, mail, cfg.outbox, cfg.deadly);
  tree.add<closing_time>(
    "closing", {.restart = troupe::restart::transient, .significant = true},
    mail, cfg.readers);
  const auto code = troupe::run(sys, std::move(tree));
  if (const auto x = mail.count())
    std::cout << x->put << " put, " << x->done << " delivered, " << x->buried
              << " buried, " << x->waiting << " waiting\n";
  return code;
}
// [end]

CAF_MAIN(caf::id_block::troupe, caf::id_block::mailer)
