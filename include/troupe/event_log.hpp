// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/events.hpp"
#include "troupe/time.hpp"

#include <caf/fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace troupe {

/// The last events of a tree, or of a whole actor system, from when it was made
/// on. A program or a test waits for what has happened, instead of sleeping and
/// hoping that it has. Thread-safe.
///
/// ~~~
/// troupe::event_log log{tree};
/// tree.startup();
/// auto crash = log.wait_for(troupe::event_kind::failed, "/pipeline/fetcher");
/// ~~~
class event_log {
public:
  /// @param capacity How many events are kept: the last ones.
  explicit event_log(caf::actor_system& sys, std::size_t capacity = 1024);

  /// Of one worker and all below it.
  explicit event_log(const worker_handle& root, std::size_t capacity = 1024);

  event_log(const event_log&) = delete;

  event_log& operator=(const event_log&) = delete;

  ~event_log();

  /// Returns what is kept, oldest first.
  [[nodiscard]] std::vector<lifecycle_event> events() const;

  /// How many are not kept any more.
  [[nodiscard]] std::uint64_t forgotten() const noexcept;

  /// Forgets what is kept: `wait_for` looks at later events only.
  void clear();

  /// Blocks until there is an event that `wanted` accepts, among those kept or
  /// a later one. For `main` and plain threads.
  /// @param timeout How long to wait; any duration.
  /// @returns the first such event, or none when the time has passed or the
  ///          actor system is gone.
  /// @throws std::logic_error inside of a troupe actor.
  std::optional<lifecycle_event>
  wait_for(const std::function<bool(const lifecycle_event&)>& wanted,
           timespan timeout = infinite) const;

  /// As above, for an event of that kind and path.
  std::optional<lifecycle_event> wait_for(event_kind kind,
                                          const std::string& path,
                                          timespan timeout = infinite) const;

  /// As above, for an event of one life: the first one is 1.
  std::optional<lifecycle_event>
  wait_for(event_kind kind, const std::string& path, std::uint64_t incarnation,
           timespan timeout = infinite) const;

private:
  class recorder;

  std::shared_ptr<recorder> recorder_;
};

} // namespace troupe
