// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/postgres_engine.hpp"
#include "durable/postgres_sql.hpp"
#include "durable/postgres_with.hpp"
#include "durable/times.hpp"
#include "rules/printable.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <utility>

namespace troupe::durable {

namespace {

namespace sql = in_postgres::sql;

/// How many jobs a statement writes at most, and how many bytes, more or less.
constexpr std::size_t puts_at_once = 500;
constexpr std::size_t bytes_at_once = std::size_t{16} << 20u;

/// How many claims that are over are ended at once.
constexpr int over_at_once = 500;

std::int64_t micros_of(timespan x) {
  return std::chrono::ceil<std::chrono::microseconds>(x).count();
}

/// Whether the server takes it as a text.
bool is_text(std::string_view x) {
  while (!x.empty()) {
    const auto next = troupe::rules::first_of(x);
    if (next.length == 0 || next.code == 0)
      return false;
    x.remove_prefix(next.length);
  }
  return true;
}

/// The text without what the server does not take.
std::string to_text_of_server(std::string_view x) {
  std::string result;
  while (!x.empty()) {
    const auto next = troupe::rules::first_of(x);
    const auto good = next.length > 0 && next.code != 0;
    result += good ? x.substr(0, next.length) : std::string_view{"?"};
    x.remove_prefix(good ? next.length : std::size_t{1});
  }
  return result;
}

} // namespace

// -- puts ------------------------------------------------------------------------

receipt postgres_engine::put(const new_job& x) {
  const auto* one = &x;
  auto answer = put_all({&one, 1}).front();
  if (answer.what == outcome::refused)
    throw refusal{answer.why};
  if (answer.what == outcome::busy)
    throw engine_error{name_
                       + ": somebody else's transaction has the unique key"};
  return answer.done;
}

std::vector<put_answer>
postgres_engine::put_all(std::span<const new_job* const> xs) {
  std::vector<put_answer> result(xs.size());
  std::vector<const new_job*> some;
  std::vector<std::size_t> places;
  std::size_t bytes = 0;
  auto write_some = [&] {
    std::vector<put_answer> answers;
    write(some, answers);
    for (std::size_t i = 0; i < some.size(); ++i)
      result[places[i]] = std::move(answers[i]);
    some.clear();
    places.clear();
    bytes = 0;
  };
  for (std::size_t i = 0; i < xs.size(); ++i) {
    const auto& x = *xs[i];
    if (!is_text(x.queue) || !is_text(x.unique) || !is_text(x.payload)) {
      result[i].what = outcome::refused;
      result[i].why = name_
                      + ": PostgreSQL takes no text with a zero in it, or one "
                        "that is no UTF-8; look at the queue's name, the "
                        "unique key and the payload";
      continue;
    }
    some.push_back(&x);
    places.push_back(i);
    bytes += x.payload.size();
    if (some.size() >= puts_at_once || bytes >= bytes_at_once)
      write_some();
  }
  if (!some.empty())
    write_some();
  return result;
}

void postgres_engine::write(std::span<const new_job* const> xs,
                            std::vector<put_answer>& answers) {
  postgres_array queues;
  postgres_array types;
  postgres_array payloads;
  postgres_array run_at;
  postgres_array priorities;
  postgres_array keys;
  for (const auto* x : xs) {
    queues.add(x->queue);
    types.add(x->type);
    payloads.add(x->payload);
    run_at.add(x->run_at > wall_time{} ? to_value(to_micros(x->run_at))
                                       : postgres_value{});
    priorities.add(x->priority);
    keys.add(x->unique.empty() ? postgres_value{} : postgres_value{x->unique});
  }
  try {
    with_db([&](postgres_connection& db) {
      db.script("SAVEPOINT troupe_put");
      const auto rows = db.run(sql::put, queues, types, payloads, run_at,
                               priorities, keys);
      for (std::size_t i = 0; i < xs.size(); ++i) {
        const auto row = static_cast<int>(i);
        put_answer answer;
        if (rows.is_null(row, 1))
          answer.what = outcome::busy;
        else
          answer.done = {rows.integer(row, 1), !rows.flag(row, 0)};
        if (rows.flag(row, 0)) {
          ++tallies_[xs[i]->queue].put;
          changed_ = tell_ = true;
        }
        answers.push_back(std::move(answer));
      }
    });
  } catch (const postgres_error& e) {
    if (!e.is_refusal())
      throw;
    with_db([](postgres_connection& db) {
      db.script("ROLLBACK TO SAVEPOINT troupe_put");
    });
    if (xs.size() == 1) {
      answers.push_back(
        {.what = outcome::refused, .done = {}, .why = e.what()});
      return;
    }
    for (std::size_t i = 0; i < xs.size(); ++i)
      write(xs.subspan(i, 1), answers);
  }
}

// -- claims ------------------------------------------------------------------------

claim_result postgres_engine::claim(const claim_order& what) {
  return with_db([&](postgres_connection& db) {
    claim_result result;
    const auto ready = db.run(sql::find_ready, what.queue, what.room);
    std::vector<int> crashes;
    crashes.reserve(static_cast<std::size_t>(ready.size()));
    for (int i = 0; i < ready.size(); ++i)
      crashes.push_back(static_cast<int>(ready.integer(i, 1)));
    const auto n = rules::claim_of(crashes, what.hands_empty, what.patient);
    postgres_array ids;
    for (std::size_t i = 0; i < n; ++i)
      ids.add(ready.integer(static_cast<int>(i), 0));
    if (n > 0) {
      const auto taken = db.run(sql::claim, owner_, micros_of(what.lease),
                                what.max_crashes, ids);
      changed_ = true;
      result.jobs.resize(static_cast<std::size_t>(taken.size()));
      for (int i = 0; i < taken.size(); ++i)
        result.jobs.at(static_cast<std::size_t>(taken.integer(i, 0) - 1))
          = {{taken.integer(i, 1), taken.integer(i, 2)},
             taken.text(i, 3),
             taken.text(i, 4),
             {static_cast<int>(taken.integer(i, 5)),
              static_cast<int>(taken.integer(i, 6))},
             from_micros(taken.integer(i, 7))};
    }
    result.more = n < crashes.size()
                  || (n == what.room && n > 0 && is_ready(what.queue));
    return result;
  });
}

bool postgres_engine::end(const job_end& what) {
  const auto* one = &what;
  const auto answer = end_all({&one, 1}).front();
  if (answer == outcome::busy)
    throw engine_error{name_ + ": somebody else's transaction has the job"};
  return answer == outcome::done;
}

std::vector<outcome>
postgres_engine::end_all(std::span<const job_end* const> xs) {
  postgres_array ids;
  postgres_array claims;
  postgres_array states;
  postgres_array delays;
  postgres_array failures;
  postgres_array crashes;
  postgres_array errors;
  postgres_array kept;
  for (const auto* x : xs) {
    const auto& [next, after, delay] = x->what;
    const auto waits = next == rules::job_state::waiting && delay;
    const auto keep = next == rules::job_state::done
                      && x->keep_done > timespan::zero();
    ids.add(x->claim.id);
    claims.add(x->claim.fence);
    states.add(static_cast<int>(next));
    delays.add(waits ? to_value(micros_of(*delay)) : postgres_value{});
    failures.add(after.failures);
    crashes.add(after.crashes);
    errors.add(x->error.empty() ? postgres_value{}
                                : postgres_value{to_text_of_server(x->error)});
    kept.add(keep ? to_value(micros_of(x->keep_done)) : postgres_value{});
  }
  return with_db([&](postgres_connection& db) {
    const auto rows = db.run(sql::end, ids, claims, states, delays, failures,
                             crashes, errors, kept);
    std::vector<outcome> result;
    for (std::size_t i = 0; i < xs.size(); ++i) {
      const auto row = static_cast<int>(i);
      if (rows.flag(row, 0)) {
        result.push_back(outcome::done);
        changed_ = true;
        if (xs[i]->what.next == rules::job_state::done)
          ++tallies_[xs[i]->queue].done;
        tell_ = tell_ || xs[i]->what.next == rules::job_state::waiting;
      } else if (rows.flag(row, 1)) {
        result.push_back(outcome::busy);
      } else {
        result.push_back(xs[i]->ended_by_user ? outcome::done : outcome::over);
      }
    }
    return result;
  });
}

bool postgres_engine::renew(const claim_id& claim, timespan lease) {
  const renewal one{claim, lease};
  return renew_all({&one, 1}).front();
}

std::vector<bool> postgres_engine::renew_all(std::span<const renewal> xs) {
  postgres_array ids;
  postgres_array claims;
  postgres_array leases;
  for (const auto& x : xs) {
    ids.add(x.claim.id);
    claims.add(x.claim.fence);
    leases.add(micros_of(x.lease));
  }
  return with_db([&](postgres_connection& db) {
    const auto rows = db.run(sql::renew, ids, claims, leases);
    std::vector<bool> result;
    for (int i = 0; i < static_cast<int>(xs.size()); ++i) {
      // One that a transaction of the user's is about to end holds, too.
      changed_ = changed_ || rows.flag(i, 0);
      result.push_back(rows.flag(i, 0) || rows.flag(i, 1));
    }
    return result;
  });
}

std::size_t postgres_engine::recover() {
  return with_db([&](postgres_connection& db) {
    if (db.run(sql::forget_owners).changed() > 0)
      changed_ = true;
    const auto rows = db.run(sql::find_over, over_at_once);
    std::vector<job_end> over;
    over.reserve(static_cast<std::size_t>(rows.size()));
    for (int i = 0; i < rows.size(); ++i) {
      const rules::limits limit{
        .max_crashes = static_cast<int>(rows.integer(i, 5))};
      const rules::tries before{static_cast<int>(rows.integer(i, 3)),
                                static_cast<int>(rows.integer(i, 4))};
      over.push_back({.queue = rows.text(i, 2),
                      .claim = {rows.integer(i, 0), rows.integer(i, 1)},
                      .what = rules::after(rules::ending::crashed, before,
                                           limit, timespan::zero(), 0.0),
                      .error = "its worker has not renewed its claim"});
    }
    std::vector<const job_end*> all;
    all.reserve(over.size());
    for (const auto& x : over)
      all.push_back(&x);
    if (!all.empty())
      end_all(all);
    return over.size();
  });
}

// -- slots -------------------------------------------------------------------------

std::optional<wall_time> postgres_engine::last_slot(const std::string& queue,
                                                    const std::string& name) {
  return with_db([&](postgres_connection& db) -> std::optional<wall_time> {
    db.run(sql::lock_slots, queue, name);
    const auto rows = db.run("SELECT (SELECT slot FROM troupe_periodic WHERE "
                             "queue = $1 AND name = $2), troupe_now()",
                             queue, name);
    note_time(rows.integer(0, 1));
    if (rows.is_null(0, 0))
      return {};
    return from_micros(rows.integer(0, 0));
  });
}

void postgres_engine::note_slot(const std::string& queue,
                                const std::string& name, wall_time slot) {
  with_db([&](postgres_connection& db) {
    db.run("INSERT INTO troupe_periodic(queue, name, slot) VALUES ($1, $2, $3) "
           "ON CONFLICT (queue, name) DO UPDATE SET slot = excluded.slot",
           queue, name, to_micros(slot));
    changed_ = true;
  });
}

void postgres_engine::forget_done() {
  with_db([&](postgres_connection& db) {
    const auto n = db.run("DELETE FROM troupe_job WHERE id IN ("
                          "SELECT id FROM troupe_job WHERE state = 3 AND "
                          "forget_at <= (SELECT troupe_now()) LIMIT 100 "
                          "FOR UPDATE SKIP LOCKED)")
                     .changed();
    changed_ = changed_ || n > 0;
  });
}

} // namespace troupe::durable
