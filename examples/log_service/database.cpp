// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "database.hpp"

#include <SQLiteCpp/Transaction.h>

#include <stdexcept>

namespace log_service {

namespace {

SQLite::Database open(const std::string& file) {
  try {
    SQLite::Database result{file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE,
                            10'000};
    result.exec("PRAGMA journal_mode = WAL");
    result.exec("PRAGMA synchronous = NORMAL");
    result.exec("CREATE TABLE IF NOT EXISTS entry(number INTEGER PRIMARY KEY, "
                "source TEXT, level TEXT, text TEXT) STRICT");
    return result;
  } catch (const std::exception& e) {
    throw std::runtime_error{file + ": " + e.what()};
  }
}

} // namespace

database::database(const std::string& file)
  : db_(open(file)),
    insert_(db_, "INSERT INTO entry VALUES (?, ?, ?, ?) "
                 "ON CONFLICT DO NOTHING") {
  // nop
}

// [snippet log-service-idempotent]
void database::write(const std::vector<entry>& some) {
  SQLite::Transaction all{db_, SQLite::TransactionBehavior::IMMEDIATE};
  for (const auto& x : some) {
    insert_.reset();
    insert_.bind(1, x.number); // ON CONFLICT DO NOTHING: it may come again
    insert_.bindNoCopy(2, x.source);
    insert_.bindNoCopy(3, x.level);
    insert_.bindNoCopy(4, x.text);
    insert_.exec();
  }
  insert_.reset();
  all.commit();
}
// [end]

std::int64_t database::last() {
  return db_.execAndGet("SELECT coalesce(max(number), 0) FROM entry")
    .getInt64();
}

std::int64_t database::count_after(std::int64_t number) {
  SQLite::Statement query{db_, "SELECT count(*) FROM entry WHERE number > ?"};
  query.bind(1, number);
  query.executeStep();
  return query.getColumn(0).getInt64();
}

} // namespace log_service
