// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Letters that outlive the process: whoever posts a name gets a letter, once,
// however often this program is killed meanwhile. It kills itself now and then.
//
//   mailer [--database=FILE] [--outbox=FILE] [--port=PORT] [--deadly=PERCENT]
//          [--until=N]
//   mailer --post=N [--port=PORT]
//
// POST /reader with a name puts a row and a job into the database, and the job
// is a letter, a line of the outbox. Several of it may share one database.
// Ends, with an account, when it is stopped, or N letters have been delivered.
// Run it again after it was killed. With --post it is a client that posts N
// names, each until it is answered.

#include "letter.hpp"

#include <troupe/blocking_worker.hpp>
#include <troupe/config.hpp>
#include <troupe/durable.hpp>
#include <troupe/run.hpp>

#include <caf/actor_system.hpp>
#include <caf/exec_main.hpp>

#include <SQLiteCpp/SQLiteCpp.h>
#include <httplib.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

namespace {

/// The program's own table of readers, and a letter to each of them: row and
/// job are there together, or none of them is.
// [snippet mailer-writer]
class readers {
public:
  readers(troupe::durable::queue<letter> mail, const std::string& database)
    : mail_(std::move(mail)), db_(database, SQLite::OPEN_READWRITE, 10'000) {
    db_.exec("CREATE TABLE IF NOT EXISTS reader(name TEXT PRIMARY KEY)");
  }

  /// @returns whether it is a new one: a name may be posted again by somebody
  ///          who has not heard the answer.
  bool add(const std::string& name) {
    SQLite::Transaction both{db_, SQLite::TransactionBehavior::IMMEDIATE};
    SQLite::Statement row{db_, "INSERT INTO reader VALUES (?) "
                               "ON CONFLICT DO NOTHING"};
    row.bind(1, name);
    if (row.exec() == 0)
      return false;
    const letter x{name, "Nothing is lost."};
    const auto put = mail_.put(troupe::durable::transaction{db_.getHandle()},
                               x);
    if (!put)
      throw std::runtime_error{troupe::text_of(put.error())};
    both.commit();
    return true;
  }

private:
  troupe::durable::queue<letter> mail_;
  SQLite::Database db_;
};
// [end]

/// Answers the posts of names, one at a time.
class web_hook : public troupe::blocking_worker {
public:
  web_hook(const troupe::durable::queue<letter>& mail,
           const std::string& database, int port)
    : readers_(mail, database) {
    server_.new_task_queue = [] { return new httplib::ThreadPool{1}; };
    server_.Post("/reader", [this](const auto& ask, auto& answer) {
      answer.status = readers_.add(ask.body) ? 201 : 200;
    });
    if (!server_.bind_to_port("127.0.0.1", port))
      throw std::runtime_error{"cannot listen on port " + std::to_string(port)};
  }

  void run(std::stop_token stop) override {
    std::atomic<bool> over = false;
    std::jthread serving{[&] {
      server_.listen_after_bind();
      over = true;
    }};
    [[maybe_unused]] const auto passed = sleep_for(stop, troupe::infinite);
    while (!over && !server_.is_running())
      std::this_thread::yield(); // one that has not begun cannot be stopped
    server_.stop();
  }

private:
  readers readers_;
  httplib::Server server_;
};

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

/// Ends when so many letters have been delivered, and with it the program.
class closing_time : public troupe::worker {
public:
  closing_time(troupe::durable::queue<letter> mail, std::uint32_t letters)
    : mail_(std::move(mail)), letters_(letters) {
    // nop
  }

  troupe::task<> run() override {
    while (true) {
      const auto slept = co_await sleep_for(50ms);
      if (!slept)
        co_return;
      auto ask = [mail = mail_] { return mail.count(); };
      const auto now = co_await offload(std::move(ask));
      if (now && now->done >= letters_)
        co_return;
    }
  }

private:
  troupe::durable::queue<letter> mail_;
  std::uint32_t letters_;
};

/// Posts names, each until it is answered.
int post(std::uint32_t names, int port) {
  httplib::Client to{"127.0.0.1", port};
  for (std::uint32_t i = 1, attempts = 0; i <= names; ++attempts) {
    const auto name = "reader " + std::to_string(i);
    const auto answer = to.Post("/reader", name, "text/plain");
    if (answer && answer->status < 300) {
      ++i;
      attempts = 0;
    } else if (attempts == 1'000) {
      std::cerr << "mailer: nobody answers on port " << port << '\n';
      return 1;
    } else {
      std::this_thread::sleep_for(20ms); // it is being started again
    }
  }
  std::cout << names << " posted\n";
  return 0;
}

class config : public troupe::config {
public:
  config() {
    opt_group{custom_options_, "global"}
      .add(database, "database", "where the letters are (mailer.db)")
      .add(outbox, "outbox", "where they go (mailer.out)")
      .add(port, "port", "of the web hook, 0 for none (4801)")
      .add(deadly, "deadly", "how many of 100 kill the process (0)")
      .add(until, "until", "ends when so many are delivered (0: never)")
      .add(names, "post", "posts so many names");
  }

  std::string database = "mailer.db";
  std::string outbox = "mailer.out";
  std::uint16_t port = 4801;
  std::uint32_t deadly = 0;
  std::uint32_t until = 0;
  std::uint32_t names = 0;
};

} // namespace

// [snippet mailer-main]
int serve(caf::actor_system& sys, const config& cfg) {
  auto jobs = troupe::durable::open(sys, cfg.database);
  auto mail = jobs.queue<letter>("mail");
  troupe::supervisor_spec tree{
    .name = "post",
    .auto_shutdown = troupe::auto_shutdown::any_significant,
  };
  tree.add<mailer>("mailer", {}, mail, cfg.outbox, cfg.deadly);
  if (cfg.port != 0)
    tree.add<web_hook>("web_hook", {}, mail, cfg.database, int{cfg.port});
  if (cfg.until > 0)
    tree.add<closing_time>(
      "closing", {.restart = troupe::restart::transient, .significant = true},
      mail, cfg.until);
  const auto code = troupe::run(sys, std::move(tree));
  if (const auto x = mail.count())
    std::cout << x->put << " put, " << x->done << " delivered, " << x->buried
              << " buried, " << x->waiting << " waiting\n";
  return code;
}
// [end]

int caf_main(caf::actor_system& sys, const config& cfg) {
  return cfg.names > 0 ? post(cfg.names, cfg.port) : serve(sys, cfg);
}

CAF_MAIN(caf::id_block::troupe, caf::id_block::mailer)
