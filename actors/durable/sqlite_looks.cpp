// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/sqlite_engine.hpp"
#include "durable/sqlite_statement.hpp"
#include "durable/times.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

namespace troupe::durable {

bool sqlite_engine::is_ready(const std::string& queue) {
  const auto next = next_run_at(queue);
  return next && *next <= time_.wall();
}

std::optional<wall_time> sqlite_engine::next_run_at(const std::string& queue) {
  return guarded([&] {
    std::optional<wall_time> result;
    for (auto priority = next_priority(queue, std::numeric_limits<int>::max());
         priority; priority = next_priority(queue, *priority)) {
      auto look = prepared("SELECT min(run_at) FROM troupe_job WHERE queue = ? "
                           "AND state = 0 AND priority = ?")
                    .with(queue, *priority);
      if (!look.next() || look.is_null(0))
        continue;
      const auto at = from_micros(look.integer(0));
      if (!result || at < *result)
        result = at;
    }
    return result;
  });
}

bool sqlite_engine::someone_is_gone() {
  return guarded([&] {
    if (!others_) {
      others_.emplace();
      for (auto rows = prepared("SELECT id, boot FROM troupe_owner");
           rows.next();) {
        if (rows.integer(0) == owner_)
          continue;
        if (rows.text(1) != boot_) {
          others_.reset();
          return true;
        }
        others_->push_back(rows.integer(0));
      }
    }
    return !std::all_of(others_->begin(), others_->end(),
                        [&](std::int64_t x) { return locks_->is_locked(x); });
  });
}

std::optional<timespan> sqlite_engine::next_lease_end() {
  return guarded([&]() -> std::optional<timespan> {
    auto look = prepared("SELECT min(lease_until) FROM troupe_job WHERE "
                         "state = 1");
    if (!look.next() || look.is_null(0))
      return {};
    return timespan{look.integer(0) - to_nanos(time_.steady())};
  });
}

bool sqlite_engine::changed_by_others() {
  return guarded([&] {
    auto look = prepared("PRAGMA data_version");
    const auto version = look.next() ? look.integer(0) : -1;
    if (std::exchange(data_version_, version) == version)
      return false;
    others_.reset();
    return true;
  });
}

std::vector<std::string> sqlite_engine::queues() {
  return guarded([&] {
    std::vector<std::string> result;
    for (auto rows = prepared("SELECT name FROM troupe_queue ORDER BY name");
         rows.next();)
      result.push_back(rows.text(0));
    return result;
  });
}

queue_totals sqlite_engine::count(const std::string& queue) {
  return guarded([&] {
    // One statement, so that all of it is of one moment.
    auto look = prepared(
                  "SELECT coalesce(q.put, 0), coalesce(q.done, 0), "
                  "coalesce(q.purged, 0), "
                  "(SELECT count(*) FROM troupe_job WHERE queue = ?1 AND "
                  "state = 0), "
                  "(SELECT count(*) FROM troupe_job WHERE queue = ?1 AND "
                  "state = 1), "
                  "(SELECT count(*) FROM troupe_job WHERE queue = ?1 AND "
                  "state = 2) "
                  "FROM (SELECT 1) LEFT JOIN troupe_queue q ON q.name = ?1")
                  .with(queue);
    queue_totals result;
    if (look.next()) {
      auto get = [&](int i) {
        return static_cast<std::uint64_t>(look.integer(i));
      };
      result = {.put = get(0),
                .waiting = get(3),
                .running = get(4),
                .buried = get(5),
                .done = get(1),
                .purged = get(2)};
    }
    return result;
  });
}

std::vector<job_record> sqlite_engine::list(const job_filter& which) {
  return guarded([&] {
    std::vector<job_record> result;
    const auto place = which.place ? static_cast<int>(*which.place) : -1;
    auto rows = prepared(
                  "SELECT id, queue, type, payload, state, run_at, put_at, "
                  "priority, unique_key, claim, failures, crashes, last_error "
                  "FROM troupe_job WHERE id > ?1 AND (?2 = '' OR queue = ?2) "
                  "AND (?3 < 0 OR state = ?3) ORDER BY id LIMIT ?4")
                  .with(which.after, which.queue, place,
                        static_cast<std::int64_t>(
                          std::min(which.at_most, std::size_t{1'000'000})));
    while (rows.next())
      result.push_back({.id = rows.integer(0),
                        .queue = rows.text(1),
                        .type = rows.text(2),
                        .payload = rows.text(3),
                        .place = static_cast<job_place>(rows.integer(4)),
                        .run_at = from_micros(rows.integer(5)),
                        .put_at = from_micros(rows.integer(6)),
                        .priority = static_cast<int>(rows.integer(7)),
                        .unique = rows.text(8),
                        .claim = rows.integer(9),
                        .failures = static_cast<int>(rows.integer(10)),
                        .crashes = static_cast<int>(rows.integer(11)),
                        .error = rows.text(12)});
    return result;
  });
}

} // namespace troupe::durable
