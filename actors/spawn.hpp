// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/spawn.hpp"

namespace troupe {

/// Makes a cell and its actor, which does not run yet. The caller owns a
/// handle's share.
/// @param parent The cell of the worker that it is linked to, or null.
[[nodiscard]] cell* make_cell(caf::actor_system& sys, worker_options options,
                              const std::type_info& type,
                              std::unique_ptr<worker> what, cell* parent);

} // namespace troupe
