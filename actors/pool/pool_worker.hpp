// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include "pool/router.hpp"
#include "supervisor/supervisor_worker.hpp"

#include <memory>

namespace troupe::detail {

/// The worker that a pool is: a supervisor whose router says which children
/// there are.
class pool_worker final : public supervisor_worker {
public:
  /// @param own The queue of a pool that is a root; a child gets it otherwise.
  explicit pool_worker(std::shared_ptr<message_queue> own);

  void after_shutdown(const outcome& how) override;

  std::shared_ptr<message_queue> make_queue() override;

protected:
  std::shared_ptr<supervisor_core> make_children() override;

  void has_begun(const std::shared_ptr<supervisor_core>& children) override;

private:
  std::shared_ptr<message_queue> own_queue_;
};

[[nodiscard]] const worker_role& role_of_pools() noexcept;

/// The router of the pool whose core that is, or null.
[[nodiscard]] std::shared_ptr<pool_router> router_of(const worker_core& x);

} // namespace troupe::detail
