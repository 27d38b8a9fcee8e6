// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

struct pg_conn;
struct sqlite3;

namespace troupe::durable {

/// A transaction that the user's program has begun on a connection of its own
/// to the database of a store: jobs put or ended in it are committed, or rolled
/// back, together with what else is in it. (J2)
///
/// ~~~
/// SQLite::Transaction both{db};
/// db.exec("INSERT INTO orders ...");
/// auto written = mail.put(troupe::durable::transaction{db.getHandle()},
///                         letter{...});
/// both.commit();
/// ~~~
///
/// A cheap value that owns nothing; for the thread that uses the connection.
/// While the transaction is open, everybody else who writes to a store of
/// SQLite's waits for it, so keep it short, and do not wait for another `put`
/// in it. With PostgreSQL only those wait who put a job with the same unique
/// key.
class transaction {
public:
  /// @param connection One to the file of the store, on which `BEGIN` has been
  ///                   called.
  explicit transaction(sqlite3* connection) noexcept : sqlite_(connection) {
    // nop
  }

  /// @param connection Of libpq, a `PGconn*`, to the database of the store, on
  ///                   which `BEGIN` has been called. It has to find the tables
  ///                   of the store, as by the same `search_path`.
  explicit transaction(pg_conn* connection) noexcept : postgres_(connection) {
    // nop
  }

  /// The connection, or null if it is one of another database.
  [[nodiscard]] sqlite3* sqlite() const noexcept {
    return sqlite_;
  }

  /// @copydoc sqlite
  [[nodiscard]] pg_conn* postgres() const noexcept {
    return postgres_;
  }

private:
  sqlite3* sqlite_ = nullptr;
  pg_conn* postgres_ = nullptr;
};

} // namespace troupe::durable
