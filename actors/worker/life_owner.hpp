// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/deadlines.hpp"
#include "troupe/options.hpp"
#include "troupe/tree_status.hpp"
#include "troupe/worker.hpp"
#include "troupe/worker_handle.hpp"

#include <caf/actor_control_block.hpp>

#include <memory>
#include <string_view>
#include <vector>

namespace troupe::detail {

class worker_core;
class core_ptr;
class status_poll;

/// Decides about the lives of a worker that has more than one: its supervisor,
/// as the worker's core sees it. Called without any lock held, on any thread.
class life_owner {
public:
  virtual ~life_owner();

  /// Makes the object for the next life of `who`, on the worker's own thread.
  /// May throw whatever the user's factory throws.
  [[nodiscard]] virtual std::unique_ptr<worker> make_object(worker_core& who)
    = 0;

  /// `who` has become ready.
  /// @param tell Whether to call `who.tell()` after taking note of it.
  virtual void child_ready(worker_core& who, bool tell) noexcept = 0;

  /// A life of `who` has ended. The owner calls `worker_core::tell`, then
  /// restarts it or calls `worker_core::retire`.
  virtual void child_ended(worker_core& who) noexcept = 0;

  /// Somebody who holds a handle to `who` wants it to stop.
  virtual void stop_wanted(worker_core& who, on_stop mode) noexcept = 0;

  /// Others take another actor for that of `who` from now on. (S23)
  virtual void public_actor_changed(worker_core& who,
                                    const caf::strong_actor_ptr& before,
                                    const caf::strong_actor_ptr& now)
    = 0;

  /// `who` says that it is in order again.
  virtual void marked_healthy(worker_core& who) noexcept = 0;
};

/// The children of a supervisor, as its own core sees them. Any thread.
class child_group {
public:
  virtual ~child_group();

  /// Stops them all.
  virtual void stop(const rules::stop_limits& limits) noexcept = 0;

  /// Forces them all.
  virtual void force() noexcept = 0;

  /// @returns the child of that name, or a handle that points to nobody.
  [[nodiscard]] virtual worker_handle find_child(std::string_view name) const
    = 0;

  /// Adds what it knows, and their status, to that of the supervisor.
  /// @param answers What they have said when they were asked, or null.
  virtual void describe(tree_status& out, const status_poll* answers) const = 0;

  /// Adds their cores.
  virtual void list(std::vector<core_ptr>& to) const = 0;

  /// Whether none of them is left.
  [[nodiscard]] virtual bool over() const noexcept = 0;

  /// The supervisor is no more: nobody is to be told anything.
  virtual void orphan() noexcept = 0;
};

} // namespace troupe::detail
