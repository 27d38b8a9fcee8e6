// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "troupe/error.hpp"
#include "troupe/outcome.hpp"
#include "troupe/shutdown_all.hpp"
#include "troupe/supervisor_ref.hpp"
#include "troupe/supervisor_spec.hpp"
#include "troupe/time.hpp"
#include "troupe/tree_status.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

namespace troupe {

/// A tree of workers whose life is a scope: entering starts it, leaving shuts
/// it down. For tests, and for programs that have a main loop of their own; a
/// service uses `run`.
///
/// ~~~
/// {
///   troupe::supervisor_spec spec{.name = "pipeline"};
///   spec.add<writer>("writer");
///   troupe::scoped_supervisor tree{sys, std::move(spec)};
///   tree->child("writer");
///   auto report = tree.shutdown(10s); // the destructor would wait longer
/// }
/// ~~~
///
/// Blocks its thread, so it is for `main` and plain threads. Any thread may use
/// `ref()`.
class scoped_supervisor {
public:
  /// Makes the supervisor and starts it; returns when all children are ready.
  /// @throws start_error if one does not get ready; std::invalid_argument if
  ///         the spec is wrong, naming what is.
  explicit scoped_supervisor(caf::actor_system& sys, supervisor_spec spec)
    : ref_(spawn(sys, std::move(spec))) {
    if (auto err = ref_.startup()) {
      // Why it did not start is known; how it ends must not hide that.
      auto how = ref_.shutdown();
      auto thrown = how ? how->thrown() : nullptr;
      throw start_error{std::move(err), std::move(thrown)};
    }
  }

  scoped_supervisor(const scoped_supervisor&) = delete;

  scoped_supervisor& operator=(const scoped_supervisor&) = delete;

  /// Shuts the tree down.
  ~scoped_supervisor() {
    try {
      ref_.shutdown();
    } catch (...) {
      // A wait in virtual time can end in a deadlock report, which the test has
      // seen by other means; a destructor has nobody to tell.
      ref_.force_stop();
    }
  }

  /// The handle, for everything that has no shortcut here.
  [[nodiscard]] const supervisor_ref& ref() const noexcept {
    return ref_;
  }

  /// @copydoc ref
  const supervisor_ref* operator->() const noexcept {
    return &ref_;
  }

  /// The child of that name, or a handle that points to nobody.
  [[nodiscard]] worker_handle child(const std::string& name) const {
    return ref_.child(name);
  }

  /// The status of the supervisor and of all below it. (S29)
  [[nodiscard]] tree_status status_tree() const {
    return ref_.status_tree();
  }

  /// Stops the tree and waits for its end, as long as its children's grace
  /// periods allow. Idempotent.
  /// @returns how the supervisor ended.
  /// @throws std::runtime_error if it cannot wait here, with the reason.
  outcome shutdown() {
    auto how = ref_.shutdown();
    if (!how)
      throw std::runtime_error(text_of(how.error()));
    return *std::move(how);
  }

  /// Stops the tree within one deadline, see `supervisor_ref::shutdown`.
  /// @param deadline How long it may take in all; any `std::chrono` duration.
  /// @returns who was in the way.
  template <class Rep, class Period>
  stop_report shutdown(std::chrono::duration<Rep, Period> deadline) {
    return ref_.shutdown(to_timespan(deadline));
  }

private:
  supervisor_ref ref_;
};

} // namespace troupe
