// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/engine.hpp"
#include "troupe/durable/transaction.hpp"

#include <string>

/// Works on a connection of the user's, in a transaction of the user's. All
/// functions throw `std::invalid_argument` if no transaction is
/// open on it, or it is not one to the file of the store, and `engine_error`
/// with SQLite's own text if something does not work.
namespace troupe::durable::in_sqlite {

/// @param file The file of the store, as SQLite spells it.
receipt put(const transaction& tx, const std::string& file, const new_job& x,
            wall_time now);

/// Ends a job that has been handled.
/// @returns whether the claim still holds; if not, nothing has changed.
bool done(const transaction& tx, const std::string& file,
          const std::string& queue, const claim_id& claim, wall_time now,
          timespan keep_done);

} // namespace troupe::durable::in_sqlite
