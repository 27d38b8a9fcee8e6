// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

/// Statements that both the store and a connection of the user's execute.
namespace troupe::durable::sql {

/// Parameters: queue, type, payload, run_at, priority, unique_key or NULL, now.
inline constexpr const char* put
  = "INSERT INTO troupe_job(queue, type, payload, run_at, priority, "
    "unique_key, put_at) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (queue, unique_key) "
    "WHERE unique_key IS NOT NULL AND state < 2 DO NOTHING";

/// Parameters: queue, unique_key.
inline constexpr const char* find_unique
  = "SELECT id FROM troupe_job WHERE queue = ? AND unique_key = ? AND "
    "unique_key IS NOT NULL AND state < 2";

/// Parameters: id, claim.
inline constexpr const char* forget
  = "DELETE FROM troupe_job WHERE id = ? AND claim = ? AND state = 1";

/// Parameters: forget_at, id, claim.
inline constexpr const char* keep
  = "UPDATE troupe_job SET state = 3, forget_at = ?, owner = NULL, "
    "lease_until = NULL WHERE id = ? AND claim = ? AND state = 1";

/// Parameters: queue, and what is to be added.
inline constexpr const char* tally
  = "INSERT INTO troupe_queue(name, put, done, purged) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (name) DO UPDATE SET put = put + excluded.put, "
    "done = done + excluded.done, purged = purged + excluded.purged";

} // namespace troupe::durable::sql
