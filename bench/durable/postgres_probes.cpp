// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

// The same by hand, in PostgreSQL.

#include "durable/by_hand_in_postgres.hpp"
#include "durable/place.hpp"
#include "probes/probes.hpp"

#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

namespace troupe::bench {

namespace {

constexpr const char* postgres_table
  = "CREATE TABLE job(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
    "queue text, payload text, run_at timestamptz DEFAULT now(), "
    "state int DEFAULT 0); "
    "CREATE INDEX ready ON job(queue, run_at, id) WHERE state = 0";

constexpr const char* postgres_put
  = "INSERT INTO job(queue, payload) VALUES ('bench', '17')";

} // namespace

figures hand_puts_in_postgres(std::size_t size) {
  const auto url = empty_store_of_probe();
  postgres_by_hand db{url};
  db.execute(postgres_table);
  db.prepare("put", postgres_put);
  const auto one = median_time(size, [&db] { db.execute_prepared("put"); });
  const auto rate = rate_of_threads(8, size, [&url] {
    auto mine = std::make_shared<postgres_by_hand>(url);
    mine->prepare("put", postgres_put);
    return [mine] { mine->execute_prepared("put"); };
  });
  return {{"put", one}, {"rate", rate}};
}

figures hand_begun_in_postgres(std::size_t size) {
  const auto url = empty_store_of_probe();
  postgres_by_hand db{url};
  db.execute(postgres_table);
  db.prepare("put", "WITH x AS (INSERT INTO job(queue, payload) "
                    "VALUES ('bench', '17')) SELECT pg_notify('job', '')");
  postgres_by_hand other{url};
  other.execute("LISTEN job");
  other.prepare("claim", "UPDATE job SET state = 1 WHERE id IN (SELECT id "
                         "FROM job WHERE queue = 'bench' AND state = 0 "
                         "ORDER BY run_at, id LIMIT 1 "
                         "FOR UPDATE SKIP LOCKED) RETURNING id, payload");
  std::vector<double> times;
  std::binary_semaphore begun{0};
  stopwatch::time_point start;
  std::jthread worker{[&] {
    for (std::size_t i = 0; i < size; ++i) {
      other.await_notification();
      other.execute_prepared("claim");
      times.push_back(nanos_since(start));
      begun.release();
    }
  }};
  for (std::size_t i = 0; i < size; ++i) {
    start = stopwatch::now();
    db.execute_prepared("put");
    begun.acquire();
  }
  return {{"begun", median(std::move(times))}};
}

} // namespace troupe::bench
