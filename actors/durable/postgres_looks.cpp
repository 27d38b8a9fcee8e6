// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/postgres_engine.hpp"
#include "durable/postgres_sql.hpp"
#include "durable/postgres_with.hpp"
#include "durable/times.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

namespace troupe::durable {

namespace {

std::chrono::microseconds steady_micros() {
  return std::chrono::floor<std::chrono::microseconds>(
    std::chrono::steady_clock::now().time_since_epoch());
}

} // namespace

void postgres_engine::note_time(std::int64_t micros) {
  ahead_ = std::chrono::microseconds{micros} - steady_micros();
}

wall_time postgres_engine::wall() const {
  return wall_time{steady_micros() + ahead_};
}

bool postgres_engine::is_ready(const std::string& queue) {
  return with_db([&](postgres_connection& db) {
    const auto rows = db.run(in_postgres::sql::next_run_at, queue);
    return !rows.is_null(0, 0) && rows.integer(0, 0) <= rows.integer(0, 1);
  });
}

std::optional<wall_time>
postgres_engine::next_run_at(const std::string& queue) {
  return with_db([&](postgres_connection& db) -> std::optional<wall_time> {
    const auto rows = db.run(in_postgres::sql::next_run_at, queue);
    note_time(rows.integer(0, 1));
    if (rows.is_null(0, 0))
      return {};
    return from_micros(rows.integer(0, 0));
  });
}

std::optional<timespan> postgres_engine::next_lease_end() {
  return with_db([&](postgres_connection& db) -> std::optional<timespan> {
    const auto rows = db.run("SELECT min(lease_until) - troupe_now() "
                             "FROM troupe_job WHERE state = 1");
    if (rows.is_null(0, 0))
      return {};
    return std::chrono::microseconds{rows.integer(0, 0)};
  });
}

bool postgres_engine::changed_by_others() {
  return with_db([&](postgres_connection& db) {
    if (!listens_) {
      db.script("LISTEN troupe_job");
      listens_ = true;
    }
    db.take_news();
    return true; // or it would not be asked
  });
}

std::vector<std::string> postgres_engine::queues() {
  return with_db([&](postgres_connection& db) {
    const auto rows
      = db.run("SELECT DISTINCT queue FROM troupe_tally ORDER BY queue");
    std::vector<std::string> result;
    result.reserve(static_cast<std::size_t>(rows.size()));
    for (int i = 0; i < rows.size(); ++i)
      result.push_back(rows.text(i, 0));
    return result;
  });
}

queue_totals postgres_engine::count(const std::string& queue) {
  return with_db([&](postgres_connection& db) {
    const auto rows = db.run(in_postgres::sql::count, queue);
    auto get = [&](int i) {
      return static_cast<std::uint64_t>(rows.integer(0, i));
    };
    return queue_totals{.put = get(0),
                        .waiting = get(3),
                        .running = get(4),
                        .buried = get(5),
                        .done = get(1),
                        .purged = get(2)};
  });
}

std::vector<job_record> postgres_engine::list(const job_filter& which) {
  const auto place = which.place ? to_value(static_cast<int>(*which.place))
                                 : postgres_value{};
  const auto queue = which.queue.empty() ? postgres_value{}
                                         : postgres_value{which.queue};
  return with_db([&](postgres_connection& db) {
    const auto rows = db.run(in_postgres::sql::list, which.after, queue, place,
                             std::min(which.at_most, std::size_t{1'000'000}));
    std::vector<job_record> result;
    result.reserve(static_cast<std::size_t>(rows.size()));
    for (int i = 0; i < rows.size(); ++i)
      result.push_back({.id = rows.integer(i, 0),
                        .queue = rows.text(i, 1),
                        .type = rows.text(i, 2),
                        .payload = rows.text(i, 3),
                        .place = static_cast<job_place>(rows.integer(i, 4)),
                        .run_at = from_micros(rows.integer(i, 5)),
                        .put_at = from_micros(rows.integer(i, 6)),
                        .priority = static_cast<int>(rows.integer(i, 7)),
                        .unique = rows.text(i, 8),
                        .claim = rows.integer(i, 9),
                        .failures = static_cast<int>(rows.integer(i, 10)),
                        .crashes = static_cast<int>(rows.integer(i, 11)),
                        .error = rows.text(i, 12)});
    return result;
  });
}

} // namespace troupe::durable
