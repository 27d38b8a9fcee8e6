// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/dead_letter.hpp"
#include "troupe/fwd.hpp"
#include "troupe/queue_counts.hpp"

#include <caf/message.hpp>

#include <cstdint>
#include <exception>
#include <mutex>

namespace troupe::detail {

class message_queue;

class submission;

/// The fate of a message that was sent.
enum class receipt : std::uint8_t {
  taken,  ///< It is queued.
  full,   ///< A dead letter: there was no room.
  closed, ///< A dead letter: the queue takes no more.
  held,   ///< Its sender waits for room.
};

/// Holds a message: a link in a queue.
struct message_node {
  message_node() = default;
  message_node(const message_node&) = delete;
  message_node& operator=(const message_node&) = delete;
  virtual ~message_node() = default;

  /// Gives the message away, for a dead letter: empty if it cannot be sent.
  [[nodiscard]] virtual caf::message content() = 0;

  message_node* next = nullptr;
  std::uint64_t number = 0; // in the order of arrival
  int again = 0;            // how often it was given out once more
  bool spent : 1 = false;   // somebody has got what it held
  bool dead : 1 = false;    // a dead letter, for this reason
  dead_letter_reason reason = dead_letter_reason::closed;
  std::uint16_t partition = 0; // where its key belongs, in a pool
  std::exception_ptr thrown;   // by the callback that failed on it last
};

/// Takes messages for a worker: its queue, or a pool, which has more than one.
/// Thread-safe.
class message_sink {
public:
  virtual ~message_sink();

  /// Notes in a message where it belongs. Calls code of the user, which may
  /// throw.
  virtual void assign(message_node& x) const;

  /// Takes a message, or has its sender wait for room.
  virtual receipt submit(submission& x) = 0;

  /// The messages so far, by their fate.
  [[nodiscard]] virtual queue_counts counts() noexcept = 0;
};

/// The queues of a pool, as each of them sees the others. Thread-safe.
class queue_group {
public:
  virtual ~queue_group();

  /// While it is held, nothing moves from one queue to another.
  [[nodiscard]] virtual std::unique_lock<std::mutex> lock() const = 0;

  /// `from` lives in this core from now on.
  virtual void housed(const message_queue& from, worker_core& in) = 0;

  /// Moves the messages left in `from`, which is closed, to the others.
  /// @param messages Whether that means the messages, or only those who wait
  ///                 for room. By key it always does: else a message that comes
  ///                 would be handled before them.
  virtual void take_over(message_queue& from, bool messages) noexcept = 0;
};

} // namespace troupe::detail
