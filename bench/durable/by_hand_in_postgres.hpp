// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <libpq-fe.h>

#include <stdexcept>
#include <string>

#include <poll.h>

namespace troupe::bench {

/// A connection to PostgreSQL, as a program has it that does it all by itself.
class postgres_by_hand {
public:
  explicit postgres_by_hand(const std::string& url)
    : db_(PQconnectdb(url.c_str())) {
    if (PQstatus(db_) != CONNECTION_OK)
      fail();
    PQsetNoticeProcessor(db_, [](void*, const char*) {}, nullptr);
  }

  postgres_by_hand(const postgres_by_hand&) = delete;

  postgres_by_hand& operator=(const postgres_by_hand&) = delete;

  ~postgres_by_hand() {
    PQfinish(db_);
  }

  void execute(const char* sql) {
    check(PQexec(db_, sql));
  }

  void prepare(const char* name, const char* sql) {
    check(PQprepare(db_, name, sql, 0, nullptr));
  }

  void execute_prepared(const char* name) {
    check(PQexecPrepared(db_, name, 0, nullptr, nullptr, nullptr, 0));
  }

  /// Blocks until somebody has notified this connection.
  void await_notification() {
    while (true) {
      PQconsumeInput(db_);
      if (auto* found = PQnotifies(db_)) {
        PQfreemem(found);
        return;
      }
      pollfd one{.fd = PQsocket(db_), .events = POLLIN, .revents = 0};
      ::poll(&one, 1, -1);
    }
  }

private:
  [[noreturn]] void fail() {
    throw std::runtime_error{PQerrorMessage(db_)};
  }

  void check(PGresult* answer) {
    const auto status = PQresultStatus(answer);
    PQclear(answer);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
      fail();
  }

  PGconn* db_;
};

} // namespace troupe::bench
