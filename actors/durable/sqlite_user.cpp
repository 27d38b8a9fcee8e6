// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/sqlite_engine.hpp"

#include "durable/sqlite_sql.hpp"
#include "durable/times.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace troupe::durable {

namespace {

[[noreturn]] void fail_user(sqlite3* db, const std::string& file) {
  const auto code = sqlite3_errcode(db);
  auto text = "\"" + file + "\": " + sqlite3_errmsg(db);
  if (code == SQLITE_BUSY)
    text += "; begin the transaction with BEGIN IMMEDIATE, and set a busy "
            "timeout";
  throw engine_error{text};
}

/// A statement on a connection that belongs to somebody else. SQLiteCpp has
/// statements for its own connections only.
class user_statement {
public:
  user_statement(sqlite3* db, const std::string& file, const char* sql)
    : db_(db), file_(file) {
    if (sqlite3_prepare_v2(db, sql, -1, &what_, nullptr) != SQLITE_OK)
      fail_user(db, file);
  }

  user_statement(const user_statement&) = delete;

  user_statement& operator=(const user_statement&) = delete;

  ~user_statement() {
    sqlite3_finalize(what_);
  }

  void bind(int i, std::int64_t x) {
    check(sqlite3_bind_int64(what_, i, x));
  }

  void bind(int i, const std::string& x) {
    check(sqlite3_bind_text64(what_, i, x.data(), x.size(), SQLITE_TRANSIENT,
                              SQLITE_UTF8));
  }

  /// Binds all parameters.
  template <class... Ts>
  user_statement& with(const Ts&... xs) {
    auto i = 0;
    (bind(++i, xs), ...);
    return *this;
  }

  /// Goes to the next row.
  bool next() {
    const auto result = sqlite3_step(what_);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
      fail_user(db_, file_);
    return result == SQLITE_ROW;
  }

  /// Runs it.
  /// @returns how many rows it has changed.
  int change() {
    while (next()) {
      // nop
    }
    return sqlite3_changes(db_);
  }

  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(what_, column);
  }

private:
  void check(int result) {
    if (result != SQLITE_OK)
      fail_user(db_, file_);
  }

  sqlite3* db_;
  const std::string& file_;
  sqlite3_stmt* what_ = nullptr;
};

sqlite3* connection_of(const transaction& tx, const std::string& file) {
  auto* db = tx.sqlite();
  if (db == nullptr)
    throw std::invalid_argument{"this transaction has no connection of "
                                "SQLite's; give it one to the file of the "
                                "store"};
  const auto* own = sqlite3_db_filename(db, "main");
  if (own == nullptr || file != own)
    throw std::invalid_argument{"this transaction is one of \""
                                + std::string{own ? own : ""}
                                + "\", and the store is in \"" + file
                                + "\"; open a connection to that file"};
  if (sqlite3_get_autocommit(db) != 0)
    throw std::invalid_argument{"no transaction is open on this connection to "
                                "\""
                                + file + "\"; begin one first"};
  return db;
}

void tally_user(sqlite3* db, const std::string& file, const std::string& queue,
                std::int64_t put, std::int64_t done) {
  user_statement{db, file, sql::tally}
    .with(queue, put, done, std::int64_t{0})
    .change();
}

} // namespace

receipt sqlite_engine::put_in(const transaction& tx, const new_job& x) {
  auto* db = connection_of(tx, location_);
  const auto now = time_.wall();
  const auto run_at = x.run_at > wall_time{} ? x.run_at : now;
  user_statement insert{db, location_, sql::put};
  insert.with(x.queue, x.type, x.payload, to_micros(run_at),
              std::int64_t{x.priority});
  if (!x.unique.empty()) // else it stays NULL
    insert.bind(6, x.unique);
  insert.bind(7, to_micros(now));
  if (insert.change() == 1) {
    const auto id = sqlite3_last_insert_rowid(db);
    tally_user(db, location_, x.queue, 1, 0);
    return {id, false};
  }
  user_statement look{db, location_, sql::find_unique};
  if (!look.with(x.queue, x.unique).next())
    throw engine_error{name_
                       + ": a job was neither written nor there; is there "
                         "a trigger on troupe_job?"};
  return {look.integer(0), true};
}

bool sqlite_engine::done_in(const transaction& tx, const std::string& queue,
                            const claim_id& claim, timespan keep_done) {
  auto* db = connection_of(tx, location_);
  const auto kept = keep_done > timespan::zero();
  user_statement what{db, location_, kept ? sql::keep : sql::forget};
  if (kept)
    what.with(to_micros(later(time_.wall(), keep_done)), claim.id, claim.fence);
  else
    what.with(claim.id, claim.fence);
  if (what.change() == 0)
    return false;
  tally_user(db, location_, queue, 0, 1);
  return true;
}

} // namespace troupe::durable
