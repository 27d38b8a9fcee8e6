// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

/// The longer statements of PostgreSQL's engine. Each makes as many changes as
/// its arrays have elements, since a round trip for each would be the better
/// part of the work; none of them waits for somebody else's transaction.
namespace troupe::durable::in_postgres::sql {

/// Parameters, all arrays: queue, type, payload, run_at or NULL, priority,
/// unique_key or NULL. A key is locked for the transaction first: if
/// another one has it, its job is neither written nor there for us to see.
/// Answers, in order: whether it was written, its id or that of the one with
/// its key, or NULL.
inline constexpr const char* put = R"sql(
WITH x AS MATERIALIZED (
  SELECT y.*, nextval('troupe_job_number') AS id,
    key IS NULL OR pg_try_advisory_xact_lock(1953656176,
      hashtext(queue || chr(10) || key)) AS free
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::int[],
    $6::text[]) WITH ORDINALITY
    AS y(queue, type, payload, run_at, priority, key, n)
), clock AS MATERIALIZED (
  SELECT troupe_now() AS now
), written AS (
  INSERT INTO troupe_job(id, queue, type, payload, run_at, priority,
    unique_key, put_at)
  SELECT id, queue, type, payload, coalesce(run_at, now), priority, key, now
  FROM x, clock WHERE free ORDER BY n
  ON CONFLICT (queue, unique_key)
    WHERE unique_key IS NOT NULL AND state < 2 DO NOTHING
  RETURNING id, queue, unique_key
)
SELECT w.id IS NOT NULL, coalesce(w.id, beside.id, before.id)
FROM x
LEFT JOIN written w ON w.id = x.id
LEFT JOIN written beside ON w.id IS NULL AND beside.queue = x.queue
  AND beside.unique_key = x.key
LEFT JOIN troupe_job before ON w.id IS NULL AND before.queue = x.queue
  AND before.unique_key = x.key AND before.unique_key IS NOT NULL
  AND before.state < 2
ORDER BY x.n
)sql";

/// Parameters: queue, unique_key. Waits for the lock of `put`.
inline constexpr const char* lock_key
  = "SELECT pg_advisory_xact_lock(1953656176, "
    "hashtext($1 || chr(10) || $2))";

/// Parameters: queue, name of a periodic job. Waits for others who deal with
/// its slots.
inline constexpr const char* lock_slots
  = "SELECT pg_advisory_xact_lock(1953656177, "
    "hashtext($1 || chr(10) || $2))";

/// Parameters: queue, how many. The ids and crashes of those that are ready, in
/// order, which are locked from then on. It goes through the priorities from
/// the highest one down, so that jobs that wait for tomorrow cost nothing.
inline constexpr const char* find_ready = R"sql(
WITH RECURSIVE level(priority) AS (
  SELECT max(priority) FROM troupe_job WHERE queue = $1 AND state = 0
  UNION ALL
  SELECT (SELECT max(j.priority) FROM troupe_job j WHERE j.queue = $1
    AND j.state = 0 AND j.priority < level.priority)
  FROM level WHERE level.priority IS NOT NULL
), clock AS MATERIALIZED (
  SELECT troupe_now() AS now
)
SELECT ready.id, ready.crashes
FROM level CROSS JOIN LATERAL (
  SELECT j.id, j.crashes FROM troupe_job j
  WHERE j.queue = $1 AND j.state = 0 AND j.priority = level.priority
    AND j.run_at <= (SELECT now FROM clock)
  ORDER BY j.run_at, j.id LIMIT $2 FOR UPDATE OF j SKIP LOCKED) ready
WHERE level.priority IS NOT NULL LIMIT $2
)sql";

/// Parameters: owner, lease in microseconds, max_crashes, ids.
inline constexpr const char* claim = R"sql(
UPDATE troupe_job j SET state = 1, claim = claim + 1, owner = $1,
  lease_until = troupe_now() + $2, max_crashes = $3
FROM unnest($4::bigint[]) WITH ORDINALITY AS x(id, n)
WHERE j.id = x.id AND j.state = 0
RETURNING x.n, j.id, j.claim, j.type, j.payload, j.failures, j.crashes, j.put_at
)sql";

/// Parameters, all arrays: id, claim, state, delay or NULL, failures, crashes,
/// error or NULL, how long one that is done is kept, or NULL.
/// Answers, in order: whether it was written, and whether the claim holds.
inline constexpr const char* end = R"sql(
WITH x AS MATERIALIZED (
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::bigint[],
    $5::int[], $6::int[], $7::text[], $8::bigint[]) WITH ORDINALITY
    AS y(id, claim, next, delay, failures, crashes, error, kept, n)
), clock AS MATERIALIZED (
  SELECT troupe_now() AS now
), held AS MATERIALIZED (
  SELECT x.n, j.id FROM x JOIN troupe_job j
    ON j.id = x.id AND j.claim = x.claim AND j.state = 1
  FOR UPDATE OF j SKIP LOCKED
), gone AS (
  DELETE FROM troupe_job j USING held, x
  WHERE j.id = held.id AND x.n = held.n AND x.next = 3 AND x.kept IS NULL
), moved AS (
  UPDATE troupe_job j SET state = x.next, owner = NULL, lease_until = NULL,
    run_at = coalesce(now + x.delay, run_at), forget_at = now + x.kept,
    failures = x.failures, crashes = x.crashes,
    last_error = coalesce(x.error, last_error)
  FROM held, x, clock WHERE j.id = held.id AND x.n = held.n
    AND (x.next <> 3 OR x.kept IS NOT NULL)
)
SELECT held.n IS NOT NULL, j.id IS NOT NULL
FROM x LEFT JOIN held ON held.n = x.n LEFT JOIN troupe_job j
  ON j.id = x.id AND j.claim = x.claim AND j.state = 1
ORDER BY x.n
)sql";

/// Parameters, all arrays: id, claim, lease in microseconds. Answers, in order:
/// whether it was written, and whether the claim holds.
inline constexpr const char* renew = R"sql(
WITH x AS MATERIALIZED (
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
    WITH ORDINALITY AS y(id, claim, lease, n)
), held AS MATERIALIZED (
  SELECT x.n, j.id FROM x JOIN troupe_job j
    ON j.id = x.id AND j.claim = x.claim AND j.state = 1
  FOR UPDATE OF j SKIP LOCKED
), renewed AS (
  UPDATE troupe_job j SET lease_until = troupe_now() + x.lease
  FROM held, x WHERE j.id = held.id AND x.n = held.n
)
SELECT held.n IS NOT NULL, j.id IS NOT NULL
FROM x LEFT JOIN held ON held.n = x.n LEFT JOIN troupe_job j
  ON j.id = x.id AND j.claim = x.claim AND j.state = 1
ORDER BY x.n
)sql";

/// Parameter: how many at most.
inline constexpr const char* find_over = R"sql(
SELECT id, claim, queue, failures, crashes, max_crashes FROM troupe_job
WHERE state = 1 AND lease_until <= (SELECT troupe_now())
ORDER BY lease_until LIMIT $1 FOR UPDATE SKIP LOCKED
)sql";

/// Those that have not been seen for a day, and have nothing in hand.
inline constexpr const char* forget_owners = R"sql(
DELETE FROM troupe_owner WHERE id IN (
  SELECT o.id FROM troupe_owner o
  WHERE o.seen < (SELECT troupe_now()) - 86400000000 AND NOT EXISTS (
    SELECT 1 FROM troupe_job j WHERE j.state = 1 AND j.owner = o.id)
  FOR UPDATE OF o SKIP LOCKED)
)sql";

/// Parameters, all arrays: queue, put, done, purged.
inline constexpr const char* tally = R"sql(
INSERT INTO troupe_tally(queue, put, done, purged)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
)sql";

/// Parameter: how many rows are added up at most.
inline constexpr const char* add_up = R"sql(
WITH old AS (
  DELETE FROM troupe_tally WHERE id IN (
    SELECT id FROM troupe_tally ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
  RETURNING queue, put, done, purged
)
INSERT INTO troupe_tally(queue, put, done, purged)
SELECT queue, sum(put), sum(done), sum(purged) FROM old GROUP BY queue
)sql";

/// Parameter: queue.
inline constexpr const char* next_run_at = R"sql(
WITH RECURSIVE level(priority) AS (
  SELECT max(priority) FROM troupe_job WHERE queue = $1 AND state = 0
  UNION ALL
  SELECT (SELECT max(j.priority) FROM troupe_job j WHERE j.queue = $1
    AND j.state = 0 AND j.priority < level.priority)
  FROM level WHERE level.priority IS NOT NULL
)
SELECT min((SELECT min(j.run_at) FROM troupe_job j WHERE j.queue = $1
  AND j.state = 0 AND j.priority = level.priority)), troupe_now()
FROM level WHERE level.priority IS NOT NULL
)sql";

/// Parameter: queue. One statement, so that all of it is of one moment.
inline constexpr const char* count = R"sql(
SELECT coalesce(sum(put), 0), coalesce(sum(done), 0), coalesce(sum(purged), 0),
  (SELECT count(*) FROM troupe_job WHERE queue = $1 AND state = 0),
  (SELECT count(*) FROM troupe_job WHERE queue = $1 AND state = 1),
  (SELECT count(*) FROM troupe_job WHERE queue = $1 AND state = 2)
FROM troupe_tally WHERE queue = $1
)sql";

/// Parameters: id, queue or NULL, state or NULL, how many.
inline constexpr const char* list = R"sql(
SELECT id, queue, type, payload, state, run_at, put_at, priority, unique_key,
  claim, failures, crashes, last_error
FROM troupe_job WHERE id > $1 AND ($2::text IS NULL OR queue = $2)
  AND ($3::int IS NULL OR state = $3) ORDER BY id LIMIT $4
)sql";

} // namespace troupe::durable::in_postgres::sql
