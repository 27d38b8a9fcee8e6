// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The same by hand, in SQLite.

#include "durable/place.hpp"
#include "probes/probes.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe::bench {

namespace {

constexpr const char* sqlite_table
  = "CREATE TABLE job(id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT, "
    "payload TEXT, run_at INTEGER DEFAULT 0, state INTEGER DEFAULT 0); "
    "CREATE INDEX ready ON job(queue, run_at, id) WHERE state = 0";

constexpr const char* sqlite_put
  = "INSERT INTO job(queue, payload) VALUES ('bench', '17')";

/// Safe from a loss of power, as the store of troupe.
std::unique_ptr<SQLite::Database> open(const std::string& file) {
  auto result = std::make_unique<SQLite::Database>(
    file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 60'000);
  result->exec("PRAGMA journal_mode = WAL");
  result->exec("PRAGMA synchronous = FULL");
  return result;
}

/// Ends the jobs of a batch and claims the next one.
class batches {
public:
  explicit batches(SQLite::Database& db)
    : db_(db),
      claim_(db, "UPDATE job SET state = 1 WHERE id IN (SELECT id FROM job "
                 "WHERE queue = 'bench' AND state = 0 ORDER BY run_at, id "
                 "LIMIT 50) RETURNING id, payload"),
      end_(db, "DELETE FROM job WHERE id = ? AND state = 1") {
    // nop
  }

  /// @returns how many jobs it has now.
  std::size_t next() {
    SQLite::Transaction both{db_, SQLite::TransactionBehavior::IMMEDIATE};
    for (const auto id : in_hand_) {
      end_.bind(1, id);
      end_.exec();
      end_.reset();
    }
    in_hand_.clear();
    while (claim_.executeStep()) {
      in_hand_.push_back(claim_.getColumn(0).getInt64());
      seen_ += claim_.getColumn(1).getString().size();
    }
    claim_.reset();
    both.commit();
    return in_hand_.size();
  }

private:
  SQLite::Database& db_;
  SQLite::Statement claim_;
  SQLite::Statement end_;
  std::vector<std::int64_t> in_hand_;
  std::size_t seen_ = 0;
};

} // namespace

figures hand_jobs_in_sqlite(std::size_t size) {
  const auto db = open(empty_store_of_probe());
  db->exec(sqlite_table);
  {
    SQLite::Transaction all{*db};
    SQLite::Statement one{*db, sqlite_put};
    for (std::size_t i = 0; i < size; ++i) {
      one.exec();
      one.reset();
    }
    all.commit();
  }
  batches work{*db};
  const auto start = stopwatch::now();
  while (work.next() > 0) {
    // the handler does nothing
  }
  return {{"rate", static_cast<double>(size) / (nanos_since(start) / 1e9)}};
}

figures hand_puts_in_sqlite(std::size_t size) {
  const auto file = empty_store_of_probe();
  const auto db = open(file);
  db->exec(sqlite_table);
  SQLite::Statement statement{*db, sqlite_put};
  const auto one = median_time(size, [&statement] {
    statement.exec();
    statement.reset();
  });
  const auto rate = rate_of_threads(8, size, [&file] {
    std::shared_ptr<SQLite::Database> mine = open(file);
    auto insert = std::make_shared<SQLite::Statement>(*mine, sqlite_put);
    return [mine, insert] {
      insert->exec();
      insert->reset();
    };
  });
  return {{"put", one}, {"rate", rate}};
}

} // namespace troupe::bench
