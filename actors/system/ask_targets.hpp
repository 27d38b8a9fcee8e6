// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/actor_control_block.hpp>
#include <caf/error.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace troupe::detail {

/// Tells those who have asked an actor that no answer will come. (A5)
///
/// A local actor answers each request before it is gone, unless it is abandoned
/// in code that does not return: then `lose` is called. An actor of another
/// node goes without an answer when the connection to its node is lost; CAF
/// then ends what stands for it here. For that there is one attachable for each
/// such actor, however many wait for it, and none when nobody does.
///
/// Thread-safe. Its lock may be held while a reply is delivered, see
/// docs/architecture.md, Locks.
class ask_targets : public std::enable_shared_from_this<ask_targets> {
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
    friend class ask_targets;

    std::shared_ptr<target> whom_; // null while it is in no list
    waiter* next_ = nullptr;
    waiter* previous_ = nullptr;
  };

  /// The requests of one worker to local actors.
  class table {
  public:
    table() noexcept = default;

    table(const table&) = delete;

    table& operator=(const table&) = delete;

    /// Called with the lock held: no answer of `whom` will come.
    virtual void target_lost(const caf::actor_control_block& whom,
                             const caf::error& why) noexcept
      = 0;

  protected:
    ~table() = default;
  };

  /// Whether `whom` does not live on the node `here`.
  [[nodiscard]] static bool is_remote(const caf::actor_control_block& whom,
                                      const caf::node_id& here) noexcept;

  /// How the end of an actor becomes known.
  enum class known_by : std::uint8_t {
    attachable, ///< CAF tells: it is one of another node.
    lose,       ///< It answers, unless `lose` is called.
  };

  /// Has `x` told when `whom` is gone; at once if CAF tells and it is gone
  /// already.
  /// @pre `whom` stays until `remove(x)`
  void add(waiter& x, caf::actor_control_block& whom, known_by how);

  /// Has `x` told nothing any more: after this it may be destroyed.
  void remove(waiter& x) noexcept;

  /// Has `x` told of each actor that is lost.
  void add(table& x);

  /// @copydoc remove
  void remove(table& x) noexcept;

  /// Tells those who have asked `whom`: it is there, and will not answer.
  void lose(caf::actor_control_block& whom, const caf::error& why) noexcept;

private:
  class watch;

  void end(const std::shared_ptr<target>& whom, const caf::error& why) noexcept;

  std::mutex mtx_;
  std::vector<table*> tables_;
  std::unordered_map<caf::actor_control_block*, std::shared_ptr<target>>
    targets_;
};

} // namespace troupe::detail
