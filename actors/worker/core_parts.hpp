// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "time/watchdog.hpp"
#include "troupe/worker_handle.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/message_id.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

struct tree_status;

} // namespace troupe

namespace troupe::detail {

class blocked_thread;
class child_group;
class worker_core;

/// Counts the references to a core, and the handles among them. Thread-safe.
class reference_count {
public:
  void retain() noexcept {
    count_.fetch_add(1, std::memory_order_relaxed);
  }

  /// Takes a reference unless the last one has been dropped.
  [[nodiscard]] bool try_retain() noexcept;

  /// Drops a reference unless it is the last one.
  /// @returns whether it did.
  [[nodiscard]] bool release_unless_last() noexcept;

protected:
  ~reference_count() = default;

  /// Drops a reference.
  /// @returns whether it was the last one.
  [[nodiscard]] bool drop_one() noexcept {
    return count_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

  void count_handle() noexcept {
    handles_.fetch_add(1, std::memory_order_relaxed);
  }

  /// @returns whether it was the last one.
  [[nodiscard]] bool uncount_handle() noexcept {
    return handles_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

  [[nodiscard]] bool has_handles() const noexcept {
    return handles_.load(std::memory_order_acquire) != 0;
  }

private:
  std::atomic<std::uint32_t> count_{1};
  std::atomic<std::uint32_t> handles_{1};
};

/// Somebody who is answered when a worker is ready, or over.
struct pending_reply {
  caf::strong_actor_ptr to;
  caf::message_id mid;
  lifecycle_awaiter::what until;
};

/// The part that few cores need; made on first use. The core's lock guards it.
struct core_extras {
  std::string degraded_because;
  std::vector<pending_reply> pending_replies;
  std::shared_ptr<child_group> children;            // of a supervisor
  std::shared_ptr<const tree_status> last_children; // of one that has ended
  worker_core* predecessor = nullptr;               // holds a reference
  worker_core* first_child = nullptr; // linked, as the following ones are
  worker_core* ended_child = nullptr; // the last one
  // Each takes itself out, with the lock held, before it goes.
  lifecycle_awaiter* awaiters = nullptr;
  blocked_thread* blocked = nullptr;
};

/// The link of a child to its parent, whose lock guards it.
struct kinship {
  worker_core* const parent;   // holds a reference
  worker_core* next = nullptr; // the list has a reference to each in it
  worker_core* previous = nullptr;
  bool is_listed = false;
};

/// The part that few cores have, and those from the beginning.
struct core_fittings {
  std::unique_ptr<kinship> kin; // of a linked child
  std::unique_ptr<watchdog> dog;
};

} // namespace troupe::detail
