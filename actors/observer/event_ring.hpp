// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
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

  /// Reads the events after number `after`; a number that is yet to come counts
  /// as the last one.
  [[nodiscard]] batch read(std::uint64_t after) const;

private:
  const std::size_t capacity_;

  mutable std::mutex mtx_;
  std::deque<entry_ptr> kept_;
  std::uint64_t last_ = 0;
};

/// Renders a batch for a stream of server-sent events: the events of `under`,
/// or of all workers if that is empty.
[[nodiscard]] std::string to_stream(const event_ring::batch& x,
                                    std::string_view under);

} // namespace troupe::observing
