// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/sqlite_engine.hpp"
#include "support/temporary_folder.hpp"

#ifdef TROUPE_POSTGRES_BIN
#  include "durable/postgres_engine.hpp"
#  include "support/postgres_server.hpp"

#  include <libpq-fe.h>
#endif

#include <SQLiteCpp/Database.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

/// Where the stores of a test are: new ones, in each of the databases.

/// A file of SQLite's, with clocks that the test decides over, and any number
/// of engines as different processes would have.
class sqlite_place {
public:
  std::unique_ptr<troupe::durable::sqlite_engine> open() {
    return open(file());
  }

  std::unique_ptr<troupe::durable::sqlite_engine>
  open(const std::string& path) {
    return std::make_unique<troupe::durable::sqlite_engine>(
      path, troupe::durable::durability::process,
      troupe::durable::clocks{.wall = [this] { return wall; },
                              .steady = [this] { return steady; }});
  }

  [[nodiscard]] std::string file() const {
    return folder_.file("jobs.db");
  }

  [[nodiscard]] std::string url() const {
    return file();
  }

  [[nodiscard]] troupe::durable::wall_time now() const {
    return wall;
  }

  void pass(std::chrono::microseconds length) {
    wall += length;
    steady += length;
  }

  /// The clock of leases.
  [[nodiscard]] troupe::time_point steady_now() const {
    return steady;
  }

  /// Somebody sets the clock, if that is not the one of leases.
  void set_clock(std::chrono::microseconds by) {
    wall += by;
  }

  /// Whether others see that a process is gone.
  static constexpr bool owners_are_seen = true;

  /// Ends a process that has jobs in hand, and lets the time pass after which
  /// others may take them.
  void lose(std::unique_ptr<troupe::durable::sqlite_engine> x) {
    x.reset();
  }

  void execute(const std::string& sql) {
    user{*this}.execute(sql);
  }

  /// Its machine stays up.
  static constexpr auto kept = troupe::durable::durability::process;

  /// A connection of a program that uses the same database.
  class user {
  public:
    explicit user(const sqlite_place& where)
      : db_(where.file(), SQLite::OPEN_READWRITE, 5000) {
      // nop
    }

    void begin() {
      db_.exec("BEGIN IMMEDIATE");
    }

    void execute(const std::string& sql) {
      db_.exec(sql);
    }

    [[nodiscard]] troupe::durable::transaction transaction() {
      return troupe::durable::transaction{db_.getHandle()};
    }

  private:
    SQLite::Database db_;
  };

  troupe::durable::wall_time wall{std::chrono::seconds{1'000'000}};
  troupe::time_point steady{std::chrono::seconds{1000}};

private:
  support::temporary_folder folder_;
};

#ifdef TROUPE_POSTGRES_BIN

/// A connection to the server of the tests.
class postgres_user {
public:
  explicit postgres_user(const std::string& url)
    : db_(PQconnectdb(url.c_str())) {
    PQsetNoticeProcessor(db_, [](void*, const char*) {}, nullptr);
  }

  postgres_user(const postgres_user&) = delete;

  postgres_user& operator=(const postgres_user&) = delete;

  ~postgres_user() {
    PQfinish(db_);
  }

  void begin() {
    execute("BEGIN");
  }

  /// @returns the first value of its answer.
  std::string execute(const std::string& sql) {
    auto* x = PQexec(db_, sql.c_str());
    const auto status = PQresultStatus(x);
    std::string result = PQntuples(x) > 0 ? PQgetvalue(x, 0, 0) : "";
    PQclear(x);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
      throw std::runtime_error{PQerrorMessage(db_)};
    return result;
  }

  [[nodiscard]] troupe::durable::transaction transaction() const {
    return troupe::durable::transaction{db_};
  }

private:
  PGconn* db_;
};

/// A schema of PostgreSQL's: the tables of a test are its own, as if it had a
/// database.
class postgres_schema {
public:
  postgres_schema() {
    static std::atomic<int> last = 0;
    name_ = "test_" + std::to_string(++last);
    postgres_user{server().url()}.execute("CREATE SCHEMA " + name_);
  }

  [[nodiscard]] static support::postgres_server& server() {
    return support::shared_postgres();
  }

  [[nodiscard]] std::string url() const {
    return server().url() + "?options=-csearch_path%3D" + name_;
  }

  /// Its server crashes.
  static constexpr auto kept = troupe::durable::durability::power_loss;

  class user : public postgres_user {
  public:
    explicit user(const postgres_schema& where) : postgres_user(where.url()) {
      // nop
    }
  };

private:
  std::string name_;
};

/// The same for PostgreSQL. The server's clock is one that the test decides
/// over.
class postgres_place {
public:
  postgres_place() {
    open();
    execute("CREATE TABLE test_clock AS SELECT 1000000000000::bigint AS now; "
            "CREATE OR REPLACE FUNCTION troupe_now() RETURNS bigint LANGUAGE "
            "sql AS 'SELECT now FROM test_clock'");
  }

  std::unique_ptr<troupe::durable::postgres_engine> open() {
    return std::make_unique<troupe::durable::postgres_engine>(
      schema_.url(), troupe::durable::durability::process);
  }

  [[nodiscard]] std::string url() const {
    return schema_.url();
  }

  [[nodiscard]] troupe::durable::wall_time now() const {
    return now_;
  }

  void pass(std::chrono::microseconds length) {
    now_ += length;
    execute("UPDATE test_clock SET now = "
            + std::to_string(now_.time_since_epoch().count()));
  }

  [[nodiscard]] troupe::time_point steady_now() const {
    return troupe::time_point{now_.time_since_epoch()};
  }

  void set_clock(std::chrono::microseconds) {
    // nop
  }

  static constexpr bool owners_are_seen = false;

  void lose(std::unique_ptr<troupe::durable::postgres_engine> x) {
    x.reset();
    pass(std::chrono::hours{1});
  }

  void execute(const std::string& sql) {
    postgres_user{url()}.execute(sql);
  }

  class user : public postgres_user {
  public:
    explicit user(const postgres_place& where) : postgres_user(where.url()) {
      // nop
    }
  };

private:
  postgres_schema schema_;
  troupe::durable::wall_time now_{std::chrono::seconds{1'000'000}};
};

#  define TROUPE_PLACES sqlite_place, postgres_place

#else

#  define TROUPE_PLACES sqlite_place

#endif
