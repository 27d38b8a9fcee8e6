// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "durable/engine.hpp"
#include "troupe/durable/periodic.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe::durable {

/// A job that a process puts once for each slot of a schedule.
struct periodic_entry {
  std::string queue;
  std::string name;
  schedule when;
  std::string type;
  std::string payload;
  periodic_options how;

  /// Set when nobody wants it any more.
  std::atomic<bool> over{false};
};

/// Puts what is due of a periodic job, and notes that. Between `begin` and
/// `commit`. (J12)
/// @param complain Is told of jobs that the database refuses: they are left
///                 out, since it would refuse them again.
/// @returns when there is something to do again.
/// @throws engine_error
wall_time
put_due_slots(engine& where, const periodic_entry& what,
              const std::function<void(const std::string&)>& complain);

/// The periodic jobs of a store in this process. For its thread.
class periodic_jobs {
public:
  /// From now on.
  void add(std::shared_ptr<const periodic_entry> x);

  /// Lets go of those that nobody wants any more.
  void tidy();

  [[nodiscard]] bool empty() const noexcept {
    return all_.empty();
  }

  /// When there is something to do. Not when there is none.
  [[nodiscard]] wall_time due() const noexcept;

  /// Puts what is due, see `put_due_slots`.
  /// @returns the queues of those that have come to a slot.
  std::vector<std::string>
  put_due(engine& where,
          const std::function<void(const std::string&)>& complain);

  /// That was committed.
  void committed();

private:
  struct entry {
    std::shared_ptr<const periodic_entry> what;
    wall_time due = wall_time::min();
    /// The same, if what was put last is committed.
    wall_time then = wall_time::min();
  };

  std::vector<entry> all_;
};

} // namespace troupe::durable
