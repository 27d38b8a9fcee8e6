// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/engine.hpp"

#include <memory>
#include <string>

namespace troupe::durable {

/// Opens the database that `where` names.
/// @param time The clocks; PostgreSQL has those of its server.
/// @throws engine_error with its name, the reason and what to do.
[[nodiscard]] std::unique_ptr<engine>
open_engine(const std::string& where, durability how,
            if_missing then = if_missing::make, clocks time = {});

} // namespace troupe::durable
