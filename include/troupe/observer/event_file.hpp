// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/events.hpp"
#include "troupe/subscription.hpp"

#include <caf/fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace troupe {

/// Appends each event of an actor system to a file, a line of JSON for each, as
/// long as it lives. Each line is there for others to read as soon as it is
/// written. It never slows a worker, see `on_event`.
///
/// ~~~
/// troupe::event_file events{sys, "/var/log/pipeline/events.jsonl"};
/// ~~~
///
/// A file that was moved away goes on to be written to; to have a new one made,
/// make a new `event_file`. Thread-safe.
class event_file {
public:
  /// @param capacity What it may be late by before it misses events.
  /// @throws std::system_error if the file cannot be opened for writing.
  event_file(caf::actor_system& sys, const std::filesystem::path& path,
             std::size_t capacity = default_event_capacity);

  /// Writes what has happened up to now.
  ~event_file();

  event_file(const event_file&) = delete;

  event_file& operator=(const event_file&) = delete;

  /// How many events are not in the file, because it was too slow or could not
  /// be written to. The first failure is logged.
  [[nodiscard]] std::uint64_t missed() const noexcept;

private:
  class writer;

  std::shared_ptr<writer> writer_;
  subscription source_;
};

} // namespace troupe
