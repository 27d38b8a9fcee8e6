// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/time_zone.hpp"

#include <string_view>

namespace troupe::detail {

/// Returns the time zone of that name, as `troupe::cron` takes it.
/// @throws std::invalid_argument if there is none.
[[nodiscard]] rules::time_zone load_time_zone(std::string_view name);

} // namespace troupe::detail
