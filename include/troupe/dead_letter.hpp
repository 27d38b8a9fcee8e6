// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstdint>
#include <string>

namespace troupe {

/// Why a message of a queue was not handled.
enum class dead_letter_reason : std::uint8_t {
  /// It came when the worker was stopping or had ended.
  closed,
  /// It came to a full queue, which refused it.
  rejected,
  /// It made room for a newer one in a full queue, or came to one that keeps
  /// the older ones.
  dropped,
  /// It was still queued when the worker was stopped or ended.
  discarded,
  /// The callback of a `queue_worker` failed on it.
  failed,
  /// It was in progress when the worker failed, was forced or was cancelled.
  lost,
  /// It was queued or in progress when the worker was abandoned.
  abandoned,
};

/// @relates dead_letter_reason
std::string to_string(dead_letter_reason x);

/// @relates dead_letter_reason
constexpr dead_letter_reason last_enumerator(dead_letter_reason) noexcept {
  return dead_letter_reason::abandoned;
}

} // namespace troupe
