// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// Jobs that outlive the process, in SQLite and PostgreSQL.

#include "cases.hpp"
#include "compare.hpp"
#include "peers.hpp"
#include "probe.hpp"
#include "support/temporary_folder.hpp"

#ifdef TROUPE_POSTGRES_BIN
#  include "durable/by_hand_in_postgres.hpp"
#  include "support/postgres_server.hpp"
#endif

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::bench {

namespace {

/// How many jobs each probe gets.
struct job_sizes {
  std::size_t jobs;
  std::size_t puts;
  std::size_t rounds;
  std::size_t kills;
  std::size_t idle;
};

constexpr job_sizes full{20'000, 200, 3, 3, 100};
constexpr job_sizes quick{200, 5, 1, 1, 0};

/// Has a probe work on a store.
probe_command in_store(probe_command what, const std::string& where,
                       std::size_t in_hand = 1) {
  what.words.insert(what.words.begin(),
                    {"env", "TROUPE_BENCH_STORE=" + where,
                     "TROUPE_BENCH_IN_HAND=" + std::to_string(in_hand)});
  return what;
}

/// A row for each peer: troupe's is the first of `all`.
void compare_all(report& out, const std::string& name, const std::string& unit,
                 const std::string& figure,
                 const std::vector<probe_command>& all,
                 const std::vector<samples>& found,
                 std::optional<target> wanted) {
  for (std::size_t i = 1; i < all.size(); ++i)
    compare(out,
            {.name = name,
             .unit = unit,
             .target = all[i].missing.empty() ? wanted : std::nullopt},
            found[0], all[i], found[i], figure, figure);
}

/// Adds a row for a probe of troupe's that has no peer.
void measure(report& out, row what, const probe_command& probe,
             const std::string& figure, std::size_t rounds) {
  const auto found = run_in_turn({probe}, rounds);
  what.troupe = median(found[0].at(figure));
  out.add(what);
}

void put_jobs(report& out, const std::string& store, probe_command by_hand,
              const std::string& where, const std::string& hand_where,
              const job_sizes& n) {
  const std::vector all{in_store(own_probe("troupe", "troupe_puts", n.puts),
                                 where),
                        in_store(std::move(by_hand), hand_where)};
  const auto found = run_in_turn(all, n.rounds);
  compare_all(out, "put of one job, " + store, "ns", "put", all, found,
              ratio_at_most(1.2));
  compare_all(out, "put by 8 threads, " + store, "jobs/s", "rate", all, found,
              ratio_at_least(1.0));
}

void in_sqlite(report& out, const job_sizes& n) {
  const support::temporary_folder folder;
  const auto where = folder.file("troupe.db");
  const std::vector all{
    in_store(own_probe("troupe", "troupe_jobs", n.jobs), where, 64),
    in_store(own_probe("the same SQL by hand, batches of 50",
                       "hand_jobs_in_sqlite", n.jobs),
             folder.file("hand.db")),
    in_store(npm("better-sqlite3", n.jobs), folder.file("npm.db")),
    in_store(own_probe("troupe, none of them", "troupe_jobs", n.jobs), where,
             64)};
  auto found = run_in_turn({all[0], all[1], all[2]}, n.rounds);
  compare_all(out, "jobs through one SQLite file", "jobs/s", "rate",
              {all[0], all[1], all[2]}, found, ratio_at_least(0.8));
  const std::vector pair{
    in_store(own_probe("troupe", "troupe_jobs_today", n.jobs), where, 64),
    all[3]};
  found = run_in_turn(pair, n.rounds);
  compare_all(
    out, "the same beside " + grouped(50 * n.jobs) + " that wait for tomorrow",
    "jobs/s", "rate", pair, found, ratio_at_least(1 / 1.2));
  put_jobs(out, "SQLite",
           own_probe("INSERT and its commit", "hand_puts_in_sqlite", n.puts),
           where, folder.file("hand.db"), n);
  measure(out,
          {.name = "put until an idle worker begins, SQLite", .unit = "ns"},
          in_store(own_probe("troupe", "troupe_begun", n.puts), where), "begun",
          n.rounds);
  measure(out,
          {.name = "killed until another process has the job, SQLite",
           .unit = "ns",
           .target = value_at_most(100e6)},
          in_store(own_probe("troupe", "troupe_takeover", n.kills), where),
          "takeover", 1);
  if (n.idle == 0)
    return; // it takes ten seconds
  const std::vector idle{
    in_store(own_probe("troupe", "troupe_idle_store", n.idle), where),
    own_probe("raw CAF, one idle actor", "raw_idle", 1)};
  compare_all(out,
              "processor in 5 s, " + std::to_string(n.idle)
                + " idle workers of one SQLite file",
              "s", "idle_cpu_seconds", idle, run_in_turn(idle, 1), {});
}

#ifdef TROUPE_POSTGRES_BIN

void in_postgres(report& out, const job_sizes& n) {
  const support::postgres_server server;
  {
    postgres_by_hand db{server.url()};
    for (const auto* name : {"troupe", "hand", "graphile", "boss"})
      db.execute(("CREATE DATABASE " + std::string{name}).c_str());
  }
  const auto where = server.url("troupe");
  for (const std::size_t in_hand : {1, 8, 64}) {
    const auto size = n.jobs / (in_hand == 64 ? 1 : 64 / in_hand);
    const std::vector all{
      in_store(own_probe("troupe", "troupe_jobs", size), where, in_hand),
      in_store(npm("graphile-worker", size), server.url("graphile"), in_hand),
      in_store(npm("graphile-worker-batches", size), server.url("graphile"),
               in_hand),
      in_store(npm("pg-boss", size), server.url("boss"), in_hand)};
    const auto found = run_in_turn(all, n.rounds);
    compare_all(out,
                "jobs through one PostgreSQL, " + std::to_string(in_hand)
                  + " in hand",
                "jobs/s", "rate", all, found, ratio_at_least(1.0));
  }
  put_jobs(out, "PostgreSQL",
           own_probe("INSERT and its commit", "hand_puts_in_postgres", n.puts),
           where, server.url("hand"), n);
  const std::vector all{in_store(own_probe("troupe", "troupe_begun", n.puts),
                                 where),
                        in_store(own_probe("INSERT, NOTIFY and a claim by hand",
                                           "hand_begun_in_postgres", n.puts),
                                 server.url("hand"))};
  compare_all(out, "put until an idle worker begins, PostgreSQL", "ns", "begun",
              all, run_in_turn(all, n.rounds), ratio_at_most(1.5));
  measure(out,
          {.name = "killed until another process has the job, PostgreSQL, "
                   "lease of 2 s",
           .unit = "ns",
           .target = value_at_most(3e9)},
          in_store(own_probe("troupe", "troupe_takeover", n.kills), where),
          "takeover", 1);
}

#endif

} // namespace

void durable_jobs(report& out, const settings& how) {
  const auto& n = how.quick ? quick : full;
  in_sqlite(out, n);
#ifdef TROUPE_POSTGRES_BIN
  in_postgres(out, n);
#endif
}

} // namespace troupe::bench
