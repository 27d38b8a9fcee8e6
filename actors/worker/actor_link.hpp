// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/detail/small_mutex.hpp"
#include "worker/todo.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/mailbox_element.hpp>

namespace troupe::detail {

class worker_actor;

/// Ties the core of a worker to its actor. Thread-safe: its lock guards the
/// reference that keeps the actor alive, and with it who may enqueue. No other
/// lock is taken while it is held.
class actor_link {
public:
  // -- the tie ----------------------------------------------------------------

  /// Ties it to `who`, and keeps `who` alive.
  void attach(worker_actor& who);

  /// Unties it.
  /// @returns the reference, to be dropped without a lock: this may be the end
  ///          of the actor.
  [[nodiscard]] caf::strong_actor_ptr detach() noexcept;

  /// Unties it from an actor that is never to be destroyed.
  void detach_for_ever() noexcept;

  /// Lets the actor live on only while others hold it.
  /// @returns as `detach`.
  [[nodiscard]] caf::strong_actor_ptr let_go() noexcept;

  /// Keeps the actor alive again.
  /// @pre somebody else does so at present
  /// @returns `false` if it is untied.
  bool hold();

  /// The same, if somebody else does so at present.
  void hold_if_alive() noexcept;

  [[nodiscard]] bool is_tied() const;

  /// The actor; on its own thread.
  [[nodiscard]] worker_actor* get() const noexcept {
    return actor_;
  }

  // -- others -----------------------------------------------------------------

  /// The actor that others see, or null when it is gone.
  /// @param adopted Whether only a public actor is shown.
  [[nodiscard]] caf::strong_actor_ptr seen(bool adopted) const;

  /// Makes `who` the actor that others see.
  /// @returns the one before.
  caf::strong_actor_ptr show(caf::strong_actor_ptr who) noexcept;

  // -- its work ---------------------------------------------------------------

  /// @returns whether there was nothing to do, so that it is to be woken.
  [[nodiscard]] bool add(todo what) noexcept {
    return todo_.add(what);
  }

  [[nodiscard]] bool has_todo() const noexcept {
    return !todo_.empty();
  }

  [[nodiscard]] todo take_todo() noexcept {
    return todo_.take();
  }

  /// Makes the actor run, with `spare` as the message that does it, if given.
  void wake(caf::mailbox_element_ptr spare) noexcept;

private:
  todo_set todo_;
  mutable small_mutex mtx_;
  caf::strong_actor_ptr strong_;
  caf::strong_actor_ptr public_;
  worker_actor* actor_ = nullptr; // holds the core; clears this at its end
};

} // namespace troupe::detail
