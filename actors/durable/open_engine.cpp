// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/open_engine.hpp"

#include "durable/sqlite_engine.hpp"

namespace troupe::durable {

std::unique_ptr<engine> open_engine(const std::string& where, durability how,
                                    if_missing then) {
  return std::make_unique<sqlite_engine>(where, how, clocks{}, then);
}

} // namespace troupe::durable
