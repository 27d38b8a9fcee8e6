// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#include "durable/sqlite_engine.hpp"
#include "durable/sqlite_statement.hpp"
#include "durable/times.hpp"

namespace troupe::durable {

// Between `begin` and `commit` nobody else writes, so a look is enough.
std::optional<wall_time> sqlite_engine::last_slot(const std::string& queue,
                                                  const std::string& name) {
  return guarded([&] {
    std::optional<wall_time> result;
    auto look = prepared("SELECT slot FROM troupe_periodic WHERE queue = ? AND "
                         "name = ?")
                  .with(queue, name);
    if (look.next())
      result = from_micros(look.integer(0));
    return result;
  });
}

void sqlite_engine::note_slot(const std::string& queue, const std::string& name,
                              wall_time slot) {
  guarded([&] {
    prepared("INSERT INTO troupe_periodic(queue, name, slot) VALUES (?, ?, ?) "
             "ON CONFLICT (queue, name) DO UPDATE SET slot = excluded.slot")
      .with(queue, name, to_micros(slot))
      .change();
  });
}

} // namespace troupe::durable
