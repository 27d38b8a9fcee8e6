// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/open_engine.hpp"

#ifdef TROUPE_HAS_POSTGRES
#  include "durable/postgres_engine.hpp"
#endif
#include "durable/sqlite_engine.hpp"

#include <utility>

namespace troupe::durable {

namespace {

/// Whether a database of PostgreSQL's is meant.
bool is_postgres(const std::string& where) {
  return where.starts_with("postgresql://") || where.starts_with("postgres://");
}

} // namespace

std::unique_ptr<engine> open_engine(const std::string& where, durability how,
                                    if_missing then, clocks time) {
  if (is_postgres(where)) {
#ifdef TROUPE_HAS_POSTGRES
    return std::make_unique<postgres_engine>(where, how, then);
#else
    throw engine_error{
      "\"postgresql://...\": this troupe was built without libpq; "
      "install it (Debian: libpq-dev), and build troupe anew"};
#endif
  }
  return std::make_unique<sqlite_engine>(where, how, std::move(time), then);
}

} // namespace troupe::durable
