// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// Which failures go to standard error, because nobody else is told of them,
/// and how they are told. (L40)
namespace troupe::rules {

/// How long the handles of a worker that has failed are waited for: somebody
/// who has one may still ask how the worker ended.
inline constexpr timespan patience_with_readers = std::chrono::seconds{5};

/// When to complain of the end of a worker.
enum class complaint : std::uint8_t { never, later, now };

/// The facts of the end of a worker that has neither a supervisor nor a parent,
/// which would get to know of it.
struct told_end {
  bool has_failed = false;
  /// Whether somebody has read the outcome.
  bool was_read = false;
  /// Whether somebody may read it yet.
  bool may_be_read = false;
};

[[nodiscard]] constexpr complaint about(const told_end& x) noexcept {
  if (!x.has_failed || x.was_read)
    return complaint::never;
  return x.may_be_read ? complaint::later : complaint::now;
}

/// The words for a failure whose outcome nobody has read.
/// @param subject Such as `worker "a" (/a)`.
/// @param reason Why it failed; it may begin with the subject.
[[nodiscard]] std::string unread_failure(std::string_view subject,
                                         std::string_view reason);

/// Advice about code that does not return, to be added to a line about it.
inline constexpr std::string_view about_code_that_hangs
  = "; code that blocks belongs into offload(), and ends when its stop token "
    "says so";

} // namespace troupe::rules
