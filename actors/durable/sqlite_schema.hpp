// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <string>

namespace SQLite {
class Database;
}

namespace troupe::durable {

/// The version of the tables that this program makes and understands.
inline constexpr int schema_version = 2;

/// Makes the tables, or changes those of an older version, all in one
/// transaction. One process does, others wait for it. (J15)
/// @param name What errors call the store.
/// @throws engine_error with both numbers if the tables are newer than this
///         program.
/// @throws SQLite::Exception
void migrate(SQLite::Database& db, const std::string& name);

/// Looks for the tables of this version; changes nothing.
/// @throws engine_error if they are not there, or of another version.
/// @throws SQLite::Exception
void require_tables(SQLite::Database& db, const std::string& name);

} // namespace troupe::durable
