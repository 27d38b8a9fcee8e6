// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/enum_names.hpp"
#include "troupe/fwd.hpp"
#include "troupe/subscription.hpp"
#include "troupe/time.hpp"

#include <caf/fwd.hpp>
#include <caf/message.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
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
constexpr detail::name_list<7> names_of(dead_letter_reason) noexcept {
  return {"closed", "rejected", "dropped",  "discarded",
          "failed", "lost",     "abandoned"};
}

/// A message of a queue that was not handled. (Q8)
struct dead_letter {
  /// Why nobody handles it.
  dead_letter_reason reason = dead_letter_reason::closed;

  /// The path of the worker whose queue it was in.
  std::string path;

  /// When, on the clock of its actor system.
  time_point at{};

  /// The message itself, as one may send it again. Empty if the worker had got
  /// it before anybody had subscribed.
  caf::message message;

  /// The exception that the callback of a `queue_worker` threw on it last, or
  /// null. `text_of` gives its text.
  std::exception_ptr thrown = nullptr;
};

/// Renders one dead letter in one line.
/// @relates dead_letter
std::string to_string(const dead_letter& x);

/// How many dead letters a subscriber may be late by, see `on_dead_letter`.
inline constexpr std::size_t default_dead_letter_capacity = 4096;

/// Has `f` called with each dead letter of an actor system's queues, from now
/// on: one at a time, on a thread where it may block. It never slows a sender
/// or a worker: when it is `capacity` letters late it misses the next ones,
/// which `subscription::missed` counts, and of which the log has a line when it
/// has caught up. While nobody has subscribed, dead
/// letters are only counted; while somebody has, workers get copies of their
/// messages, so that those in progress at a crash are not lost from sight.
///
/// ~~~
/// auto sub = troupe::on_dead_letter(sys, [](const troupe::dead_letter& x) {
///   std::clog << to_string(x) << '\n';
/// });
/// ~~~
///
/// It may send the message again, perhaps to another queue. If that makes
/// another dead letter before it has returned, no function is told of it, or
/// this could go on for ever: it is counted as missed, and the log says so once
/// for each subscription.
/// @param f What it throws is logged.
/// @returns a value that ends the subscription when it goes, and waits for `f`
///          to return then: do not destroy it where `f` waits for you.
subscription
on_dead_letter(caf::actor_system& sys,
               std::function<void(const dead_letter&)> f,
               std::size_t capacity = default_dead_letter_capacity);

/// As above, for one worker and all below it.
subscription
on_dead_letter(const worker_handle& root,
               std::function<void(const dead_letter&)> f,
               std::size_t capacity = default_dead_letter_capacity);

} // namespace troupe
