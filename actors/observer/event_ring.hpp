// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/time.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::observing {

/// The last events, numbered from 1, for any number of readers, each of whom
/// goes on where it has stopped. A reader that is too slow, or comes too late,
/// is told how many it has missed. Thread-safe.
class event_ring {
public:
  /// One event, as it is shown.
  struct entry {
    std::uint64_t number;
    std::string path;
    std::string data; // what stands between the braces of its JSON
  };

  using entry_ptr = std::shared_ptr<const entry>;

  /// The events that a reader gets.
  struct batch {
    std::vector<entry_ptr> events;
    std::uint64_t missed = 0; // before the first of them
    std::uint64_t last = 0;   // where to go on
    bool closed = false;      // there will be no more
  };

  /// @param capacity How many are kept, more than zero.
  explicit event_ring(std::size_t capacity) noexcept : capacity_(capacity) {
    // nop
  }

  /// Adds an event.
  /// @param data A JSON object.
  void put(std::string path, std::string_view data);

  /// Counts events that nobody has got, because whoever puts them was too slow.
  void skip(std::uint64_t n);

  /// The number of the last event.
  [[nodiscard]] std::uint64_t last() const;

  /// Waits for events after number `after`; a number that is yet to come counts
  /// as the last one.
  /// @param limit How long, on the steady clock.
  /// @returns what there is, and nothing if there was none in time.
  [[nodiscard]] batch read(std::uint64_t after, timespan limit) const;

  /// Tells all readers that there will be no more.
  void close();

private:
  const std::size_t capacity_;

  mutable std::mutex mtx_;
  mutable std::condition_variable more_;
  std::deque<entry_ptr> kept_;
  std::uint64_t last_ = 0;
  bool closed_ = false;
};

/// Renders a batch for a stream of server-sent events: the events of `under`,
/// or of all workers if that is empty.
[[nodiscard]] std::string to_stream(const event_ring::batch& x,
                                    std::string_view under);

} // namespace troupe::observing
