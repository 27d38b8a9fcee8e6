// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/error.hpp>

#include <string>

namespace troupe::detail {

/// How many `fork()` lie between this process and the first look: a child has
/// none of its parent's threads, so nothing there comes to its end.
///
/// Costs next to nothing after the first call.
[[nodiscard]] unsigned fork_generation() noexcept;

/// Whether this is the only thread, which in a process with an actor system
/// means that the others have been left behind in the parent.
[[nodiscard]] bool is_only_thread() noexcept;

/// The text for a call whose actor system is that of a parent process.
/// @param subject The worker or thing that the call was about.
[[nodiscard]] std::string text_after_fork(const std::string& subject);

/// The same as an error.
[[nodiscard]] caf::error error_after_fork(const std::string& subject);

} // namespace troupe::detail
