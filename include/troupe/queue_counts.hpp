// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstdint>
#include <string>

namespace troupe {

/// Where the messages of a queue are. A consistent snapshot: at any time
/// `sent == handled + in_progress + queued + handed_over + dead_letters()`.
struct queue_counts {
  /// All messages that somebody has sent. One whose sender waits for room is
  /// not sent yet.
  std::uint64_t sent = 0;
  /// Those the worker is done with.
  std::uint64_t handled = 0;
  /// The one that `get_message` gave out last, until the next `get_message` or
  /// the worker's end; or those that are being handed over.
  std::uint64_t in_progress = 0;
  /// Those that wait.
  std::uint64_t queued = 0;
  /// Those that `queue_consumer::hand_over` was given, and is done with.
  std::uint64_t handed_over = 0;
  /// Dead letters: refused, because the worker was stopping or had ended.
  std::uint64_t closed = 0;
  /// Dead letters: refused, because the queue was full.
  std::uint64_t rejected = 0;
  /// Dead letters: one too many in a queue that drops some when it is full.
  std::uint64_t dropped = 0;
  /// Dead letters: still queued when the worker was stopped or ended.
  std::uint64_t discarded = 0;
  /// Dead letters: the callback of a `queue_worker` failed on it.
  std::uint64_t failed = 0;
  /// Dead letters: in progress when the worker failed, or was forced.
  std::uint64_t lost = 0;
  /// Dead letters: queued or in progress when the worker was abandoned.
  std::uint64_t abandoned = 0;

  /// The sum of all dead letters.
  [[nodiscard]] std::uint64_t dead_letters() const noexcept {
    return closed + rejected + dropped + discarded + failed + lost + abandoned;
  }

  template <class Inspector>
  friend bool inspect(Inspector& f, queue_counts& x) {
    return f.object(x).fields(
      f.field("sent", x.sent), f.field("handled", x.handled),
      f.field("in_progress", x.in_progress), f.field("queued", x.queued),
      f.field("handed_over", x.handed_over), f.field("closed", x.closed),
      f.field("rejected", x.rejected), f.field("dropped", x.dropped),
      f.field("discarded", x.discarded), f.field("failed", x.failed),
      f.field("lost", x.lost), f.field("abandoned", x.abandoned));
  }
};

/// Renders the counts that are not zero: `5 sent, 3 handled, 2 dead letters (2
/// discarded)`.
/// @relates queue_counts
std::string to_string(const queue_counts& x);

} // namespace troupe
