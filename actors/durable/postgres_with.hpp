// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/postgres_engine.hpp"

namespace troupe::durable {

template <class F>
auto postgres_engine::with_db(F f) {
  try {
    return f(db());
  } catch (const postgres_error& e) {
    if (e.is_lost())
      give_up_connection();
    throw;
  }
}

} // namespace troupe::durable
