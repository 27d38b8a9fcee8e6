// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/supervision.hpp"
#include "troupe/supervisor_spec.hpp"
#include "troupe/worker.hpp"
#include "worker/worker_role.hpp"

#include <functional>
#include <memory>

namespace troupe::detail {

class supervisor_core;

/// The worker that a supervisor is: it lives as long as its children do, and
/// leaves all decisions to their supervisor_core.
class supervisor_worker : public worker {
public:
  explicit supervisor_worker(std::shared_ptr<const supervisor_spec> spec);

  task<> on_startup() override;

  task<> run() override;

  task<> on_shutdown() override;

  void after_shutdown(const outcome& how) override;

protected:
  /// Makes the children of this life.
  [[nodiscard]] virtual std::shared_ptr<supervisor_core> make_children();

  /// They begin to start.
  virtual void has_begun(const std::shared_ptr<supervisor_core>& children);

private:
  /// Calls `on_ready` when all children are, unless the end comes first.
  /// @returns whether it has failed, and with it the supervisor.
  [[nodiscard]] task<bool> get_ready(supervisor_core& children);

  std::shared_ptr<const supervisor_spec> spec_;
  std::function<task<>()> on_ready_; // coroutines refer to them
  std::function<task<>()> on_stopped_;
};

/// The role of a supervisor; a pool adds to it.
class supervisor_role : public worker_role {
public:
  constexpr supervisor_role() noexcept : worker_role(child_kind::supervisor) {
    // nop
  }

  bool handle_call(worker_core& x, caf::mailbox_element& what) const override;

protected:
  ~supervisor_role() = default;
};

[[nodiscard]] const worker_role& role_of_supervisors() noexcept;

/// How a supervisor is run as a worker.
[[nodiscard]] worker_options options_of(const supervisor_spec& x);

/// The part that the rules need.
[[nodiscard]] rules::group_rules group_rules_of(const supervisor_spec& x);

/// @copydoc group_rules_of
[[nodiscard]] rules::child_rules child_rules_of(const child_options& x);

} // namespace troupe::detail
