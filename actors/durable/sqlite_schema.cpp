// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/sqlite_schema.hpp"

#include "durable/engine.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>

namespace troupe::durable {

namespace {

// Version 1. Times in microseconds of the wall clock since 1970, `lease_until`
// in nanoseconds of the machine's monotonic clock. `state` is
// `rules::job_state`; queries name its numbers, or SQLite could not see that a
// partial index serves them.
//
// - `troupe_ready` finds what can be claimed: for each priority from the
//   highest one down, the jobs whose time has come, oldest first. Jobs that
//   wait for tomorrow stand behind those, so they cost a claim nothing.
// - `max_crashes` is what the worker said that has, or had, the claim: whoever
//   finds it gone does not know its options.
constexpr const char* version_1 = R"sql(
CREATE TABLE troupe_job(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  queue TEXT NOT NULL,
  type TEXT NOT NULL,
  payload TEXT NOT NULL,
  state INTEGER NOT NULL DEFAULT 0,
  run_at INTEGER NOT NULL,
  priority INTEGER NOT NULL DEFAULT 0,
  unique_key TEXT,
  claim INTEGER NOT NULL DEFAULT 0,
  owner INTEGER,
  lease_until INTEGER,
  max_crashes INTEGER NOT NULL DEFAULT 1,
  failures INTEGER NOT NULL DEFAULT 0,
  crashes INTEGER NOT NULL DEFAULT 0,
  last_error TEXT NOT NULL DEFAULT '',
  put_at INTEGER NOT NULL,
  forget_at INTEGER
) STRICT;
CREATE INDEX troupe_ready ON troupe_job(queue, priority, run_at, id)
  WHERE state = 0;
CREATE INDEX troupe_running ON troupe_job(lease_until) WHERE state = 1;
CREATE INDEX troupe_buried ON troupe_job(queue) WHERE state = 2;
CREATE INDEX troupe_done ON troupe_job(forget_at) WHERE state = 3;
CREATE UNIQUE INDEX troupe_unique ON troupe_job(queue, unique_key)
  WHERE unique_key IS NOT NULL AND state < 2;
CREATE TABLE troupe_queue(
  name TEXT PRIMARY KEY,
  put INTEGER NOT NULL DEFAULT 0,
  done INTEGER NOT NULL DEFAULT 0,
  purged INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE troupe_owner(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  boot TEXT NOT NULL,
  pid INTEGER NOT NULL,
  since INTEGER NOT NULL
) STRICT;
)sql";

// Version 2. The last slot of each periodic job that is over and done with.
constexpr const char* version_2 = R"sql(
CREATE TABLE troupe_periodic(
  queue TEXT NOT NULL,
  name TEXT NOT NULL,
  slot INTEGER NOT NULL,
  PRIMARY KEY (queue, name)
) STRICT, WITHOUT ROWID;
)sql";

engine_error newer(const std::string& name, int found) {
  return engine_error{
    name + ": its tables are of version " + std::to_string(found)
    + ", and this program knows them up to version "
    + std::to_string(schema_version) + "; build it with a newer troupe"};
}

} // namespace

void require_tables(SQLite::Database& db, const std::string& name) {
  if (!db.tableExists("troupe_schema"))
    throw engine_error{name
                       + ": there are no jobs of troupe in it; name the file "
                         "that a program has opened as its store"};
  const auto found
    = db.execAndGet("SELECT version FROM troupe_schema").getInt();
  if (found > schema_version)
    throw newer(name, found);
  if (found < schema_version)
    throw engine_error{name + ": its tables are of version "
                       + std::to_string(found) + ", and this program needs "
                       + std::to_string(schema_version)
                       + "; start a program that is built with this troupe on "
                         "it, which changes them"};
}

void migrate(SQLite::Database& db, const std::string& name) {
  SQLite::Transaction all{db, SQLite::TransactionBehavior::IMMEDIATE};
  db.exec("CREATE TABLE IF NOT EXISTS troupe_schema("
          "one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL)");
  int found = 0;
  {
    SQLite::Statement look{db, "SELECT version FROM troupe_schema"};
    if (look.executeStep())
      found = look.getColumn(0).getInt();
  }
  if (found > schema_version)
    throw newer(name, found);
  if (found == schema_version)
    return; // which rolls back, and nothing has been changed
  if (found < 1)
    db.exec(version_1);
  if (found < 2)
    db.exec(version_2);
  SQLite::Statement note{db, "INSERT INTO troupe_schema(one, version) "
                             "VALUES (1, ?) ON CONFLICT (one) DO UPDATE "
                             "SET version = excluded.version"};
  note.bind(1, schema_version);
  note.exec();
  all.commit();
}

} // namespace troupe::durable
