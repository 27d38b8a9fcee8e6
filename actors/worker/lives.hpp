// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "worker/held.hpp"

#include <caf/error.hpp>

namespace troupe::detail {

class worker_core;

/// The lives of a worker that has an owner: how one follows another in the same
/// core, or in a successor of it, and how the last one ends. A view of the
/// worker's core, for its owner. Thread-safe unless a member says otherwise.
class lives {
public:
  explicit lives(worker_core& of) noexcept : of_(of) {
    // nop
  }

  /// Whether a life can begin in this core: its actor is there, and it has not
  /// come to its final end.
  [[nodiscard]] bool possible() const;

  /// Begins the first life, or the next one.
  /// @pre nobody else begins one, and the last one is over
  /// @returns an error if it cannot: the actor system goes down, or the worker
  ///          has come to its final end since somebody asked `possible()`.
  caf::error begin();

  /// The final end: no further life begins in this core.
  void retire();

  /// Makes `next` the core in which the lives go on: handles to this one mean
  /// that one.
  void go_on_in(worker_core& next);

private:
  [[nodiscard]] bool possible(const held& lock) const;

  worker_core& of_;
};

} // namespace troupe::detail
