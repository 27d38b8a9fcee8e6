// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/postgres_engine.hpp"

#include "durable/owner_locks.hpp"
#include "durable/postgres_schema.hpp"
#include "durable/postgres_sql.hpp"
#include "durable/postgres_with.hpp"
#include "durable/times.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace troupe::durable {

namespace {

using namespace std::chrono_literals;

/// Nobody waits for another one's transaction for longer than a second. An
/// index is there for all that is asked, whatever the server knows of how many
/// rows there are.
constexpr const char* session = R"sql(
SET statement_timeout = '9s';
SET lock_timeout = '1s';
SET idle_in_transaction_session_timeout = '20s';
SET default_transaction_isolation = 'read committed';
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET jit = off;
)sql";

constexpr const char* safe_commits
  = "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off'";

constexpr const char* quick_commits = "SET synchronous_commit = off";

/// How often the tallies are added up, and how many of them then.
constexpr std::uint64_t add_up_each = 128;
constexpr int add_up_at_once = 256;

/// Whether these are ports, separated by commas. libpq looks at them only when
/// it connects, and reports a wrong one as a connection that failed.
bool are_ports(std::string_view text) {
  for (;;) {
    const auto one = text.substr(0, text.find(','));
    const auto* const begin = one.data();
    const auto* const end = begin + one.size();
    std::uint16_t port = 0;
    const auto [at, error] = std::from_chars(begin, end, port);
    if (!one.empty() && (error != std::errc{} || at != end || port == 0))
      return false;
    if (one.size() == text.size())
      return true;
    text.remove_prefix(one.size() + 1);
  }
}

/// The URL without its password.
std::string shown(const std::string& url) {
  char* why = nullptr;
  auto* all = PQconninfoParse(url.c_str(), &why);
  if (all == nullptr) {
    const auto text = in_one_line(why != nullptr ? why : "no memory");
    PQfreemem(why);
    throw engine_error{"\"postgresql://...\": " + text
                       + "; write it as postgresql://user@host:port/database"};
  }
  const auto user = value_of(all, "user");
  const auto port = value_of(all, "port");
  auto result = "\"postgresql://" + (user.empty() ? user : user + "@")
                + value_of(all, "host") + (port.empty() ? port : ":" + port)
                + "/" + value_of(all, "dbname") + "\"";
  PQconninfoFree(all);
  if (!are_ports(port))
    throw engine_error{result + ": its port is \"" + port
                       + "\"; it must be a number from 1 to 65535"};
  return result;
}

} // namespace

// -- life ----------------------------------------------------------------------

postgres_engine::postgres_engine(const std::string& url, durability how,
                                 if_missing then)
  : url_(url), how_(how), then_(then), name_(shown(url)) {
  note_time(to_micros(wall_now())); // until the server says what it is
  try {
    db();
  } catch (const postgres_error& e) {
    if (then == if_missing::refuse || !(e.is_lost() || e.is_late()))
      throw;
    if (e.is_late())
      return;
    // Whether it is away, or does not want us: only this tells.
    switch (PQping(url_.c_str())) {
      case PQPING_NO_RESPONSE:
      case PQPING_REJECT:
        break;
      default:
        throw engine_error{std::string{e.what()}
                           + "; do the database and the role exist, and is "
                             "the password right?"};
    }
  }
}

postgres_engine::~postgres_engine() {
  if (!db_)
    return;
  try {
    db_->script("DELETE FROM troupe_owner WHERE id = " + std::to_string(owner_)
                + " AND NOT EXISTS (SELECT 1 FROM troupe_job WHERE state = 1 "
                  "AND owner = "
                + std::to_string(owner_) + ")");
  } catch (const engine_error&) {
    db_.reset(); // Somebody else does it, after a day.
  }
}

postgres_connection& postgres_engine::db() {
  if (db_)
    return *db_;
  postgres_connection fresh{url_, name_};
  if (fresh.server_version() < 130000)
    throw engine_error{name_ + ": troupe needs PostgreSQL 13 or later"};
  configure(fresh);
  auto store = in_postgres::migrate(fresh, name_, then_);
  end_former(fresh);
  become_owner(fresh);
  {
    std::unique_lock guard{mtx_};
    if (!store_.empty() && store_ != store)
      throw engine_error{name_
                         + ": its tables are not those that were there when "
                           "it was opened; start the program anew"};
    store_ = std::move(store);
  }
  db_.emplace(std::move(fresh));
  listens_ = false;
  return *db_;
}

void postgres_engine::configure(postgres_connection& x) {
  x.script(session);
  x.script(how_ == durability::power_loss ? safe_commits : quick_commits);
}

void postgres_engine::end_former(postgres_connection& x) {
  if (!process_.empty())
    x.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
          "WHERE pid || ' ' || backend_start = $1",
          process_);
  process_ = x.run("SELECT pid || ' ' || backend_start FROM pg_stat_activity "
                   "WHERE pid = pg_backend_pid()")
               .text(0, 0);
}

void postgres_engine::become_owner(postgres_connection& x) {
  if (owner_ == 0) {
    const auto rows = x.run("INSERT INTO troupe_owner(process, since, seen) "
                            "VALUES ($1, troupe_now(), troupe_now()) "
                            "RETURNING id",
                            boot_id() + " " + std::to_string(::getpid()));
    owner_ = rows.integer(0, 0);
  }
  note_time(x.run("SELECT troupe_now()").integer(0, 0));
}

void postgres_engine::give_up_connection() noexcept {
  db_.reset();
  listens_ = false;
}

// -- batches -------------------------------------------------------------------

void postgres_engine::begin() {
  if (unsure_) // nobody has asked, so nobody wants to know
    static_cast<void>(was_committed());
  with_db([&](postgres_connection& x) { x.script("BEGIN"); });
  changed_ = false;
  tell_ = false;
}

void postgres_engine::commit() {
  with_db([&](postgres_connection& x) {
    if (!changed_) {
      x.script("COMMIT");
      return;
    }
    write_tallies(x);
    const auto owner = std::to_string(owner_);
    const auto batch = std::to_string(++batch_);
    unsure_ = batch_;
    // Others are told after it, or each commit would wait for the former one to
    // be on the disk. If that is lost, they look by themselves.
    x.script(
      "INSERT INTO troupe_owner(id, process, since, seen, batch) VALUES ("
      + owner + ", '', troupe_now(), troupe_now(), " + batch
      + ") ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, "
        "batch = excluded.batch; COMMIT"
      + (tell_ ? "; NOTIFY troupe_job" : ""));
    unsure_.reset();
  });
  tallies_.clear();
}

void postgres_engine::write_tallies(postgres_connection& x) {
  if (tallies_.empty())
    return;
  postgres_array queues;
  postgres_array puts;
  postgres_array dones;
  postgres_array purges;
  for (const auto& [queue, n] : tallies_) {
    queues.add(queue);
    puts.add(n.put);
    dones.add(n.done);
    purges.add(n.purged);
  }
  x.run(in_postgres::sql::tally, queues, puts, dones, purges);
  if (++tallies_written_ % add_up_each == 0)
    x.run(in_postgres::sql::add_up, add_up_at_once);
}

bool postgres_engine::was_committed() {
  if (!unsure_)
    return false;
  return with_db([&](postgres_connection& x) {
    // If the former connection has not ended yet, it has this row locked.
    const auto rows = x.run("SELECT batch FROM troupe_owner WHERE id = $1 "
                            "FOR UPDATE",
                            owner_);
    const auto last = rows.size() > 0 ? rows.integer(0, 0) : 0;
    return last >= *std::exchange(unsure_, std::nullopt);
  });
}

void postgres_engine::rollback() noexcept {
  tallies_.clear();
  if (!db_ || !db_->is_in_transaction())
    return;
  try {
    db_->script("ROLLBACK");
  } catch (const engine_error&) {
    give_up_connection();
  }
}

// -- for people ------------------------------------------------------------------

bool postgres_engine::requeue(job_id id) {
  try {
    return with_db([&](postgres_connection& x) {
      const auto n = x.run("UPDATE troupe_job SET state = 0, "
                           "run_at = troupe_now(), failures = 0, crashes = 0 "
                           "WHERE id = $1 AND state = 2",
                           id)
                       .changed();
      changed_ = tell_ = true;
      return n == 1;
    });
  } catch (const postgres_error& e) {
    if (!e.is_refusal())
      throw;
    throw engine_error{name_ + ": job " + std::to_string(id)
                       + " cannot wait again: another one with its unique "
                         "key waits or runs"};
  }
}

bool postgres_engine::purge(job_id id) {
  return with_db([&](postgres_connection& x) {
    const auto gone = x.run("DELETE FROM troupe_job WHERE id = $1 AND "
                            "state IN (0, 2) RETURNING queue",
                            id);
    if (gone.size() == 0)
      return false;
    ++tallies_[gone.text(0, 0)].purged;
    changed_ = true;
    return true;
  });
}

} // namespace troupe::durable
