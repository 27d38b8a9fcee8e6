// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "status.hpp"

#include <optional>
#include <vector>

namespace troupe_top {

/// How many messages a second each worker has handled between two looks.
/// @returns one for each worker of `after`: none if it has no queue, was not
///          there before, or has begun to count anew.
[[nodiscard]] std::vector<std::optional<double>>
rates_between(const status& before, const status& after);

} // namespace troupe_top
