// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/postgres_engine.hpp"
#include "durable/postgres_sql.hpp"
#include "durable/times.hpp"

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace troupe::durable {

namespace {

/// Runs a statement on a connection of the user's, which may block.
template <class... Ts>
postgres_rows run_for_user(PGconn* db, const std::string& name, const char* sql,
                           const Ts&... xs) {
  const std::vector<postgres_value> values{to_value(xs)...};
  std::vector<const char*> texts;
  texts.reserve(values.size());
  for (const auto& x : values)
    texts.push_back(x ? x->c_str() : nullptr);
  postgres_rows result{PQexecParams(db, sql, static_cast<int>(texts.size()),
                                    nullptr, texts.data(), nullptr, nullptr,
                                    0)};
  if (auto why = result.error(); !why.empty())
    throw engine_error{name + ": " + why};
  return result;
}

template <class T>
postgres_array array_of(const T& x) {
  postgres_array result;
  result.add(x);
  return result;
}

} // namespace

PGconn* postgres_engine::connection_of(const transaction& tx) const {
  auto* db = tx.postgres();
  if (db == nullptr)
    throw std::invalid_argument{"this transaction has no connection of "
                                "libpq's; give it one to the database of the "
                                "store, "
                                + name_};
  switch (PQtransactionStatus(db)) {
    case PQTRANS_INTRANS:
      break;
    case PQTRANS_IDLE:
      throw std::invalid_argument{"no transaction is open on this connection "
                                  "to the database of "
                                  + name_ + "; begin one first"};
    case PQTRANS_INERROR:
      throw std::invalid_argument{"this transaction has failed before; roll "
                                  "it back"};
    default:
      throw std::invalid_argument{"this connection is in use, or is gone"};
  }
  const auto is_there = run_for_user(
    db, name_, "SELECT to_regclass('troupe_schema') IS NOT NULL");
  std::string store;
  if (is_there.flag(0, 0))
    store
      = run_for_user(db, name_, "SELECT store FROM troupe_schema").text(0, 0);
  std::unique_lock guard{mtx_};
  if (store_.empty())
    throw engine_error{name_ + ": it was away since it was opened"};
  if (store != store_)
    throw std::invalid_argument{"this transaction is one of another database, "
                                "or does not see the tables of "
                                + name_
                                + "; open a connection to that one, with the "
                                  "same search_path"};
  return db;
}

receipt postgres_engine::put_in(const transaction& tx, const new_job& x) {
  auto* db = connection_of(tx);
  if (!x.unique.empty())
    run_for_user(db, name_, in_postgres::sql::lock_key, x.queue, x.unique);
  const auto rows = run_for_user(
    db, name_, in_postgres::sql::put, array_of(x.queue), array_of(x.type),
    array_of(x.payload),
    array_of(x.run_at > wall_time{} ? to_value(to_micros(x.run_at))
                                    : postgres_value{}),
    array_of(x.priority),
    array_of(x.unique.empty() ? postgres_value{} : postgres_value{x.unique}));
  if (rows.is_null(0, 1))
    throw engine_error{name_
                       + ": a job was neither written nor there; is the "
                         "transaction one of READ COMMITTED?"};
  if (!rows.flag(0, 0))
    return {rows.integer(0, 1), true};
  run_for_user(db, name_, in_postgres::sql::tally, array_of(x.queue),
               array_of(1), array_of(0), array_of(0));
  run_for_user(db, name_, "SELECT pg_notify('troupe_job', '')");
  return {rows.integer(0, 1), false};
}

bool postgres_engine::done_in(const transaction& tx, const std::string& queue,
                              const claim_id& claim, timespan keep_done) {
  auto* db = connection_of(tx);
  const auto kept
    = std::chrono::ceil<std::chrono::microseconds>(keep_done).count();
  const auto ended
    = kept > 0
        ? run_for_user(db, name_,
                       "UPDATE troupe_job SET state = 3, owner = NULL, "
                       "forget_at = troupe_now() + $3::bigint, "
                       "lease_until = NULL "
                       "WHERE id = $1 AND claim = $2 AND state = 1",
                       claim.id, claim.fence, kept)
        : run_for_user(db, name_,
                       "DELETE FROM troupe_job WHERE id = $1 AND claim = $2 "
                       "AND state = 1",
                       claim.id, claim.fence);
  if (ended.changed() == 0)
    return false;
  run_for_user(db, name_, in_postgres::sql::tally, array_of(queue), array_of(0),
               array_of(1), array_of(0));
  return true;
}

} // namespace troupe::durable
