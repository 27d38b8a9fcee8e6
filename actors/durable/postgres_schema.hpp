// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/engine.hpp"

#include <string>

namespace troupe::durable {

class postgres_connection;

namespace in_postgres {

/// The version of the tables that this program makes and understands.
inline constexpr int schema_version = 1;

/// Makes the tables, or changes those of an older version, all in one
/// transaction. One process does, others wait for it. (J15)
/// @param name What errors call the store.
/// @returns the id of the store, which is drawn when its tables are made.
/// @throws engine_error with both numbers if the tables are newer than this
///         program, or older, or not there, and nothing is to be made.
std::string migrate(postgres_connection& db, const std::string& name,
                    if_missing then);

} // namespace in_postgres

} // namespace troupe::durable
