// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "rules/supervision.hpp"
#include "troupe/supervisor_spec.hpp"
#include "troupe/worker.hpp"

#include <memory>

namespace troupe {

/// The worker that a supervisor is: it lives as long as its children do, and
/// leaves all decisions to their nursery.
class supervisor_shell final : public worker {
public:
  explicit supervisor_shell(std::shared_ptr<const supervisor_spec> spec);

  /// Makes it a pool.
  /// @param own The queue of the pool: of a root; a child gets it otherwise.
  explicit supervisor_shell(std::shared_ptr<message_queue> own);

  task<> on_startup() override;

  task<> run() override;

  void after_shutdown(const outcome& how) override;

  std::shared_ptr<message_queue> make_queue() override;

private:
  std::shared_ptr<const supervisor_spec> spec_; // null in a pool
  std::shared_ptr<message_queue> own_queue_;
};

/// Whether `x` is the cell of a supervisor.
[[nodiscard]] bool is_supervisor(const cell& x) noexcept;

/// How a supervisor is run as a worker.
[[nodiscard]] worker_options options_of(const supervisor_spec& x);

/// What the rules have to know.
[[nodiscard]] rules::group_rules group_rules_of(const supervisor_spec& x);

/// @copydoc group_rules_of
[[nodiscard]] rules::child_rules child_rules_of(const child_options& x);

} // namespace troupe
