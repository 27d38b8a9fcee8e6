// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/schedule.hpp"
#include "troupe/time.hpp"

#include <optional>

namespace troupe::rules {

/// Decides when a life calls for the first time. (L38)
/// @param planned When the life before would have called next; none: there was
///                no such life, or it has never called. It is not believed if
///                it is more than a heartbeat away: it belongs to another
///                clock.
[[nodiscard]] time_point first_beat(time_point now, timespan heartbeat,
                                    first_call first,
                                    std::optional<time_point> planned) noexcept;

/// Decides when the call after that which was due at `due` is due. (L38)
/// @param end When that call has ended.
[[nodiscard]] time_point next_beat(time_point due, time_point end,
                                   timespan heartbeat, pace measured) noexcept;

} // namespace troupe::rules
