// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "worker/held.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace troupe {

struct tree_status;

} // namespace troupe

namespace troupe::detail {

class child_group;
class core_ptr;
class worker_core;

/// The children of a worker: those that it has linked to itself and, if it is a
/// supervisor, its group. A view of the worker's core, whose lock guards all of
/// it. Thread-safe.
class family {
public:
  /// How children are to end.
  enum class how_to_end : std::uint8_t {
    gracefully,
    linked_by_force, ///< Those of a supervisor stop by themselves. (S26)
    by_force,
  };

  explicit family(worker_core& of) noexcept : of_(of) {
    // nop
  }

  /// Whether some are left.
  [[nodiscard]] bool any() const;

  [[nodiscard]] bool any(const held& lock) const;

  /// Asks all to stop, or forces them.
  void stop(how_to_end how);

  /// The same, but those to be forced are left to the caller.
  void stop(how_to_end how, std::vector<core_ptr>& to_force);

  /// Lets go of those that have not ended.
  void disown() noexcept;

  // -- of a supervisor --------------------------------------------------------

  /// Makes `children` those of its present life.
  void set_group(std::shared_ptr<child_group> children);

  [[nodiscard]] std::shared_ptr<child_group> group() const;

  /// The children of its last life as they ended, and how often they were
  /// restarted, as they were at the end. Null if there was none, or if there is
  /// another one.
  [[nodiscard]] std::shared_ptr<const tree_status> last_group() const;

  /// None of the group is left.
  void group_over() noexcept;

  // -- linked -----------------------------------------------------------------

  void add(worker_core& child);

  /// Those that have not ended, in the order of their start.
  [[nodiscard]] std::vector<core_ptr> linked() const;

  /// Takes those that have ended, each with a reference.
  [[nodiscard]] std::vector<worker_core*> take_ended();

  /// Tells the parent of this worker that it has ended.
  /// @pre it is a linked child
  void tell_parent();

private:
  [[nodiscard]] bool is_to_be_forced() const;

  static bool drop_unstarted(worker_core& child);

  [[nodiscard]] std::vector<worker_core*> take_ended(const held& lock);

  worker_core& of_;
};

} // namespace troupe::detail
