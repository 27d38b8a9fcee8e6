// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/sqlite_engine.hpp"

#include "durable/sqlite_schema.hpp"
#include "durable/sqlite_sql.hpp"
#include "durable/sqlite_statement.hpp"
#include "durable/times.hpp"

#include <SQLiteCpp/Exception.h>

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <limits>
#include <system_error>
#include <thread>
#include <utility>

#include <unistd.h>

namespace troupe::durable {

namespace {

using namespace std::chrono_literals;
using rules::job_state;

/// How long SQLite waits for a lock of somebody else before it says so.
constexpr int busy_ms = 1000;

/// How long others may keep the file locked while it is opened: nobody waits
/// for a store that is not open, and programs are often started together.
constexpr auto opening_period = 30s;

/// Calls `f` until nobody else has the file locked. SQLite waits by itself in
/// most cases, but not when a file becomes one in WAL mode.
template <class F>
void when_free(F f) {
  const auto limit = std::chrono::steady_clock::now() + opening_period;
  while (true) {
    try {
      f();
      return;
    } catch (const SQLite::Exception& e) {
      if (e.getErrorCode() != SQLITE_BUSY
          || std::chrono::steady_clock::now() >= limit)
        throw;
    }
    std::this_thread::sleep_for(20ms);
  }
}

/// The end of the text of an error in opening: a way out.
const char* advice_for(int code) noexcept {
  switch (code) {
    case SQLITE_NOTADB:
      return "; name another file, or move this one away";
    case SQLITE_CANTOPEN:
      return "; does the folder exist, and may this process write there?";
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return "; give this process the right to write the file and its folder";
    case SQLITE_CORRUPT:
      return "; put a copy in its place that was made before";
    default:
      return "";
  }
}

/// How many jobs that have been done for long enough are deleted at a time, so
/// that nobody waits for it.
constexpr int forget_at_a_time = 100;

} // namespace

// -- life ----------------------------------------------------------------------

sqlite_engine::sqlite_engine(const std::string& path, durability how,
                             clocks time, if_missing then)
  : name_("\"" + path + "\""), time_(std::move(time)), boot_(boot_id()) {
  if (sqlite3_libversion_number() < 3037000)
    throw engine_error{name_ + ": this program has SQLite "
                       + sqlite3_libversion()
                       + ", and troupe needs 3.37 or later"};
  if (path.empty() || path == ":memory:" || path.find('\0') != path.npos)
    throw engine_error{name_ + ": a store of jobs is a file; name one"};
  guarded([&] {
    try {
      open(path, how, then);
    } catch (const SQLite::Exception& e) {
      throw engine_error{name_ + ": " + e.what()
                         + advice_for(e.getErrorCode())};
    }
  });
}

sqlite_engine::~sqlite_engine() {
  // If this fails, those who see that this owner is gone do it.
  try {
    begin();
    prepared("DELETE FROM troupe_owner WHERE id = ? AND NOT EXISTS ("
             "SELECT 1 FROM troupe_job WHERE state = 1 AND owner = ?1)")
      .with(owner_)
      .change();
    commit();
  } catch (const engine_error&) {
    rollback();
  } catch (const SQLite::Exception&) {
    rollback();
  }
}

void sqlite_engine::open(const std::string& path, durability how,
                         if_missing then) {
  const auto make = then == if_missing::make;
  if (!make && ::access(path.c_str(), F_OK) != 0)
    throw engine_error{name_ + ": " + std::strerror(errno)
                       + "; name the file that a program has opened as its "
                         "store"};
  // One thread at a time uses the connection.
  db_.emplace(path,
              SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX
                | (make ? SQLite::OPEN_CREATE : 0),
              busy_ms);
  if (!make)
    when_free([&] { require_tables(*db_, name_); });
  when_free([&] { configure(how); });
  when_free([&] { migrate(*db_, name_); });
  // SQLite names its own files after what symbolic links lead to, too.
  location_ = sqlite3_db_filename(db_->getHandle(), "main");
  locks_.emplace(location_ + "-owners");
  when_free([&] { become_owner(); });
}

void sqlite_engine::configure(durability how) {
  std::string mode;
  SQLite::Statement ask{*db_, "PRAGMA journal_mode = WAL"};
  if (ask.executeStep())
    mode = ask.getColumn(0).getString();
  if (sqlite3_db_readonly(db_->getHandle(), "main") != 0)
    throw engine_error{name_ + ": it can only be read"
                       + advice_for(SQLITE_READONLY)};
  if (mode != "wal")
    throw engine_error{name_ + ": SQLite's WAL mode cannot be had (it is \""
                       + mode + "\"); is the file on a network?"};
  db_->exec(how == durability::power_loss ? "PRAGMA synchronous = FULL"
                                          : "PRAGMA synchronous = NORMAL");
}

void sqlite_engine::become_owner() {
  prepared("BEGIN IMMEDIATE").change();
  prepared("INSERT INTO troupe_owner(boot, pid, since) VALUES (?, ?, ?)")
    .with(boot_, std::int64_t{::getpid()}, to_micros(time_.wall()))
    .change();
  owner_ = db_->getLastInsertRowid();
  if (!locks_->lock(owner_)) {
    rollback();
    throw engine_error{name_ + ": somebody else has the lock of owner "
                       + std::to_string(owner_)
                       + "; was the database restored from a copy while "
                         "programs had it open? Stop them, and try again"};
  }
  commit();
}

sqlite_engine::running_statement sqlite_engine::prepared(const char* sql) {
  auto& x = statements_[sql];
  if (!x)
    x = std::make_unique<SQLite::Statement>(*db_, sql);
  return running_statement{*x};
}

// -- batches -------------------------------------------------------------------

void sqlite_engine::begin() {
  guarded([&] { prepared("BEGIN IMMEDIATE").change(); });
}

void sqlite_engine::commit() {
  guarded([&] {
    for (const auto& [queue, x] : tallies_)
      prepared(sql::tally).with(queue, x.put, x.done, x.purged).change();
    prepared("COMMIT").change();
  });
  tallies_.clear();
}

void sqlite_engine::rollback() noexcept {
  tallies_.clear();
  // Of some errors SQLite has rolled back itself.
  if (db_ && sqlite3_get_autocommit(db_->getHandle()) == 0)
    db_->tryExec("ROLLBACK");
}

// -- changes -------------------------------------------------------------------

receipt sqlite_engine::put(const new_job& x) {
  try {
    return write(x);
  } catch (const SQLite::Exception& e) {
    // The statement alone is undone then, not the transaction.
    const auto code = e.getErrorCode();
    if (code == SQLITE_CONSTRAINT || code == SQLITE_TOOBIG
        || code == SQLITE_MISMATCH)
      throw refusal{name_ + ": " + e.what()};
    throw engine_error{name_ + ": " + e.what()};
  }
}

receipt sqlite_engine::write(const new_job& x) {
  const auto now = time_.wall();
  const auto run_at = x.run_at > wall_time{} ? x.run_at : now;
  const auto unique = x.unique.empty() ? std::optional<std::string>{}
                                       : std::optional{x.unique};
  const auto written = prepared(sql::put)
                         .with(x.queue, x.type, x.payload, to_micros(run_at),
                               x.priority, unique, to_micros(now))
                         .change();
  if (written == 1) {
    ++tallies_[x.queue].put;
    return {db_->getLastInsertRowid(), false};
  }
  auto look = prepared(sql::find_unique).with(x.queue, x.unique);
  if (!look.next())
    throw refusal{name_
                  + ": a job was neither written nor there; is "
                    "there a trigger on troupe_job?"};
  return {look.integer(0), true};
}

std::optional<int> sqlite_engine::next_priority(const std::string& queue,
                                                int below) {
  auto look = prepared("SELECT max(priority) FROM troupe_job WHERE queue = ? "
                       "AND state = 0 AND priority < ?")
                .with(queue, below);
  if (!look.next() || look.is_null(0))
    return {};
  return static_cast<int>(look.integer(0));
}

claim_result sqlite_engine::claim(const claim_order& what) {
  return guarded([&] {
    // The ready jobs, in order; one more than there is room for, to know
    // whether that is all.
    std::vector<claimed_job> ready;
    std::vector<int> crashes;
    const auto now = to_micros(time_.wall());
    for (auto priority = next_priority(what.queue,
                                       std::numeric_limits<int>::max());
         priority && ready.size() <= what.room;
         priority = next_priority(what.queue, *priority)) {
      auto rows
        = prepared("SELECT id, claim, type, payload, failures, crashes, put_at "
                   "FROM troupe_job WHERE queue = ? AND state = 0 AND "
                   "priority = ? AND run_at <= ? ORDER BY run_at, id LIMIT ?")
            .with(what.queue, *priority, now,
                  static_cast<std::int64_t>(what.room + 1 - ready.size()));
      while (rows.next()) {
        ready.push_back({{rows.integer(0), rows.integer(1) + 1},
                         rows.text(2),
                         rows.text(3),
                         {static_cast<int>(rows.integer(4)),
                          static_cast<int>(rows.integer(5))},
                         from_micros(rows.integer(6))});
        crashes.push_back(ready.back().before.crashes);
      }
    }
    claim_result result;
    const auto n = std::min(
      rules::claim_of(crashes, what.hands_empty, what.patient), what.room);
    result.more = n < ready.size();
    const auto until = deadline_after(time_.steady(), what.lease);
    // Nobody else writes in this transaction, so each is as it was read.
    for (std::size_t i = 0; i < n; ++i)
      if (prepared("UPDATE troupe_job SET state = 1, claim = ?, owner = ?, "
                   "lease_until = ?, max_crashes = ? "
                   "WHERE id = ? AND state = 0")
            .with(ready[i].claim.fence, owner_, to_nanos(until),
                  what.max_crashes, ready[i].claim.id)
            .change()
          == 1)
        result.jobs.push_back(std::move(ready[i]));
    return result;
  });
}

bool sqlite_engine::apply(const job_end& what) {
  const auto& [next, after, delay] = what.what;
  if (next == job_state::done && what.keep_done <= timespan::zero()) {
    const auto n
      = prepared(sql::forget).with(what.claim.id, what.claim.fence).change();
    return n == 1;
  }
  std::optional<std::int64_t> run_at;
  if (next == job_state::waiting && delay)
    run_at = to_micros(later(time_.wall(), *delay));
  std::optional<std::int64_t> forget_at;
  if (next == job_state::done)
    forget_at = to_micros(later(time_.wall(), what.keep_done));
  const auto error = what.error.empty() ? std::optional<std::string>{}
                                        : std::optional{what.error};
  const auto n
    = prepared("UPDATE troupe_job SET state = ?, run_at = coalesce(?, run_at), "
               "forget_at = ?, failures = ?, crashes = ?, "
               "last_error = coalesce(?, last_error), owner = NULL, "
               "lease_until = NULL WHERE id = ? AND claim = ? AND state = 1")
        .with(static_cast<int>(next), run_at, forget_at, after.failures,
              after.crashes, error, what.claim.id, what.claim.fence)
        .change();
  return n == 1;
}

bool sqlite_engine::end(const job_end& what) {
  return guarded([&] {
    if (!apply(what))
      return what.ended_by_user;
    if (what.what.next == job_state::done)
      ++tallies_[what.queue].done;
    return true;
  });
}

bool sqlite_engine::renew(const claim_id& claim, timespan lease) {
  return guarded([&] {
    const auto until = deadline_after(time_.steady(), lease);
    const auto n = prepared("UPDATE troupe_job SET lease_until = ? "
                            "WHERE id = ? AND claim = ? AND state = 1")
                     .with(to_nanos(until), claim.id, claim.fence)
                     .change();
    return n == 1;
  });
}

std::size_t sqlite_engine::recover() {
  return guarded([&] {
    std::vector<std::int64_t> alive{owner_};
    std::vector<std::int64_t> gone;
    for (auto rows = prepared("SELECT id, boot FROM troupe_owner");
         rows.next();) {
      const auto id = rows.integer(0);
      if (id == owner_)
        continue;
      if (rows.text(1) == boot_ && locks_->is_locked(id))
        alive.push_back(id);
      else
        gone.push_back(id);
    }
    std::vector<job_end> over;
    const auto now = to_nanos(time_.steady());
    for (auto rows = prepared("SELECT id, claim, queue, owner, lease_until, "
                              "failures, crashes, max_crashes FROM troupe_job "
                              "WHERE state = 1");
         rows.next();) {
      const auto is_alive
        = std::find(alive.begin(), alive.end(), rows.integer(3)) != alive.end();
      if (is_alive && rows.integer(4) > now)
        continue;
      const rules::limits limit{
        .max_crashes = static_cast<int>(rows.integer(7))};
      const rules::tries before{static_cast<int>(rows.integer(5)),
                                static_cast<int>(rows.integer(6))};
      const auto what = rules::after(rules::ending::crashed, before, limit,
                                     timespan::zero(), 0.0);
      over.push_back({.queue = rows.text(2),
                      .claim = {rows.integer(0), rows.integer(1)},
                      .what = what,
                      .error = is_alive
                                 ? "its worker has not renewed its claim"
                                 : "its process has gone with it in hand"});
    }
    for (const auto& x : over)
      apply(x);
    for (const auto id : gone)
      prepared("DELETE FROM troupe_owner WHERE id = ?").with(id).change();
    others_.reset();
    return over.size();
  });
}

void sqlite_engine::forget_done() {
  guarded([&] {
    prepared("DELETE FROM troupe_job WHERE id IN (SELECT id FROM troupe_job "
             "WHERE state = 3 AND forget_at <= ? LIMIT ?)")
      .with(to_micros(time_.wall()), forget_at_a_time)
      .change();
  });
}

bool sqlite_engine::requeue(job_id id) {
  return guarded([&] {
    try {
      const auto n = prepared("UPDATE troupe_job SET state = 0, run_at = ?, "
                              "failures = 0, crashes = 0 "
                              "WHERE id = ? AND state = 2")
                       .with(to_micros(time_.wall()), id)
                       .change();
      return n == 1;
    } catch (const SQLite::Exception& e) {
      if (e.getErrorCode() != SQLITE_CONSTRAINT)
        throw;
      throw engine_error{name_ + ": job " + std::to_string(id)
                         + " cannot wait again: another one with its unique "
                           "key waits or runs"};
    }
  });
}

bool sqlite_engine::purge(job_id id) {
  return guarded([&] {
    auto gone = prepared("DELETE FROM troupe_job WHERE id = ? AND "
                         "state IN (0, 2) RETURNING queue")
                  .with(id);
    if (!gone.next())
      return false;
    ++tallies_[gone.text(0)].purged;
    return true;
  });
}

} // namespace troupe::durable
