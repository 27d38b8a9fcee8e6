// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/actor_control_block.hpp>
#include <caf/error.hpp>

#include <memory>
#include <mutex>
#include <unordered_map>

namespace troupe {

/// The actors of other nodes that somebody has asked and that have not
/// answered. A local actor answers each request before it is gone; one of
/// another node goes without an answer when the connection to its node is lost.
/// CAF then ends what stands for it here, and those who wait are told. (A5)
///
/// One attachable for each such actor, however many wait for it; none when
/// nobody does. Thread-safe. Its lock may be held while a reply is delivered,
/// see docs/architecture.md, Locks.
class remote_targets : public std::enable_shared_from_this<remote_targets> {
private:
  struct target;

public:
  /// One who waits for an answer.
  class waiter {
  public:
    waiter() noexcept = default;

    waiter(const waiter&) = delete;

    waiter& operator=(const waiter&) = delete;

    /// Called at most once, with the lock held: no answer will come.
    virtual void target_lost(const caf::error& why) noexcept = 0;

  protected:
    ~waiter() = default;

  private:
    friend class remote_targets;

    std::shared_ptr<target> whom_; // null while it is in no list
    waiter* next_ = nullptr;
    waiter* previous_ = nullptr;
  };

  /// Whether `whom` does not live on the node `here`.
  [[nodiscard]] static bool is_remote(const caf::actor_control_block& whom,
                                      const caf::node_id& here) noexcept;

  /// Has `x` told when `whom` is gone; at once if it is gone already.
  /// @pre `whom` stays until `remove(x)`
  void add(waiter& x, caf::actor_control_block& whom);

  /// Has `x` told nothing any more: after this it may be destroyed.
  void remove(waiter& x) noexcept;

private:
  class watch;

  void lose(const std::shared_ptr<target>& whom,
            const caf::error& why) noexcept;

  std::mutex mtx_;
  std::unordered_map<caf::actor_control_block*, std::shared_ptr<target>>
    targets_;
};

} // namespace troupe
