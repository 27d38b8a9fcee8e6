// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "time/pump.hpp"

#include <caf/fwd.hpp>

#include <memory>

namespace troupe::testing {

/// Returns the pump of `sys`, or null if it is not a `testing::system`.
[[nodiscard]] std::shared_ptr<pump> find_pump(caf::actor_system& sys) noexcept;

} // namespace troupe::testing
