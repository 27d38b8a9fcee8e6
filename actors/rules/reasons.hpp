// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <string>
#include <string_view>

/// The texts of why a worker has ended: its subject, such as `worker "a"
/// (/tree/a)`, then one of these, then the cause.
namespace troupe::rules {

namespace because {

inline constexpr std::string_view failed_to_start = " failed to start: ";

/// These pass on why somebody below has ended.
inline constexpr std::string_view gave_up
  = " gave up: too many restarts; the last time, ";
inline constexpr std::string_view gave_up_at_once
  = " gave up, as it restarts nobody: ";
inline constexpr std::string_view child_did = " failed because its child did: ";

} // namespace because

/// Returns the text; the cause does not name the subject once more.
[[nodiscard]] std::string reason(std::string_view subject,
                                 std::string_view what, std::string_view cause);

/// Returns the cause in a text of `subject` that was passed on, and any other
/// text as it is. So the reason of the topmost of many levels is as long as
/// that of the lowest: it names the one with which it began, whose path says
/// through whom it went. (S5)
/// @pre `subject` is not the one with which it began
[[nodiscard]] std::string_view first_cause(std::string_view text,
                                           std::string_view subject) noexcept;

} // namespace troupe::rules
