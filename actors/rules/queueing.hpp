// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/options.hpp"
#include "troupe/time.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Decides about a message: when it comes to a queue, when the callback fails
/// on it, when the worker ends with it in hand. Values alone.
namespace troupe::rules {

/// The state of a queue as a message finds it.
struct queue_view {
  bool closed = false;
  std::uint64_t queued = 0;
  std::size_t capacity = unbounded;
  troupe::overflow overflow = troupe::overflow::reject;
};

/// Whether the sender of a message can wait for room.
enum class patience : std::uint8_t {
  none,    ///< It has gone on already.
  answer,  ///< It waits for the answer to a request.
  for_room ///< It does nothing else: `send_to`.
};

/// The decision about a message that comes to a queue.
enum class admission : std::uint8_t {
  take,        ///< It is queued.
  drop_oldest, ///< It is queued, and the first one goes.
  drop,        ///< A dead letter, reason `dropped`.
  reject,      ///< A dead letter, reason `rejected`.
  refuse,      ///< A dead letter, reason `closed`.
  hold,        ///< Its sender waits for room.
};

/// Decides over a message that comes. (Q5, Q6, Q7, A12)
[[nodiscard]] constexpr admission admit(const queue_view& at,
                                        patience sender) noexcept {
  if (at.closed)
    return admission::refuse;
  if (at.queued < at.capacity)
    return admission::take;
  if (sender == patience::for_room)
    return admission::hold;
  switch (at.overflow) {
    case overflow::drop_oldest:
      return admission::drop_oldest;
    case overflow::drop_newest:
      return admission::drop;
    case overflow::block:
      return sender == patience::answer ? admission::hold : admission::reject;
    case overflow::reject:
      break;
  }
  return admission::reject;
}

/// The decision about a message on which a callback has failed.
struct setback {
  enum class verdict : std::uint8_t {
    fail,    ///< The worker fails.
    skip,    ///< A dead letter.
    put_off, ///< There were tries left, but no time: for the next life, if any.
    retry,   ///< The callback is called again.
  };

  verdict what = verdict::fail;
  timespan delay{0}; ///< How long it is until a retry.

  friend bool operator==(const setback&, const setback&) = default;
};

/// Whether a worker is to stop.
enum class stopping : std::uint8_t {
  no,
  at_once, ///< It begins with nothing more.
  drains,  ///< It finishes what is queued, and that soon.
};

/// Decides over a message on which a callback has failed. (Q9)
/// @param failures How often it has failed, this time included.
/// @param u A sample between -1 and 1 for the jitter.
[[nodiscard]] setback after_failure(const on_error& policy, int failures,
                                    stopping stop, double u) noexcept;

/// Decides over a message that was in progress when its worker ended badly.
/// (Q10)
/// @param limit How often it may be given out again.
/// @param again How often that has been done.
/// @returns whether it is given out once more.
[[nodiscard]] constexpr bool redelivered(int limit, int again) noexcept {
  return again < limit;
}

/// Returns what is wrong with `options`, field and advice, or an empty string.
[[nodiscard]] std::string check(const queue_options& options);

} // namespace troupe::rules
