// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <string_view>

namespace troupe::detail {

/// Writes to standard error if that takes it at once: where it is a pipe that
/// is full, or that nobody reads, the text is lost. So it never waits for a
/// reader, takes none of stdio's locks, and raises no signal. Thread-safe.
void say_if_there_is_room(std::string_view what) noexcept;

} // namespace troupe::detail
