// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "messages.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <string>
#include <vector>

namespace log_service {

/// The entries in a file of SQLite's. For one thread at a time.
class database {
public:
  /// Makes the file and its table, if they are not there.
  /// @throws std::exception that names the file.
  explicit database(const std::string& file);

  /// Writes some entries in one transaction: all of them or none. It does no
  /// harm to write one again: it is known by its number.
  void write(const std::vector<entry>& some);

  /// The highest number of an entry, 0 if there is none.
  [[nodiscard]] std::int64_t last();

  /// How many entries have a higher number than this one.
  [[nodiscard]] std::int64_t count_after(std::int64_t number);

private:
  SQLite::Database db_;
  SQLite::Statement insert_;
};

} // namespace log_service
